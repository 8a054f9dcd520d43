#!/usr/bin/env python3
"""The likeliest tokens at each step of given paths, by transformers in f32.

    path_transformers.py MODEL PATHS.json [--adapter DIR]

--adapter: PEFT's layout, over the model. Reads and prints what bench/quant/path_llama_cpp.py does.
"""
from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
import torch  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

SHOWN = 20


def likeliest(model, prompt: list[int], ids: list[int]) -> list:
    logits = model(torch.tensor([prompt + ids])).logits[0, len(prompt) - 1:-1]
    top = logits.double().log_softmax(-1).topk(SHOWN)
    return [[list(each) for each in zip(*step)] for step in zip(top.indices.tolist(), top.values.tolist())]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("paths", type=Path)
    parser.add_argument("--adapter")
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    if options.adapter:
        from peft import PeftModel
        model = PeftModel.from_pretrained(model, options.adapter)
    model.eval()
    with torch.no_grad():
        print(json.dumps([likeliest(model, tokenizer(path["prompt"], add_special_tokens=False).input_ids, path["ids"])
                          for path in json.loads(options.paths.read_text(encoding="utf-8"))]))


if __name__ == "__main__":
    main()
