#!/usr/bin/env python3
"""Writes logits_smollm2.jsonl and logits_gemma3.jsonl: teacher-forced float32 logits.

    python logits_oracle.py [--model smollm2|gemma3]

After the versions record (which also holds "probe_ids", 64 fixed ids spread over the vocabulary) comes,
per prompt, one line {"prompt", "ids", "first_position"} and one line for each position shown:

    {"prompt", "position", "top_ids": [16], "top_logits": [16], "probe_logits": [64],
     "logsumexp", "next_logp"}

`ids` are what the model is fed, plus one more id: "next_logp" at position p is the log-probability
(nats) of ids[p + 1]. Logits and logsumexp are raw; numbers are float32, printed so that they read back
exactly (next_logp and logsumexp are summed in float64 first). The prompt "long" (600 positions) exceeds
Gemma's window of 512; only its last 16 positions are shown.
"""

from __future__ import annotations

import argparse
import random

import numpy as np
import torch

from fixtures import versions_record, write_jsonl
from gguf_models import load_named_model
from gguf_tokenizers import MODEL_FILES, build_tokenizer
from prompts import logit_prompts, perplexity_text, prompt_ids

TOP, PROBES, LONG_POSITIONS, LONG_SHOWN = 16, 64, 600, 16


def exact(value: float) -> float:
    """A number whose shortest decimal form reads back to the same float32."""
    return float(str(np.float32(value)))


def probe_ids(vocab_size: int) -> list[int]:
    source = random.Random(64)
    return sorted({int(source.random() * vocab_size) for _ in range(2 * PROBES)})[:: 2][:PROBES]


def position_record(prompt: str, position: int, logits: torch.Tensor, probes: list[int], next_id: int) -> dict:
    order = torch.sort(logits, descending=True, stable=True)  # ties: the lowest id first
    total = torch.logsumexp(logits.double(), -1)
    return {
        "prompt": prompt,
        "position": position,
        "top_ids": order.indices[:TOP].tolist(),
        "top_logits": [exact(value) for value in order.values[:TOP].tolist()],
        "probe_logits": [exact(value) for value in logits[probes].tolist()],
        "logsumexp": exact(total.item()),
        "next_logp": exact((logits[next_id].double() - total).item()),
    }


def records_for(model: str) -> list[dict]:
    tokenizer = build_tokenizer(MODEL_FILES[model])
    network = load_named_model(model)
    prompts = {name: (ids, 0) for name, ids in logit_prompts(model, tokenizer).items()}
    long_ids = prompt_ids(model, tokenizer, perplexity_text())[: LONG_POSITIONS + 1]
    prompts["long"] = (long_ids, LONG_POSITIONS - LONG_SHOWN)
    probes = probe_ids(network.config.vocab_size)
    records = [versions_record(model, probe_ids=probes)]
    for name, (ids, first) in prompts.items():
        with torch.inference_mode():
            hidden = network.model(torch.tensor([ids[:-1]])).last_hidden_state[0, first:]
            logits = network.lm_head(hidden)
        records.append({"prompt": name, "ids": ids, "first_position": first})
        for offset, row in enumerate(logits):
            position = first + offset
            records.append(position_record(name, position, row, probes, ids[position + 1]))
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(MODEL_FILES), help="default: both")
    options = parser.parse_args()
    for model in [options.model] if options.model else list(MODEL_FILES):
        write_jsonl(f"logits_{model}.jsonl", records_for(model))


if __name__ == "__main__":
    main()
