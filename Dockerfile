# The worker's image: the program and the C library, the runner for
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
WORKDIR /src
# Packages of Debian 12, by the project's own list.
COPY tools/packages.txt tools/
RUN apt-get update \
  && awk '!/^#/ && $2 == "build" {print $1}' tools/packages.txt \
    | DEBIAN_FRONTEND=noninteractive xargs apt-get install -y -q --no-install-recommends \
      ca-certificates dpkg-dev \
  && rm -rf /var/lib/apt/lists/*
# The runner for nodes of the other architecture; the build finds the cross
# compiler itself.
RUN case $(dpkg --print-architecture) in \
    amd64) other=arm64 compiler=g++-aarch64-linux-gnu ;; \
    arm64) other=amd64 compiler=g++-x86-64-linux-gnu ;; \
    *) echo "images are for amd64 and arm64 nodes" >&2; exit 1 ;; \
  esac \
  && dpkg --add-architecture "$other" \
  && apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    "$compiler" "libssl-dev:$other" \
  && rm -rf /var/lib/apt/lists/*
# CAF, and the libraries that Debian has no good static archive of, from Debian's
# sources of them.
COPY tools/install-caf tools/install-libraries tools/
RUN tools/install-caf --prefix /opt/caf \
  && tools/install-libraries --prefix /opt/caf \
  && rm -rf /var/lib/apt/lists/* /root/.cache/caf
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY messages messages
COPY infra infra
COPY actors actors
COPY programs programs
COPY tools tools
RUN cmake --preset release -DCUTTLE_TESTS=OFF -DCMAKE_PREFIX_PATH=/opt/caf \
  && cmake --build build/release \
  && test -x build/release/runner/bootstrapRunner-linux-amd64 \
  && test -x build/release/runner/bootstrapRunner-linux-arm64 \
  && tools/image-root build/release /image

# --- the image -----------------------------------------------------------------
FROM scratch
COPY --from=build /image /
ENV PATH=/usr/local/bin \
    HOME=/tmp \
    BOOTSTRAPRUNNEREXECUTABLEDIRECTORY=/bootstrapRunner/
USER 1000:1000
WORKDIR /tmp
EXPOSE 8080 8081
ENTRYPOINT ["/usr/local/bin/cuttle"]
CMD ["run"]
