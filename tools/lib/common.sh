# shellcheck shell=bash
# Helpers of ./dev, tools/lint and .ci/run. Sourced, never run; the current
# folder is the project's root.

# Everything that a command leaves behind is below these two folders.
readonly build_dir=build
readonly log_dir=$build_dir/logs
readonly result_dir=$build_dir/results
# CAF is built once for a user, not once for a clone.
readonly caf_version=0.18.7
readonly caf_cache=${XDG_CACHE_HOME:-$HOME/.cache}/cuttle

say() { printf '%s: %s\n' "${program:-dev}" "$*"; }
die() {
  printf '%s: error: %s\n' "${program:-dev}" "$*" >&2
  exit 1
}
misuse() {
  printf '%s: %s (see ./dev help)\n' "${program:-dev}" "$*" >&2
  exit 2
}

# seconds S: "47 s" or "3 min 05 s".
seconds() {
  if (($1 < 60)); then
    printf '%d s' "$1"
  else
    printf '%d min %02d s' "$(($1 / 60))" "$(($1 % 60))"
  fi
}

# in_group CMD...: runs CMD in a process group of its own, so that a signal to us
# ends all of it: what a build starts outlives the build tool otherwise.
child=
in_group() {
  local status=0
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  wait "$child" || status=$?
  child=
  return "$status"
}
interrupted() { # interrupted EXIT-CODE
  trap '' INT TERM HUP
  if [[ -n $child ]]; then
    kill -TERM -- "-$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  exit "$1"
}
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
trap 'interrupted 129' HUP

# step WHAT LOG CMD...: one line for a command whose output goes to a log; if it
# fails, what the log says.
step() {
  local what=$1 log=$log_dir/$2.log start=$SECONDS
  shift 2
  mkdir -p "$log_dir"
  printf '%s: %s ... ' "${program:-dev}" "$what"
  if in_group "$@" >"$log" 2>&1; then
    printf 'done in %s\n' "$(seconds $((SECONDS - start)))"
    return 0
  fi
  printf 'FAILED after %s\n' "$(seconds $((SECONDS - start)))"
  show_failure "$log"
  return 1
}

# The errors of a log where there are some, and its end.
show_failure() {
  {
    if grep -qE '(: |^)(fatal )?error:|^FAILED:|undefined reference' "$1"; then
      echo "--- errors in $1"
      grep -nE -A3 '(: |^)(fatal )?error:|^FAILED:|undefined reference' "$1" | head -n 60
    fi
    echo "--- the end of $1"
    tail -n 30 "$1"
    echo "---"
  } >&2
}

# How much may compile at once: a heavy unit takes up to 1.5 GB.
parallel() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  ((memory >= 1)) || memory=1
  echo $((cores < memory ? cores : memory))
}

# --- packages ------------------------------------------------------------------

# packages GROUP...: names in tools/packages.txt, and the commands they stand for.
packages() {
  local group
  for group in "$@"; do
    awk -v g="$group" '!/^#/ && $2 == g {print $1, $3}' tools/packages.txt
  done
}

# need GROUP...: installs the packages of the groups that are missing.
need() {
  local name stand_in missing=() as_root=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "packages: this is no Debian; I trust that what tools/packages.txt names is here"
    return 0
  fi
  while read -r name stand_in; do
    [[ -z $stand_in ]] || ! command -v "$stand_in" >/dev/null || continue
    [[ $(dpkg-query -W -f '${Status}' "$name" 2>/dev/null) == *' installed' ]] \
      || missing+=("$name")
  done < <(packages "$@")
  ((${#missing[@]})) || return 0
  if [[ $(id -u) != 0 ]]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo)
    else
      die "packages are missing and I am not root; install them and run me again:
  sudo apt-get install --no-install-recommends ${missing[*]}"
    fi
  fi
  local options=(-y -q --no-install-recommends
    -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
  step "packages: reading the lists" apt-update \
    "${as_root[@]}" apt-get -q -o Acquire::Retries=3 update \
    || die "apt-get update failed"
  step "packages: installing ${missing[*]}" apt-install \
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install \
    "${options[@]}" "${missing[@]}" \
    || die "apt-get could not install the packages (this was tried on Debian 12 only)"
}

# --- build ---------------------------------------------------------------------

# caf_prefix PRESET: where the CAF for a preset is; nothing for presets without.
caf_prefix() {
  case $1 in
    fuzz) ;;
    tsan) echo "$caf_cache/caf-$caf_version-thread" ;;
    *) echo "$caf_cache/caf-$caf_version" ;;
  esac
}

