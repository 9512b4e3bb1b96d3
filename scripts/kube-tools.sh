#!/usr/bin/env bash
# The tools that check, build and deploy the chart, at the versions below, built from Go modules into a
# cache of the project. The first run compiles for a quarter of an hour; a later one builds what changed.
#
#   scripts/kube-tools.sh install [TOOL...]   all, or those named; "schemas" are the Kubernetes schemas
#   scripts/kube-tools.sh status              what is there; exit 3 when something is missing
#   scripts/kube-tools.sh env                 exports for a shell: eval "$(scripts/kube-tools.sh env)"
#   scripts/kube-tools.sh path                the folders of what is there, one in a line
#
# Needs Go 1.26 and, for the schemas, Node and the packages of `npm ci`. Nothing is installed outside
# ${XDG_CACHE_HOME:-$HOME/.cache}/bourse/tools (BOURSE_TOOLS names another folder).
set -euo pipefail

# Each tool with its version, its module, the package in it, and how it builds: "install" is go install;
# "inside" builds in a copy of the module, since go install refuses a module that replaces others.
TOOLS="
kubeconform   v0.8.0   github.com/yannh/kubeconform              ./cmd/kubeconform    install
helm          v3.22.0  helm.sh/helm/v3                           ./cmd/helm           install
helm-docs     v1.14.2  github.com/norwoodj/helm-docs             ./cmd/helm-docs      install
kind          v0.33.0  sigs.k8s.io/kind                          .                    install
actionlint    v1.7.12  github.com/rhysd/actionlint               ./cmd/actionlint     install
kube-score    v1.20.0  github.com/zegl/kube-score                ./cmd/kube-score     install
helm-unittest v1.1.2   github.com/helm-unittest/helm-unittest    ./cmd/helm-unittest  inside
skaffold      v2.16.1  github.com/GoogleContainerTools/skaffold/v2  ./cmd/skaffold    inside
"

# A helm without these takes itself for a tool of Kubernetes 1.20, and refuses charts that need a newer one:
# its release builds name the version of client-go that they are made with.
HELM_PACKAGE=helm.sh/helm/v3
HELM_FLAGS="-s -w -X $HELM_PACKAGE/internal/version.version=v3.22.0
  -X $HELM_PACKAGE/pkg/lint/rules.k8sVersionMinor=37 -X $HELM_PACKAGE/pkg/chartutil.k8sVersionMinor=37"

# The Kubernetes versions that the chart is checked against: the oldest that it takes, the one that its
# rollouts are tried on, the newest. And where the schemas of the custom resources that it can render come
# from: module, version, folder of the definitions.
KUBERNETES_VERSIONS="v1.30.14 v1.34.4 v1.36.3"
CUSTOM_RESOURCES="
sigs.k8s.io/gateway-api                                 v1.4.1   config/crd/standard
github.com/cert-manager/cert-manager                    v1.21.2  deploy/crds
github.com/prometheus-operator/prometheus-operator      v0.85.0  example/prometheus-operator-crd
"

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
CACHE="${BOURSE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/bourse/tools}"
# Schemas are made anew when a version above or the program that makes them changes.
SCHEMAS="$CACHE/schemas-$(cat "$ROOT/scripts/lib/kube-schemas.mjs" - <<<"$KUBERNETES_VERSIONS$CUSTOM_RESOURCES" | cksum | cut -d' ' -f1)"
export CGO_ENABLED=0

die() {
  echo "kube-tools: $*" >&2
  exit 1
}

# step WHAT COMMAND...: runs quietly, says every ten seconds that it still does, and all it said if it fails.
# The command has a process group of its own, so that Ctrl-C ends its compilers too.
step() {
  local what="$1" begin=$SECONDS said
  shift
  said="$(mktemp)"
  echo "kube-tools: $what ..."
  set -m
  "$@" >"$said" 2>&1 &
  running=$!
  set +m
  while sleep 1 && kill -0 "$running" 2>/dev/null; do
    (((SECONDS - begin) % 10)) || echo "kube-tools: $what ... $((SECONDS - begin)) s"
  done
  if ! wait "$running"; then
    cat "$said" >&2
    rm -f "$said"
    die "$what failed after $((SECONDS - begin)) s"
  fi
  rm -f "$said"
  echo "kube-tools: $what: done in $((SECONDS - begin)) s"
}
trap 'kill -- "-$running" 2>/dev/null; exit 130' INT TERM

# module_dir MODULE VERSION: downloads it, checked against the checksum database, and prints its folder.
module_dir() {
  local answer
  answer="$(cd / && go mod download -json "$1@$2")" || { echo "$answer" >&2 && return 1; }
  sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p' <<<"$answer"
}

