#!/usr/bin/env python3
"""Writes a file of pairwise votes that depends on its arguments alone.

    generate_votes.py --rows N --models M [--users U] [--lengths] [--ties 0.25] [--seed 8] --out FILE

Columns model_a,model_b,winner and, with --users, user; with --lengths, length_a and length_b, 50 to 1,500, of which the
longer one helps. Strengths are normal with a deviation of 0.7 (about 120 Elo
points), pairs and users uniform. A vote is a tie with probability --ties, whatever the pair; else the stronger model
wins as Bradley-Terry says. So Bradley-Terry fits the file, with every strength drawn towards the mean by the ties.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

CHUNK = 500_000
DEVIATION = 0.7
LENGTH_EFFECT = 0.8  # log-odds for (length_a - length_b) / (length_a + length_b) = 1


def chunk_of_votes(random: np.random.Generator, size: int, strengths: np.ndarray, ties: float, lengths: np.ndarray | None):
    """Indices of both models and of the winner's word. Only `random()` is drawn from: its stream never changes."""
    models = len(strengths)
    a = (random.random(size) * models).astype(np.int64)
    b = (random.random(size) * (models - 1)).astype(np.int64)
    b += b >= a
    logit = strengths[a] - strengths[b]
    if lengths is not None:
        logit = logit + LENGTH_EFFECT * (lengths[0] - lengths[1]) / (lengths[0] + lengths[1])
    wins = random.random(size) < 1 / (1 + np.exp(-logit))
    tie = random.random(size) < ties
    return a, b, np.where(tie, 2, np.where(wins, 0, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--models", type=int, required=True)
    parser.add_argument("--users", type=int, default=0)
    parser.add_argument("--lengths", action="store_true")
    parser.add_argument("--ties", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    random = np.random.Generator(np.random.PCG64(options.seed))
    uniform = random.random((2, options.models))
    strengths = DEVIATION * np.sqrt(-2 * np.log(1 - uniform[0])) * np.cos(2 * np.pi * uniform[1])
    digits = len(str(options.models - 1))
    names = [f"model-{i:0{digits}}-chat," for i in range(options.models)]
    more = (["length_a", "length_b"] if options.lengths else []) + (["user"] if options.users else [])
    ends = [word + ("," if more else "\n") for word in ("model_a", "model_b", "tie")]
    user_digits = len(str(max(0, options.users - 1)))
    with options.out.open("w", encoding="ascii", newline="") as file:
        file.write(",".join(["model_a", "model_b", "winner", *more]) + "\n")
        for begin in range(0, options.rows, CHUNK):
            size = min(CHUNK, options.rows - begin)
            lengths = 50 + (random.random((2, size)) * 1451).astype(np.int64) if options.lengths else None
            a, b, winner = (column.tolist() for column in chunk_of_votes(random, size, strengths, options.ties, lengths))
            columns = [[f"{first},{second}" for first, second in lengths.T.tolist()]] if options.lengths else []
            if options.users:
                users = (random.random(size) * options.users).astype(np.int64).tolist()
                columns.append([f"user-{user:0{user_digits}}" for user in users])
            rows = zip(a, b, winner, *columns)
            if columns:
                file.write("".join([names[i] + names[j] + ends[k] + ",".join(rest) + "\n" for i, j, k, *rest in rows]))
            else:
                file.write("".join([names[i] + names[j] + ends[k] for i, j, k in rows]))


if __name__ == "__main__":
    main()
