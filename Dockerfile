# syntax=docker/dockerfile:1
# The worker's image: the program and the libraries that it links, the runner for
# script pods on amd64 and arm64 nodes, certificate authorities, and nothing to
# log in to: no shell, no package manager, no root. tools/image makes the same
# content for the test cluster without a container engine.
#
#   docker build -t registry.example/cuttle:0.1.0 .
#   docker buildx build --platform linux/amd64,linux/arm64 -t … --push .
#
# For a build that repeats, give the base image by its digest:
#   --build-arg DEBIAN=debian:12-slim@sha256:…

ARG DEBIAN=debian:12-slim

# --- build ---------------------------------------------------------------------
FROM ${DEBIAN} AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /src
# Packages of Debian 12, by the project's own list; CAF from Debian's source.
COPY tools/packages.txt tools/install-caf tools/
RUN apt-get update \
  && awk '!/^#/ && $2 == "build" {print $1}' tools/packages.txt \
    | DEBIAN_FRONTEND=noninteractive xargs apt-get install -y -q --no-install-recommends \
      ca-certificates dpkg-dev \
  && tools/install-caf --prefix /opt/caf \
  && rm -rf /var/lib/apt/lists/*
# The runner for arm64 nodes; the build finds the cross compiler itself.
RUN if [[ $(dpkg --print-architecture) == amd64 ]]; then \
    dpkg --add-architecture arm64 \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      g++-aarch64-linux-gnu libssl-dev:arm64 \
    && rm -rf /var/lib/apt/lists/*; \
  fi
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY messages messages
COPY infra infra
COPY actors actors
COPY programs programs
COPY tools tools
RUN cmake --preset release -DCUTTLE_TESTS=OFF -DCMAKE_PREFIX_PATH=/opt/caf \
  && cmake --build build/release \
  && tools/image-root build/release /image

# --- the image -----------------------------------------------------------------
FROM scratch
COPY --from=build /image /
ENV PATH=/usr/local/bin \
    HOME=/tmp \
    BOOTSTRAPRUNNEREXECUTABLEDIRECTORY=/bootstrapRunner/
USER 1000:1000
WORKDIR /tmp
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/cuttle"]
CMD ["run"]
