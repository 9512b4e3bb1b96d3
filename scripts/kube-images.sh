#!/usr/bin/env bash
# Builds the images of the exchange and of its database for development, and gives them to the cluster.
#
#   scripts/kube-images.sh [--build-only] [TAG]        TAG is "dev" by default
#
# Makes localhost/bourse:TAG and localhost/bourse-postgres:TAG with docker, podman or buildah, whichever
# works here. Layers are kept: a change in code builds in seconds. Then the images go, in this order, to
#
#   IMAGE_LOADER="command"   that command, with an archive as its last argument, once for each image
#   REGISTRY=host/path       that registry, as REGISTRY/bourse:TAG and REGISTRY/bourse-postgres:TAG
#   the cluster of kubectl's current context, when it is one of kind, minikube, k3d or kube-lab
#
# Other settings, from the environment:
#
#   BUILDER      docker, podman or buildah
#   BUILD_ARGS   more arguments for `BUILDER build`, for example "--no-cache"
#   NODE_IMAGE   base image, docker.io/library/node:24-bookworm-slim by default; a digest may follow
#   NPM_CA       certificates that npm must trust while building; found by itself from npm's settings and
#                NODE_EXTRA_CA_CERTS. Registry and tokens of npm's own settings are used too.
#   KUBE_LAB     the program kube-lab; looked for on the PATH, in ../shared/kube-lab, and by what runs
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/bourse/images
node_image=${NODE_IMAGE:-docker.io/library/node:24-bookworm-slim}
read -r -a build_args <<<"${BUILD_ARGS:-}"
image_bytes_max=$((250 * 1000 * 1000))

say() { echo "kube-images: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

main() {
  local is_build_only=false tag=dev
  while (($#)); do
    case $1 in
    --build-only) is_build_only=true ;;
    -h | --help) usage 0 ;;
    -*) usage 64 ;;
    *) tag=$1 ;;
    esac
    shift
  done
  [[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || fail "\"$tag\" cannot be a tag"
  mkdir -p "$cache"
  lock
  # First of all: whoever has nowhere to load should not wait for a build.
  local target="nobody"
  [[ $is_build_only == true ]] || target=$(find_target)
  local builder
  builder=$(find_builder)
  say "building with $builder; images go to $target"
  ensure_base "$builder"
  # By name: buildah would take a cached step although an ARG that it uses has changed.
  local label=org.opencontainers.image
  build "$builder" "localhost/bourse:$tag" services/Dockerfile --label "$label.version=$(version)" \
    --label "$label.revision=$(revision)" --label "$label.created=$(created)"
  build "$builder" "localhost/bourse-postgres:$tag" k8s/images/postgres/Dockerfile
  warn_of_size "$builder" "localhost/bourse:$tag"
  deliver "$builder" "$target" "$tag" bourse
  deliver "$builder" "$target" "$tag" bourse-postgres
  say "done in $SECONDS s"
}

usage() {
  sed -n '2,/^set /s/^# \{0,1\}//p' scripts/kube-images.sh >&2
  exit "$1"
}

# Two builds at once would only wait for each other, and mix their archives.
lock() {
  command -v flock >/dev/null || return 0
  exec 9>"$cache/lock"
  flock -n 9 && return
  say "another build runs; waiting for it"
  flock -w 900 9 || fail "it did not end within 15 minutes"
}

# --- where the images go ------------------------------------------------------------------------------

find_target() {
  if [[ -n ${IMAGE_LOADER:-} ]]; then echo "IMAGE_LOADER ($IMAGE_LOADER)" && return; fi
  if [[ -n ${REGISTRY:-} ]]; then echo "registry $REGISTRY" && return; fi
  command -v kubectl >/dev/null || fail "no kubectl here: set IMAGE_LOADER or REGISTRY, or give --build-only"
  local context nodes
  context=$(kubectl config current-context 2>/dev/null) ||
    fail "kubectl has no current context: set KUBECONFIG, IMAGE_LOADER or REGISTRY, or give --build-only"
  case $context in
  kind-*) echo "kind ${context#kind-}" && return ;;
  k3d-*) echo "k3d ${context#k3d-}" && return ;;
  esac
  nodes=$(timeout 20 kubectl get nodes -o name 2>&1) || fail "the cluster of context $context does not answer: $nodes"
  case " ${nodes//$'\n'/ } " in
  *" node/kube-lab "*)
    find_kube_lab >/dev/null || fail "the node is a kube-lab, but there is no program kube-lab: set KUBE_LAB to its path"
    echo kube-lab
    ;;
  *" node/minikube"* | *" node/${context} "*)
    command -v minikube >/dev/null || fail "context $context looks like minikube, which is not installed here"
    echo "minikube $context"
    ;;
  *) fail "no way is known to give an image to the nodes of context $context: set REGISTRY=host/path to push to a" \
    "registry that they can pull from, or IMAGE_LOADER=\"command\" to a command that takes an archive" ;;
  esac
}

