#!/usr/bin/env python3
"""One turn of `cupel tune`; prints the same JSON object as trl_turn.py.

    cupel_turn.py CUPEL RECIPE.toml RUN_FOLDER

"reference_s" is the time from where the run says that it computes the reference to the start of its first step.
"""
from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path


def read_jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main():
    cupel, recipe, run = sys.argv[1:]
    process = subprocess.Popen([cupel, "tune", recipe], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said, reference_began = [], None
    for line in process.stderr:
        said.append(line.strip())
        if line.startswith("reference:") and reference_began is None:
            reference_began = time.time()
    if process.wait() != 0:
        sys.exit(said[-1] if said else f"cupel tune exited with {process.returncode}")
    timing = [row for row in read_jsonl(Path(run) / "timing.jsonl") if "step_ms" in row]
    losses = [row["loss"] for row in read_jsonl(Path(run) / "train.jsonl") if "loss" in row]
    steps = [row["step_ms"] / 1e3 for row in timing]
    reference_s = timing[0]["time"] - steps[0] - reference_began if reference_began else 0.0
    print(json.dumps({"steps_s": steps, "reference_s": reference_s, "losses": losses}))


if __name__ == "__main__":
    main()
