#!/usr/bin/env python3
"""Rows of the training benchmark, of exact lengths in a model's tokens: make_rows.py --model DIR --text FILE --out DIR

pairs.jsonl: prompts of 200 tokens, each with two answers of 100 (the end token is the last of them). texts.jsonl: texts
of 40 to 400 tokens. All are windows of the text, drawn with a fixed seed; those whose tokens change when they are read
again, or join at a seam, are passed over.
"""
from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from tokenizers import Tokenizer

PROMPT, ANSWER, PAIRS, TEXTS, SHORTEST, LONGEST = 200, 100, 64, 160, 40, 400
TRIALS = 10000


class Windows:
    def __init__(self, tokenizer: Tokenizer, text: str):
        self.tokenizer, self.rng = tokenizer, random.Random(11)
        self.ids = self.encode(text)

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def draw(self, tokens: int) -> str:
        """A window of that many tokens, which begins with a word."""
        for _ in range(TRIALS):
            begin = self.rng.randrange(len(self.ids) - tokens)
            text = self.tokenizer.decode(self.ids[begin:begin + tokens], skip_special_tokens=False)
            if text.startswith(" ") and len(self.encode(text)) == tokens:
                return text
        raise SystemExit(f"make_rows.py: no window of {tokens} tokens was found in the text")

    def pair(self) -> dict:
        while True:
            row = dict(zip(("prompt", "chosen", "rejected"), map(self.draw, (PROMPT, ANSWER - 1, ANSWER - 1))))
            before = self.encode(row["prompt"])
            if all(self.encode(row["prompt"] + row[side]) == before + self.encode(row[side])
                   for side in ("chosen", "rejected")) and row["chosen"] != row["rejected"]:
                return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--model", "--text", "--out"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args()
    windows = Windows(Tokenizer.from_file(str(options.model / "tokenizer.json")), options.text.read_text("utf-8"))
    options.out.mkdir(parents=True, exist_ok=True)
    made = {"pairs": [windows.pair() for _ in range(PAIRS)],
            "texts": [{"text": windows.draw(windows.rng.randrange(SHORTEST, LONGEST))} for _ in range(TEXTS)]}
    for name, rows in made.items():
        (options.out / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
