#!/usr/bin/env python3
"""One turn of evalica: reads votes with pandas, then times calls of its methods alone, prints JSON.

    evalica_turn.py FILE METHOD… [--columns model_a model_b] [--tolerance 1e-6] [--limit 10000] [--swap]

METHOD: a function of evalica, e.g. bradley_terry. Each is called once, with everything in memory as lists (pandas' columns
take it twice as long). --limit is far above its default of 100, so that it ends because it has converged; a call that has not is
an error; its eigen and pagerank never stop before the limit. --swap: winners become losers.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

import evalica
import pandas as pd
from evalica import Winner

WORDS = {"model_a": {"model_a": Winner.X, "model_b": Winner.Y, "tie": Winner.Draw},
         "left": {"left": Winner.X, "right": Winner.Y, "tie": Winner.Draw}}
ALWAYS_TO_THE_LIMIT = ("eigen", "pagerank")  # as 0.4.2 does, whatever the tolerance
OTHER = {Winner.X: Winner.Y, Winner.Y: Winner.X, Winner.Draw: Winner.Draw}


def call(name: str, data: tuple, options: argparse.Namespace) -> dict:
    began = time.perf_counter()
    result = getattr(evalica, name)(*data, tolerance=options.tolerance, limit=options.limit)
    seconds = time.perf_counter() - began
    iterations = getattr(result, "iterations", None)
    if iterations is not None and iterations >= options.limit and name not in ALWAYS_TO_THE_LIMIT:
        sys.exit(f"evalica.{name} has not converged to {options.tolerance} in {options.limit} iterations")
    scores = {str(item): float(score) for item, score in result.scores.items()}
    return {"seconds": seconds, "iterations": iterations, "scores": scores}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("methods", nargs="+")
    parser.add_argument("--columns", nargs=2, default=["model_a", "model_b"])
    parser.add_argument("--tolerance", type=float, default=1e-6)
    parser.add_argument("--limit", type=int, default=10000)
    parser.add_argument("--swap", action="store_true")
    options = parser.parse_args()
    frame = pd.read_csv(options.file, usecols=[*options.columns, "winner"], dtype=str)
    words = WORDS[options.columns[0]]
    if unknown := set(frame["winner"]) - set(words):
        sys.exit(f"{options.file}: unknown winner {sorted(map(str, unknown))}")
    if options.swap:
        words = {word: OTHER[winner] for word, winner in words.items()}
    winners = [words[word] for word in frame["winner"]]
    data = (*(frame[column].tolist() for column in options.columns), winners)
    print(json.dumps({name: call(name, data, options) for name in options.methods}))


if __name__ == "__main__":
    main()