need_caf() { # need_caf PRESET
  local prefix options=()
  prefix=$(caf_prefix "$1")
  [[ -n $prefix ]] || return 0
  [[ $1 != tsan ]] || options=(--sanitize thread)
  # Quick, and quiet, when it is there.
  if [[ -f $prefix/share/caf/install-caf.stamp ]]; then
    need_libraries "$1" "$prefix"
    return 0
  fi
  step "CAF $caf_version for preset $1: building, in $prefix" "caf-$1" \
    tools/install-caf --prefix "$prefix" --jobs "$(parallel)" "${options[@]}" \
    || die "CAF was not built"
  need_libraries "$1" "$prefix"
}

# The libraries that the shipped worker links statically. Without them it still
# builds, and takes more memory.
need_libraries() { # need_libraries PRESET PREFIX
  if [[ $1 != release && $1 != debug ]] || ! command -v dpkg-query >/dev/null \
    || tools/install-libraries --prefix "$2" --check 2>/dev/null; then
    return 0
  fi
  step "static libraries: building, in $2" libraries \
    tools/install-libraries --prefix "$2" --jobs "$(parallel)" \
    || say "static libraries: not built; the worker will use the shared ones"
}

# build PRESET [TARGET...]
build() {
  local preset=$1 prefix target targets=()
  shift
  need_caf "$preset"
  prefix=$(caf_prefix "$preset")
  for target in "$@"; do targets+=(--target "$target"); done
  step "configuring preset $preset" "configure-$preset" \
    cmake --preset "$preset" ${prefix:+"-DCMAKE_PREFIX_PATH=$prefix"} \
    || die "CMake did not accept the project"
  step "building preset $preset${*:+ ($*)}" "build-$preset" \
    cmake --build "$build_dir/$preset" -j "$(parallel)" "${targets[@]}" \
    || die "the build failed"
}

# run_ctest NAME PRESET ARGUMENT...: ctest on the terminal, and its results in
# build/results/NAME.{xml,log}.
run_ctest() {
  local name=$1 preset=$2 wrap=() out
  shift 2
  mkdir -p "$result_dir"
  out=$PWD/$result_dir
  rm -f "$out/$name.xml" "$out/$name.log"
  # ThreadSanitizer of GCC 12 needs addresses that are not too random.
  if [[ $preset == tsan ]] && setarch "$(uname -m)" -R true 2>/dev/null; then
    wrap=(setarch "$(uname -m)" -R)
  fi
  in_group "${wrap[@]}" ctest --test-dir "$build_dir/$preset" --output-on-failure \
    --no-tests=error --output-log "$out/$name.log" --output-junit "$out/$name.xml" "$@"
}

# ctest_sum LOG...: "PASSED FAILED SKIPPED" over ctest's own closing lines. (Its
# JUnit file counts a program that is missing as skipped; it is a failure.)
ctest_sum() {
  cat /dev/null "$@" | awk '
    /^[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+/ {
      failed += $4; total += $9
    }
    /^The following tests did not run:/ {listing = 1; next}
    listing && /\(Skipped\)$/ {skipped++; next}
    listing && !/\(Disabled\)$/ {listing = 0}
    END {printf "%d %d %d\n", total - failed - skipped, failed, skipped}'
}
