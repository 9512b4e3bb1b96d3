#!/usr/bin/env bash
# Removes the kind cluster of scripts/kind-up.sh and everything in it, orders and balances included.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kind delete cluster --name "$(sed -n 's/^name: //p' k8s/kind.yaml)"
rm -f .bourse/kind.kubeconfig
