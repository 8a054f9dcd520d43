#!/usr/bin/env python3
"""Writes greedy_smollm2.jsonl and greedy_gemma3.jsonl: 64 greedy tokens per prompt in float32.

    python greedy_oracle.py [--model smollm2|gemma3]

One line per prompt: {"prompt", "text", "prompt_ids", "ids": [64], "gaps": [64], "completion"}. gaps[i] is
the best logit minus the second best at step i: an engine that rounds may leave the path where the gap
is small. Ties go to the lowest id. Generation goes on past an end-of-sequence token; "eos_at" tells
the step of the first one when there is one. The tokens come from a run with a cache and are checked
against one full forward pass.
"""

from __future__ import annotations

import argparse

import torch

from fixtures import versions_record, write_jsonl
from gguf_models import load_named_model
from gguf_tokenizers import MODEL_FILES, build_tokenizer
from logits_oracle import exact
from prompts import GREEDY_TEXTS, prompt_ids

STEPS = 64
EOS = {"smollm2": {0, 2}, "gemma3": {1, 106}}


def best_two(logits: torch.Tensor) -> tuple[int, float]:
    order = torch.sort(logits, descending=True, stable=True)
    return int(order.indices[0]), exact((order.values[0] - order.values[1]).item())


def generate(network, ids: list[int]) -> tuple[list[int], list[float]]:
    chosen, gaps, cache, feed = [], [], None, ids
    for _ in range(STEPS):
        output = network(torch.tensor([feed]), cache=cache, use_cache=True, logits_to_keep=1)
        cache = output.cache
        token, gap = best_two(output.logits[0, -1])
        chosen.append(token)
        gaps.append(gap)
        feed = [token]
    return chosen, gaps


def check_without_cache(network, ids: list[int], chosen: list[int], gaps: list[float]) -> None:
    logits = network(torch.tensor([ids + chosen[:-1]]), use_cache=False, logits_to_keep=STEPS).logits[0]
    for step, row in enumerate(logits):
        token, gap = best_two(row)
        if token != chosen[step] or abs(gap - gaps[step]) > 1e-3:
            raise ValueError(f"step {step}: {chosen[step]} ({gaps[step]}) with a cache, {token} ({gap}) without")


def records_for(model: str) -> list[dict]:
    tokenizer = build_tokenizer(MODEL_FILES[model])
    network = load_named_model(model)
    records = [versions_record(model)]
    for name, text in GREEDY_TEXTS.items():
        ids = prompt_ids(model, tokenizer, text)
        with torch.inference_mode():
            chosen, gaps = generate(network, ids)
            check_without_cache(network, ids, chosen, gaps)
        record = {"prompt": name, "text": text, "prompt_ids": ids, "ids": chosen, "gaps": gaps,
                  "completion": tokenizer.decode(chosen, skip_special_tokens=False)}
        ends = [step for step, token in enumerate(chosen) if token in EOS[model]]
        if ends:
            record["eos_at"] = ends[0]
        records.append(record)
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(MODEL_FILES), help="default: both")
    options = parser.parse_args()
    for model in [options.model] if options.model else list(MODEL_FILES):
        write_jsonl(f"greedy_{model}.jsonl", records_for(model))


if __name__ == "__main__":
    main()
