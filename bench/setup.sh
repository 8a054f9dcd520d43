#!/usr/bin/env bash
# Creates the Python environments of the benchmarks (and of the oracle generators with --oracles).
#
#   bench/setup.sh [--all | --oracles | --rank | --train]
#
# Without an argument: what the peers llama.cpp and OpenVINO need. --all: the peer transformers as well (the
# requirements of the oracles hold it), and three environments beside the first: NAME-export, that turns Gemma into an
# OpenVINO model once, NAME-rank, with arena-rank and evalica, the peers of `cupel rank`, and NAME-train, with TRL, the
# peer and the oracle of `cupel tune`. --rank, --train: that one alone.
# The environment is CUPEL_BENCH_VENV, or .venv-bench in the repository. Nothing is done when it
# already holds what the requirements ask for. Prints the path of its python as the last line.
set -euo pipefail

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${CUPEL_BENCH_VENV:-$bench/../.venv-bench}

# install VENV KIND REQUIREMENTS [PIP-FLAG…]: a stamp of the requirements spares the second run.
install() {
  local folder=$1 kind=$2 requirements=$3 wanted
  local stamp=$folder/.cupel-$kind
  shift 3
  wanted=$(sha256sum <"$requirements" | cut -d' ' -f1)
  if [[ -x $folder/bin/python && -f $stamp && $(<"$stamp") == "$wanted" ]]; then
    return
  fi
  [[ -x $folder/bin/python ]] || python3 -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@" -r "$requirements" >&2
  echo "$wanted" >"$stamp"
}

case "${1:-}" in
  '') install "$venv" bench "$bench/requirements.txt" ;;
  --all)
    install "$venv" bench "$bench/requirements.txt"
    install "$venv" oracles "$bench/oracles/requirements.txt" --no-deps
    install "$venv-export" export "$bench/requirements-export.txt" --no-deps
    install "$venv-rank" rank "$bench/rank/requirements.txt" --no-deps
    install "$venv-train" train "$bench/train/requirements.txt" --no-deps
    ;;
  --oracles) install "$venv" oracles "$bench/oracles/requirements.txt" --no-deps ;;
  --rank)
    install "$venv-rank" rank "$bench/rank/requirements.txt" --no-deps
    venv=$venv-rank
    ;;
  --train)
    install "$venv-train" train "$bench/train/requirements.txt" --no-deps
    venv=$venv-train
    ;;
  *)
    echo "setup.sh: unknown argument '$1'; --all, --oracles, --rank and --train are known" >&2
    exit 2
    ;;
esac
echo "$(cd "$venv" && pwd)/bin/python"