# On the PATH, beside the checkout, or the file that the running node was started from.
find_kube_lab() {
  local file
  for file in "${KUBE_LAB:-}" "$(command -v kube-lab || true)" ../shared/kube-lab/kube-lab "$(running_kube_lab)"; do
    [[ -n $file && -x $file ]] && readlink -f "$file" && return
  done
  return 1
}

running_kube_lab() {
  local state pid word
  state=$(dirname "${KUBECONFIG:-${KUBE_LAB_HOME:-$HOME/.cache/kube-lab}/kubeconfig}")/state
  pid=$(cat "$state/pid" 2>/dev/null) || return 0
  while IFS= read -r -d '' word; do
    [[ $word == */kube-lab ]] && echo "$word" && return
  done 2>/dev/null <"/proc/$pid/cmdline" || true
}

deliver() { # builder, target, tag, name
  local image=localhost/$4:$3 archive
  case $2 in
  nobody) echo "$image" ;;
  registry*)
    push_image "$1" "$image" "$REGISTRY/$4:$3"
    echo "$REGISTRY/$4:$3"
    ;;
  *)
    archive=$(save "$1" "$image" "$cache/$4.tar")
    say "loading $image"
    load "$2" "$archive"
    echo "$image"
    ;;
  esac
}

load() { # target, archive
  local -a loader
  case $1 in
  IMAGE_LOADER*)
    read -r -a loader <<<"$IMAGE_LOADER"
    "${loader[@]}" "$2" >&2
    ;;
  kind*) kind load image-archive "$2" --name "${1#kind }" >&2 ;;
  k3d*) k3d image import "$2" --cluster "${1#k3d }" >&2 ;;
  minikube*) minikube image load "$2" --profile "${1#minikube }" >&2 ;;
  kube-lab) "$(find_kube_lab)" load-image "$2" >&2 ;;
  esac
}

# --- builders -----------------------------------------------------------------------------------------

# A docker without its daemon is as good as none.
find_builder() {
  local builder
  if [[ -n ${BUILDER:-} ]]; then
    command -v "$BUILDER" >/dev/null || fail "BUILDER=$BUILDER is not installed"
    echo "$BUILDER"
    return
  fi
  for builder in docker podman buildah; do
    command -v $builder >/dev/null && timeout 20 $builder info >/dev/null 2>&1 && echo $builder && return
  done
  fail "no builder works here: install docker, podman or buildah, or start docker"
}

# The base image must be there, or come from its registry. Where neither is possible, a program beside
# kube-lab makes a stand-in of packages; it keeps it in the storage that buildah and podman share.
ensure_base() { # builder
  local make
  has_image "$1" "$node_image" && return
  say "pulling $node_image"
  timeout 300 "$1" pull "$node_image" >&2 && return
  make=$(dirname "$(find_kube_lab || echo /)")/node-image
  if [[ $1 != docker && -x $make && $node_image != *@* ]]; then
    say "it cannot be pulled here; $make makes a stand-in"
    "$make" 24 "$node_image" >&2 && return
  fi
  fail "there is no base image $node_image, and it cannot be pulled. Give another by NODE_IMAGE=..., or put one into" \
    "$1's storage under that name: \`$1 pull\` from a mirror and \`$1 tag\`, or \`$1 load\`; for buildah and podman" \
    "also \`node-image 24 $node_image\`, which lies beside kube-lab"
}

has_image() { [[ -n $(image_id "$1" "$2") ]]; }

image_id() { # builder, image
  case $1 in
  docker) docker image inspect --format '{{.Id}}' "$2" 2>/dev/null || true ;;
  podman) podman image inspect --format '{{.Id}}' "$2" 2>/dev/null || true ;;
  buildah) buildah inspect --type image --format '{{.FromImageID}}' "$2" 2>/dev/null || true ;;
  esac
}

