#!/bin/sh
# Runs the kernel tests and the benches of this bundle without network, and leaves all that was said
# in one file. Usage: run.sh [RESULT], RESULT is shoal-result.txt unless told.
# STEPS="tests peers ..." runs only these; SECONDS_EACH bounds each (600 unless told).
set -u
result=${1:-shoal-result.txt}
case "$result" in /*) ;; *) result="$PWD/$result" ;; esac
cd "$(dirname "$0")" || exit 1
here=$PWD

export DENO_DIR="$here/cache" DENO_NO_UPDATE_CHECK=1 NO_COLOR=1
export PATH="$here/bin:$PATH"
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib"
scratch=$(mktemp -d)
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$scratch}"
trap 'rm -rf "$scratch"' EXIT

steps=${STEPS:-"doctor tests step ops matmul reduce transport peers"}
each=${SECONDS_EACH:-600}
failed=0

: >"$result"
say() { printf '%s\n' "$*" | tee -a "$result"; }
step() {
  say "== $*"
  timeout "$each" "$@" >"$scratch/said" 2>&1
  code=$?
  cat "$scratch/said" | tee -a "$result"
  say "== exit code $code"
  [ "$code" -eq 0 ] || failed=$((failed + 1))
}

say "Shoal on $(uname -srm), $(nproc) cores, $(date -u +%Y-%m-%dT%H:%M:%SZ)"
deno --version | tee -a "$result"
command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L | tee -a "$result"

for name in $steps; do
  case "$name" in
    doctor) step deno task --quiet doctor ;;
    tests) step deno test --quiet --no-prompt --cached-only -A tests/kernels_test.ts tests/kernels tests/golden_test.ts ;;
    peers) step deno task --quiet bench:peers ;;
    *) step deno task --quiet bench "$name" ;;
  esac
done
say "== $failed of $(echo "$steps" | wc -w) steps failed"
echo "Everything lies in $result"
[ "$failed" -eq 0 ]
