#!/usr/bin/env bash
# What the exchange stands on in a development or test cluster: its namespace, its secrets and a PostgreSQL.
#
#   scripts/kube-platform.sh NAMESPACE
#
# What exists is kept, so it may run again. Settings, from the environment:
#
#   KUBE_CONTEXT     context of kubectl; the current one by default
#   RELEASE          name of the Helm release that the certificates are for; "bourse" by default
#   POSTGRES_IMAGE   image of the database; localhost/bourse-postgres:dev by default
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

release=${RELEASE:-bourse}
context=(${KUBE_CONTEXT:+--context "$KUBE_CONTEXT"})
postgres_image=${POSTGRES_IMAGE:-localhost/bourse-postgres:dev}

main() {
  if [[ $# -ne 1 || $1 == -* ]]; then
    sed -n '2,/^set /s/^# \{0,1\}//p' scripts/kube-platform.sh | sed '$d' >&2
    exit 64
  fi
  local namespace=$1
  make_namespace "$namespace"
  npm run --silent kube-secrets -- --namespace "$namespace" --release "$release" ${context[@]+"${context[@]}"}
  sed "s|localhost/bourse-postgres:dev|$postgres_image|" k8s/platform/postgres.yaml |
    on_cluster --namespace "$namespace" apply -f -
  if ! on_cluster --namespace "$namespace" rollout status statefulset/postgres --timeout=180s; then
    on_cluster --namespace "$namespace" describe pod -l app.kubernetes.io/name=postgres | tail -n 20 >&2
    exit 1
  fi
}

# Pods of the exchange and its database keep the strictest rules that Kubernetes has a name for. Here it refuses
# those which do not; in a namespace of others' making its own labels count. The mark tells the two apart, and comes
# with the namespace in one request: a label that failed is repaired by the next run, and nobody else's is touched.
make_namespace() {
  local mark=app.kubernetes.io/managed-by=bourse-kube-platform
  if ! on_cluster get namespace "$1" >/dev/null 2>&1; then
    on_cluster create -f - <<YAML
apiVersion: v1
kind: Namespace
metadata:
  name: "$1"
  labels: { ${mark/=/: } }
YAML
  fi
  on_cluster label namespace --selector "$mark" --field-selector "metadata.name=$1" --overwrite \
    pod-security.kubernetes.io/enforce=restricted
}

on_cluster() { kubectl ${context[@]+"${context[@]}"} "$@"; }

main "$@"