# A tool appears under its name only when it is whole, so an interrupted build is simply built again.
build() { # NAME VERSION MODULE PACKAGE HOW
  local into="$CACHE/$1-$2" work
  mkdir -p "$CACHE"
  work="$(mktemp -d "$CACHE/.build-XXXXXX")"
  # shellcheck disable=SC2064 # the folder of this build
  trap "chmod -R u+w '$work'; rm -rf '$work'" EXIT
  trap 'exit 143' TERM
  mkdir "$work/bin"
  if [[ $5 == install ]]; then
    local package="$3/${4#./}" flags=""
    [[ $1 != helm ]] || flags="$HELM_FLAGS"
    (cd / && GOBIN="$work/bin" nice -n 10 go install -ldflags "$flags" "${package%/.}@$2") || return 1
  else
    local source
    source="$(module_dir "$3" "$2")" || return 1
    cp -r "$source" "$work/source"
    chmod -R u+w "$work/source"
    (cd "$work/source" && nice -n 10 go build -trimpath -o "$work/bin/$1" "$4") || return 1
  fi
  rm -rf "$into"
  mv "$work/bin" "$into"
}

make_schemas() {
  local work module version folder dir
  mkdir -p "$CACHE"
  work="$(mktemp -d "$CACHE/.schemas-XXXXXX")"
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  trap 'exit 143' TERM
  for version in $KUBERNETES_VERSIONS; do
    dir="$(module_dir k8s.io/kubernetes "$version")" || return 1
    node "$ROOT/scripts/lib/kube-schemas.mjs" openapi "$dir/api/openapi-spec/swagger.json" "$work/$version" || return 1
  done
  while read -r module version folder; do
    [[ -n $module ]] || continue
    dir="$(module_dir "$module" "$version")" || return 1
    node "$ROOT/scripts/lib/kube-schemas.mjs" crds "$dir/$folder" "$work/custom" || return 1
  done <<<"$CUSTOM_RESOURCES"
  mv "$work" "$SCHEMAS"
}

# each_tool FUNCTION: calls it with every line of the table.
each_tool() {
  local name version module package how
  while read -r name version module package how; do
    [[ -z $name ]] || "$1" "$name" "$version" "$module" "$package" "$how"
  done <<<"$TOOLS"
}

install_tool() {
  [[ " $wanted " == *" $1 "* && ! -x "$CACHE/$1-$2/$1" ]] || return 0
  command -v go >/dev/null || die "Go is needed to build $1 (https://go.dev/dl)"
  step "$1 $2" build "$@"
}

install_schemas() {
  [[ " $wanted " == *" schemas "* && ! -d $SCHEMAS ]] || return 0
  [[ -d $ROOT/node_modules/yaml ]] || die "run npm ci first: the schemas are made with its packages"
  command -v go >/dev/null || die "Go is needed to fetch the Kubernetes schemas (https://go.dev/dl)"
  step "schemas of Kubernetes $KUBERNETES_VERSIONS" make_schemas
}

report_tool() {
  if [[ -x "$CACHE/$1-$2/$1" ]]; then echo "$1 $2"; else echo "$1 $2 missing" && missing=3; fi
}

name_of() { printf '%s ' "$1"; }
path_of() { printf '%s:' "$CACHE/$1-$2"; }
line_of() { [[ ! -x "$CACHE/$1-$2/$1" ]] || echo "$CACHE/$1-$2"; }

command="${1:-install}"
[[ $# -eq 0 ]] || shift
known="$(each_tool name_of)schemas"
case "$command" in
  install)
    wanted="${*:-$known}"
    for each in $wanted; do
      [[ " $known " == *" $each "* ]] || die "there is no tool \"$each\"; there are: $known"
    done
    install_schemas
    each_tool install_tool
    ;;
  status)
    missing=0
    each_tool report_tool
    if [[ -d $SCHEMAS ]]; then echo "schemas $KUBERNETES_VERSIONS"; else echo "schemas missing" && missing=3; fi
    exit "$missing"
    ;;
  env)
    # The quotes are for the shell that reads this.
    printf 'export PATH="%s$PATH"\n' "$(each_tool path_of)"
    printf 'export BOURSE_KUBE_SCHEMAS="%s" BOURSE_KUBE_VERSIONS="%s"\n' "$SCHEMAS" "$KUBERNETES_VERSIONS"
    printf 'export SKAFFOLD_UPDATE_CHECK=false\n'
    ;;
  path) each_tool line_of ;;
  *) die "usage: $(basename "$0") install [TOOL...] | status | env | path" ;;
esac
