#!/usr/bin/env bash
# Tries the whole exchange on a real cluster, under load, and prints what it measured.
#
#   scripts/kube-test.sh <kubeconfig> [options]        --help lists them
#
# Needs node, kubectl and helm; scripts/kube-tools.sh install helm makes the last. Works in a namespace of its
# own, which is gone afterwards.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)

# A cluster on this machine may bring its tools beside its kubeconfig.
if [[ -f ${1:-} ]] && ! command -v kubectl >/dev/null; then
  PATH="$PATH:$(dirname "$(readlink -f "$1")")/bin"
  export PATH
fi
# A helm that the project has built serves when there is no other.
if ! command -v helm >/dev/null; then
  PATH="$PATH:$("$here/kube-tools.sh" path 2>/dev/null | paste -sd:)"
  export PATH
fi
missing=()
for tool in node kubectl helm; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if ((${#missing[@]})); then
  echo "kube-test: not on the PATH: ${missing[*]}" >&2
  [[ " ${missing[*]} " != *" helm "* ]] || echo "kube-test: scripts/kube-tools.sh install helm builds helm" >&2
  exit 69
fi

exec node "$here/run.mjs" kube/main "$@"
