#!/usr/bin/env bash
# The exchange on a kind cluster on this machine: makes the cluster when it is not there, then does what
# scripts/kube-up.sh does anywhere. A second run keeps cluster and data.
#
#   scripts/kind-up.sh [HELM ARGUMENT...]
#
# Needs docker or podman, kind, kubectl, helm and Node. Settings, from the environment: NAMESPACE, "bourse" by
# default, and those of scripts/kube-up.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case ${1:-} in
  -h | --help)
    sed -n '2,/^set /s/^# \{0,1\}//p' scripts/kind-up.sh | sed '$d'
    exit
    ;;
esac
for program in kind kubectl helm node npm; do
  command -v "$program" >/dev/null || {
    echo "kind-up: $program is not installed" >&2
    exit 1
  }
done

cluster=$(sed -n 's/^name: //p' k8s/kind.yaml)
namespace=${NAMESPACE:-bourse}
# In a file of its own: the context of whoever works on another cluster stays what it was.
mkdir -p .bourse
export KUBECONFIG=$PWD/.bourse/kind.kubeconfig
if ! kind get clusters | grep -qx "$cluster"; then
  kind create cluster --config k8s/kind.yaml --wait 120s
fi
kind export kubeconfig --name "$cluster"

scripts/kube-up.sh "$namespace" "$@"
cat <<DONE

The exchange runs on the kind cluster "$cluster". To call it:

  export KUBECONFIG=$KUBECONFIG
  kubectl --namespace $namespace port-forward service/bourse-order-gateway 8080:8080 50051:50051

scripts/kind-down.sh removes the cluster and everything in it.
DONE
