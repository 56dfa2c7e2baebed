# shellcheck shell=bash
# What prepare and cleanup share. Sourced, never run.

# shellcheck disable=SC2034  # used by the scripts that source this file
readonly mark=cuttle.test/prepared

say() { printf '%s: %s\n' "${0##*/}" "$*"; }
die() {
  printf '%s: error: %s\n' "${0##*/}" "$*" >&2
  exit 1
}
misuse() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  usage >&2
  exit 2
}

# Sets the option's variable, given its name and the remaining words.
value() { # value VARIABLE OPTION [VALUE]
  (($# > 2)) && [[ -n $3 && $3 != --* ]] || misuse "$2 needs a value"
  printf -v "$1" '%s' "$3"
}

check_common() {
  [[ -n ${kubeconfig:-} ]] || misuse "--kubeconfig is missing"
  [[ -r $kubeconfig ]] || die "can not read the kubeconfig $kubeconfig"
  [[ -n ${namespace:-} ]] || misuse "--namespace is missing"
  [[ $namespace =~ ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$ ]] \
    || die "'$namespace' is no name for a namespace (lower-case letters, digits and '-')"
  local cached=${CLUSTER_CACHE:-$HOME/.cache/${CLUSTER_NAME:-cuttle-e2e}}/bin
  if ! command -v kubectl >/dev/null && [[ -x $cached/kubectl ]]; then
    PATH=$cached:$PATH
  fi
  command -v kubectl >/dev/null \
    || die "kubectl is not in the PATH (tests/cluster/env prints where the test cluster's is)"
}

k() { kubectl --kubeconfig "$kubeconfig" --request-timeout=30s "$@"; }

# Says who the namespace belongs to: nobody, us or others.
owner() {
  local found
  found=$(k get namespace "$namespace" --ignore-not-found \
    -o "jsonpath={.metadata.name}/{.metadata.labels.cuttle\.test/prepared}") \
    || die "the cluster of $kubeconfig does not answer"
  case $found in
    '') echo nobody ;;
    */yes) echo us ;;
    *) echo others ;;
  esac
}
