#!/usr/bin/env bash
# check-kind.sh [file]: refuses a kind configuration with a field or a version that kind does not know.
# kind has no command for that, but reads the file before it looks for a container runtime; so it is run where
# it can find none, and must complain of that alone. Nothing is created. KIND names the program.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
kind=$(command -v "${KIND:-kind}") || {
  echo "check-kind: there is no kind on the path; KIND=<file> names one" >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What kind says of a configuration, without a container runtime within reach.
said_of() {
  env -i PATH="$work" HOME="$work" KIND_EXPERIMENTAL_PROVIDER=docker \
    "$kind" create cluster --config "$1" --kubeconfig "$work/kubeconfig" 2>&1 || true
}

file=${1:-$root/k8s/kind.yaml}
said=$(said_of "$file")
case $said in
  *"executable file not found"*) ;;
  *)
    echo "check-kind: $file: ${said##*ERROR: }" >&2
    exit 1
    ;;
esac

# A typo must be refused, else the answer above proves nothing.
sed 's/^nodes:/nodez:/' "$root/k8s/kind.yaml" >"$work/typo.yaml"
case $(said_of "$work/typo.yaml") in
  *"field nodez not found"*) echo "check-kind: $file is understood" ;;
  *)
    echo "check-kind: this kind does not refuse a field that it does not know" >&2
    exit 1
    ;;
esac
