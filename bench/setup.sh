#!/usr/bin/env bash
# Creates the Python environment of the benchmarks (and of the oracle generators with --oracles).
#
#   bench/setup.sh [--oracles]
#
# The environment is CUPEL_BENCH_VENV, or .venv-bench in the repository. Nothing is done when it
# already holds what the requirements ask for. Prints the path of its python as the last line.
set -euo pipefail

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${CUPEL_BENCH_VENV:-$bench/../.venv-bench}
requirements=$bench/requirements.txt
kind=bench
no_deps=()

case "${1:-}" in
  '') ;;
  --oracles)
    requirements=$bench/oracles/requirements.txt
    kind=oracles
    no_deps=(--no-deps)
    ;;
  *)
    echo "setup.sh: unknown argument '$1'; only --oracles is known" >&2
    exit 2
    ;;
esac

stamp=$venv/.cupel-$kind
wanted=$(sha256sum <"$requirements" | cut -d' ' -f1)
if [[ ! -x $venv/bin/python || ! -f $stamp || $(<"$stamp") != "$wanted" ]]; then
  [[ -x $venv/bin/python ]] || python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${no_deps[@]}" -r "$requirements" >&2
  echo "$wanted" >"$stamp"
fi
echo "$(cd "$venv" && pwd)/bin/python"
