#!/bin/sh
# Starts the runner that fits this machine. It lies beside this script; the
# arguments are the working directory, the script to run and its arguments.
set -eu

case "$0" in
  */*) here=${0%/*} ;;
  *) here=. ;;
esac

machine=$(uname -m)
case "$machine" in
  x86_64) arch=amd64 ;;
  aarch64 | arm64) arch=arm64 ;;
  i386 | i686) arch=386 ;;
  armv7l | armv6l) arch=arm ;;
  *)
    echo "Error: Unsupported architecture: $machine" >&2
    exit 1
    ;;
esac

if ! command -v bash >/dev/null 2>&1; then
  echo "Error: The image has no bash, which scripts are run with; use an" \
    "image that has it" >&2
  exit 127
fi

runner=$here/bootstrapRunner-linux-$arch
if [ ! -f "$runner" ]; then
  echo "Error: There is no runner for $arch ($runner)" >&2
  exit 1
fi

exec "$runner" "$@"