build() { # builder, image, Dockerfile, more arguments
  local begin=$SECONDS
  local -a args=(--file "$3" --tag "$2" --build-arg "NODE_IMAGE=$node_image" "${@:4}")
  npm_secrets
  args+=(${secret_args[@]+"${secret_args[@]}"} ${build_args[@]+"${build_args[@]}"})
  say "building $2"
  case $1 in
  docker) DOCKER_BUILDKIT=1 docker build --progress=plain $(proxy_args) "${args[@]}" . >&2 ;;
  *) local_build "$1" "${args[@]}" . >&2 ;;
  esac || fail "$2 could not be built"
  say "$2 is built ($((SECONDS - begin)) s)"
}

# podman and buildah. The base image is there already; steps that install use the machine's network. Root's
# steps need no container runtime so, which small machines and containers lack.
local_build() { # builder, arguments
  local -a args=(--layers --format docker --network host --pull=never)
  ((EUID != 0)) || args+=(--isolation chroot)
  "$1" build "${args[@]}" "${@:2}"
}

proxy_args() {
  local name
  for name in HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy; do
    [[ -z ${!name:-} ]] || echo "--build-arg $name"
  done
}

# What npm needs to reach its registry from here, as secrets of the build: in no layer and in no history.
npm_secrets() { # sets secret_args
  secret_args=()
  local rc=$cache/npmrc ca=${NPM_CA:-} config=${NPM_CONFIG_USERCONFIG:-$HOME/.npmrc}
  (umask 077 && : >"$rc")
  if command -v npm >/dev/null; then
    ca=${ca:-$(npm config get cafile 2>/dev/null)}
    echo "registry=$(npm config get registry 2>/dev/null)" >>"$rc"
  fi
  [[ -f $ca ]] || ca=${NODE_EXTRA_CA_CERTS:-}
  [[ ! -f $config ]] || grep -E '^(//|@[^=]+:registry|proxy|https-proxy|noproxy|strict-ssl)' "$config" >>"$rc" || true
  if [[ -f $ca ]]; then
    echo "cafile=/run/build-ca.pem" >>"$rc"
    secret_args+=(--secret "id=ca,src=$ca")
  fi
  secret_args+=(--secret "id=npmrc,src=$rc")
}

# Of the commit and not of the moment, so that the same tree makes the same image.
version() { sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json; }
revision() {
  local commit
  commit=$(git rev-parse HEAD 2>/dev/null) || { echo unknown && return; }
  [[ -z $(git status --porcelain --untracked-files=no 2>/dev/null) ]] || commit=$commit-dirty
  echo "$commit"
}
created() { git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo 1970-01-01T00:00:00Z; }

warn_of_size() { # builder, image
  local bytes
  case $1 in
  buildah) bytes=$(buildah images --json "$2" | sed -n 's/.*"size": *"\([^"]*\)".*/\1/p') ;;
  *) bytes=$($1 image inspect --format '{{.Size}}' "$2") ;;
  esac
  say "$2 has ${bytes:-unknown size}"
  [[ ! $bytes =~ ^[0-9]+$ ]] || ((bytes <= image_bytes_max)) || say "warning: that is more than $image_bytes_max bytes"
}

# One archive for each image, whatever the tag; written again only when the image is another.
save() { # builder, image, file; prints the file
  local id
  id="$2 $(image_id "$1" "$2")"
  if [[ ! -f $3 || $(cat "$3.id" 2>/dev/null) != "$id" ]]; then
    say "saving $2"
    rm -f "$3" "$3.id"
    case $1 in
    docker) docker save --output "$3" "$2" ;;
    podman) podman save --quiet --format docker-archive --output "$3" "$2" ;;
    buildah) buildah push --quiet "$2" "docker-archive:$3:$2" ;;
    esac >&2
    echo "$id" >"$3.id"
  fi
  echo "$3"
}

push_image() { # builder, image, target
  say "pushing $3"
  case $1 in
  buildah) buildah push --quiet "$2" "docker://$3" ;;
  *) "$1" tag "$2" "$3" && "$1" push "$3" ;;
  esac >&2 || fail "$3 could not be pushed"
}

main "$@"
