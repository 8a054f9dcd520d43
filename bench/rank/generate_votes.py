#!/usr/bin/env python3
"""Writes a file of pairwise votes that depends on its arguments alone.

    generate_votes.py --rows N --models M [--users U] [--ties 0.25] [--seed 8] --out FILE

Columns model_a,model_b,winner and, with --users, user. Strengths are normal with a deviation of 0.7 (about 120 Elo
points), pairs and users uniform. A vote is a tie with probability --ties, whatever the pair; else the stronger model
wins as Bradley-Terry says. So Bradley-Terry fits the file, with every strength drawn towards the mean by the ties.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

CHUNK = 500_000
DEVIATION = 0.7


def chunk_of_votes(random: np.random.Generator, size: int, strengths: np.ndarray, ties: float):
    """Indices of both models and of the winner's word. Only `random()` is drawn from: its stream never changes."""
    models = len(strengths)
    a = (random.random(size) * models).astype(np.int64)
    b = (random.random(size) * (models - 1)).astype(np.int64)
    b += b >= a
    wins = random.random(size) < 1 / (1 + np.exp(strengths[b] - strengths[a]))
    tie = random.random(size) < ties
    return a, b, np.where(tie, 2, np.where(wins, 0, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--models", type=int, required=True)
    parser.add_argument("--users", type=int, default=0)
    parser.add_argument("--ties", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    random = np.random.Generator(np.random.PCG64(options.seed))
    uniform = random.random((2, options.models))
    strengths = DEVIATION * np.sqrt(-2 * np.log(1 - uniform[0])) * np.cos(2 * np.pi * uniform[1])
    digits = len(str(options.models - 1))
    names = [f"model-{i:0{digits}}-chat," for i in range(options.models)]
    ends = [word + ("," if options.users else "\n") for word in ("model_a", "model_b", "tie")]
    user_digits = len(str(max(0, options.users - 1)))
    with options.out.open("w", encoding="ascii", newline="") as file:
        file.write("model_a,model_b,winner" + (",user\n" if options.users else "\n"))
        for begin in range(0, options.rows, CHUNK):
            size = min(CHUNK, options.rows - begin)
            a, b, winner = (column.tolist() for column in chunk_of_votes(random, size, strengths, options.ties))
            if options.users:
                users = (random.random(size) * options.users).astype(np.int64).tolist()
                file.write("".join([f"{names[i]}{names[j]}{ends[k]}user-{u:0{user_digits}}\n"
                                    for i, j, k, u in zip(a, b, winner, users)]))
            else:
                file.write("".join([names[i] + names[j] + ends[k] for i, j, k in zip(a, b, winner)]))


if __name__ == "__main__":
    main()
