#!/usr/bin/env python3
"""Writes perplexity.json: mean negative log-likelihood of perplexity_text.txt in float32, both models.

The whole text is one window. Gemma gets BOS (id 2) in front, so all of its tokens are counted; SmolLM2
gets none, so its first token is not predicted and not counted. Sums are in float64.
"""

from __future__ import annotations

import json
import math

import torch

from fixtures import FIXTURES, sha256_of, versions_record
from gguf_models import load_named_model
from gguf_tokenizers import MODEL_FILES, build_tokenizer
from prompts import BOS, perplexity_text, prompt_ids

CHUNK = 128  # positions per slice of logits; a whole window of Gemma's would take 2 GB


def mean_nll(model: str) -> dict:
    ids = prompt_ids(model, build_tokenizer(MODEL_FILES[model]), perplexity_text())
    network = load_named_model(model)
    targets, total = torch.tensor(ids[1:]), 0.0
    with torch.inference_mode():
        hidden = network.model(torch.tensor([ids[:-1]]), use_cache=False).last_hidden_state[0]
        for start in range(0, len(targets), CHUNK):
            logits = network.lm_head(hidden[start : start + CHUNK]).double()
            wanted = targets[start : start + CHUNK, None]
            total += (torch.logsumexp(logits, -1, keepdim=True) - logits.gather(1, wanted)).sum().item()
    return {
        "text_tokens": len(ids) - len(BOS[model]),
        "bos": bool(BOS[model]),
        "counted_tokens": len(targets),
        "mean_nll": total / len(targets),
        "perplexity": math.exp(total / len(targets)),
        "gguf_sha256": sha256_of(MODEL_FILES[model]),
    }


def main() -> None:
    record = versions_record(text="perplexity_text.txt", text_sha256=sha256_of(FIXTURES / "perplexity_text.txt"))
    record["models"] = {model: mean_nll(model) for model in MODEL_FILES}
    text = json.dumps(record, indent=2) + "\n"
    (FIXTURES / "perplexity.json").write_text(text, encoding="utf-8", newline="\n")
    print(text, end="")


if __name__ == "__main__":
    main()
