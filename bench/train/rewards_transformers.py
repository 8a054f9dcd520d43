#!/usr/bin/env python3
"""Rewards of pairs by transformers in f32: rewards_transformers.py MODEL ROWS.jsonl; prints [[chosen, rejected], …].

Rows are plain texts; an answer ends with the end token, as in training.
"""
from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
import torch  # noqa: E402
from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: E402


def main():
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
    model = AutoModelForSequenceClassification.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
    rows = [json.loads(line) for line in Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()]

    def reward(text):
        ids = tokenizer(text, add_special_tokens=False).input_ids + [tokenizer.eos_token_id]
        return model(torch.tensor([ids])).logits[0, 0].item()

    with torch.no_grad():
        print(json.dumps([[reward(row["prompt"] + row[side]) for side in ("chosen", "rejected")] for row in rows]))


if __name__ == "__main__":
    main()
