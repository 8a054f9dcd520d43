#!/usr/bin/env python3
"""Rewards of pairs by transformers in f32: rewards_transformers.py MODEL ROWS.jsonl; prints [[chosen, rejected], …].

Rows are plain texts; an answer ends with the end token, as in training. The answers of a pair are one batch, padded.
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

    def rewards(row):
        ids = [tokenizer(row["prompt"] + row[side], add_special_tokens=False).input_ids + [tokenizer.eos_token_id]
               for side in ("chosen", "rejected")]
        batch = tokenizer.pad({"input_ids": ids}, padding_side="right", return_tensors="pt")
        return model(**batch).logits[:, 0].tolist()

    with torch.no_grad():
        print(json.dumps([rewards(row) for row in rows]))


if __name__ == "__main__":
    main()
