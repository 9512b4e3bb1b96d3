#!/usr/bin/env bash
# The whole exchange in a development or test cluster, from this tree: builds and loads the images, makes the
# namespace, secrets and a PostgreSQL, installs or upgrades the release and waits until all of it is ready.
#
#   scripts/kube-up.sh NAMESPACE [HELM ARGUMENT...]
#
# Works on kubectl's current context, and only where scripts/kube-images.sh knows how to load images. Needs
# kubectl, helm, Node, and docker, podman or buildah. Settings, from the environment:
#
#   TAG          tag of the images; "dev" by default. Pods that run keep their image while the tag is the same:
#                give another one to roll out changed code, or use skaffold
#   RELEASE      name of the Helm release; "bourse" by default
#   TIMEOUT      longest wait for the release; 5m by default
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

release=${RELEASE:-bourse}

main() {
  if [[ $# -eq 0 || $1 == -* ]]; then
    sed -n '2,/^set /s/^# \{0,1\}//p' scripts/kube-up.sh | sed '$d' >&2
    exit 64
  fi
  local namespace=$1 images
  shift
  # Two lines: the exchange, its database.
  images=$(scripts/kube-images.sh "${TAG:-dev}")
  RELEASE=$release POSTGRES_IMAGE=$(tail -n 1 <<<"$images") scripts/kube-platform.sh "$namespace"
  install "$namespace" "$(head -n 1 <<<"$images")" "$@"
}

install() {
  local namespace=$1 image=$2
  shift 2
  if ! helm upgrade "$release" charts/bourse --install --namespace "$namespace" \
    --values charts/bourse/environments/kind.yaml \
    --set-string "image.repository=${image%:*},image.tag=${image##*:}" \
    --wait --timeout "${TIMEOUT:-5m}" "$@"; then
    echo "kube-up: helm failed; the pods, and what those say that are not ready:" >&2
    kubectl --namespace "$namespace" get pods >&2
    not_ready "$namespace" | while read -r pod; do
      echo "--- $pod" >&2
      kubectl --namespace "$namespace" logs "$pod" --tail=5 >&2 || true
    done
    exit 1
  fi
  echo "npm run --silent kube-secrets -- --namespace $namespace --token alice   prints a token for calls"
}

# Pods with a container that is not ready and did not end well.
not_ready() {
  kubectl --namespace "$1" get pods -o go-template='{{range .items}}{{$name := .metadata.name}}{{range .status.containerStatuses}}{{if and (not .ready) (not (and .state.terminated (eq .state.terminated.exitCode 0)))}}{{$name}}{{"\n"}}{{end}}{{end}}{{end}}'
}

main "$@"
