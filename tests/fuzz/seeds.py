#!/usr/bin/env python3
"""Writes the first inputs of the Halibut fuzzers from the recorded connections.

Usage: seeds.py   (reads tests/vectors, writes tests/fuzz/corpus)
"""

import base64
import hashlib
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
LARGEST = 8 * 1024


def write(fuzzer, content):
    """One file, named by its content so that equal inputs appear once."""
    if len(content) > LARGEST:
        return
    folder = HERE / "corpus" / fuzzer
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(content).hexdigest()[:16]
    (folder / name).write_bytes(content)


def content(step):
    """The bytes of a step, whatever its kind."""
    if "hex" in step:
        return bytes.fromhex(step["hex"])
    return base64.b64decode(step.get("base64", ""))


def session(steps):
    """What the server sent, from its identity on; four bytes cut it up."""
    sent = [content(step) for step in steps
            if step["direction"] == "server->worker"
            and step["kind"] not in ("preamble", "identity")]
    return (b"\x00\x07\xff\x20" + b"MX-SERVER 1.0\r\n\r\n"
            + b"".join(sent))


# What a trusted peer sends first in each role of halibut_drivers, and from
# which side of a recording the rest comes.
ROLES = [
    (b"MX\n\nMX-CLIENT 1.0\r\n\r\n", "server->worker"),
    (b"MX-SERVER 1.0\r\n\r\n", "worker->server"),
    (b"MX\n\nMX-SUBSCRIBER 1.0 poll://fuzz/\r\n\r\n", "worker->server"),
    (b"MX-SERVER 1.0\r\n\r\n", "server->worker"),
]


def drivers(steps):
    """The same connection from the view of each role."""
    for role, (hello, direction) in enumerate(ROLES):
        sent = [content(step) for step in steps
                if step["direction"] == direction
                and step["kind"] not in ("preamble", "identity")]
        yield bytes([role, 255]) + hello + b"".join(sent)


def main():
    for path in sorted((HERE.parent / "vectors").glob("*.json")):
        steps = json.loads(path.read_text())["steps"]
        write("halibut_session", session(steps))
        for seed in drivers(steps):
            write("halibut_drivers", seed)
        for step in steps:
            if "hex" in step:
                write("halibut_lines", bytes.fromhex(step["hex"]))
            elif step["kind"] == "stream" and "base64" in step:
                write("halibut_lines", base64.b64decode(step["base64"]))
            elif step["kind"] == "message":
                if "base64" in step:
                    write("halibut_inflate", base64.b64decode(step["base64"]))
                if "bson_base64" in step:
                    document = base64.b64decode(step["bson_base64"])
                    write("halibut_envelope", document)
                    if step["direction"] == "server->worker":
                        write("tentacle_request", document)
    write("halibut_lines", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    write("halibut_lines", b"HTTP/1.0 200 Connection established\r\n\r\n")


if __name__ == "__main__":
    main()
