#!/usr/bin/env python3
"""Hugging Face transformers on the CPU.  Usage: see protocol.py; "model" is a folder with a dequantised checkpoint.

Attention is torch's (sdpa), weights are in the job's "dtype" (f32 or bf16). The loop is written here, as `generate`
adds some milliseconds of its own to every token: forward pass, likeliest token, next. Sequences of a batch have
different lengths and are padded on the left; `shared` computes the prefix once, inside the clock, and repeats its cache.
"""

from __future__ import annotations

import time
from importlib.metadata import version

import torch
from protocol import read_job, run_job, timed
from transformers import AutoModelForCausalLM, DynamicCache

SETTINGS = "torch sdpa attention, weights dequantised, greedy loop without generate()'s overhead"
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def left_padded(prompts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and attention mask, both [sequences, longest]."""
    longest = max(map(len, prompts))
    ids = [[0] * (longest - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids), torch.tensor(mask)


class Transformers:
    def __init__(self, job: dict):
        torch.set_num_threads(job["threads"])
        torch.set_grad_enabled(False)
        self.model = AutoModelForCausalLM.from_pretrained(
            job["model"], dtype=DTYPES[job["dtype"]], attn_implementation="sdpa").eval()

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, cache: DynamicCache) -> torch.Tensor:
        """The likeliest next tokens, [sequences, 1]."""
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1]:]
        out = self.model(input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache,
                         use_cache=True, logits_to_keep=1)
        return out.logits[:, -1].argmax(-1, keepdim=True)

    def continue_with(self, token: torch.Tensor, mask: torch.Tensor, cache: DynamicCache, steps: int) -> None:
        for _ in range(steps):
            mask = torch.cat([mask, mask.new_ones(mask.shape[0], 1)], dim=1)
            token = self.forward(token, mask, cache)

    def decode(self, prompts: list[list[int]], tokens: int) -> dict:
        ids, mask = left_padded(prompts)
        cache = DynamicCache(config=self.model.config)
        token = self.forward(ids, mask, cache)
        began = time.perf_counter()
        self.continue_with(token, mask, cache, tokens - 1)
        seconds = time.perf_counter() - began
        return {"tokens": tokens * len(prompts), "seconds": seconds,
                "tokens_per_s": (tokens - 1) * len(prompts) / seconds}

    def prefill(self, prompt: list[int]) -> dict:
        ids, mask = left_padded([prompt])
        began = time.perf_counter()
        self.forward(ids, mask, DynamicCache(config=self.model.config))
        return timed(len(prompt), time.perf_counter() - began)

    def shared(self, prefix: list[int], prompts: list[list[int]], tokens: int) -> dict:
        began = time.perf_counter()
        cache = DynamicCache(config=self.model.config)
        prefix_ids, prefix_mask = left_padded([prefix])
        self.forward(prefix_ids, prefix_mask, cache)
        cache.batch_repeat_interleave(len(prompts))
        ids, mask = left_padded([prompt[len(prefix):] for prompt in prompts])
        mask = torch.cat([prefix_mask.expand(len(prompts), -1), mask], dim=1)
        token = self.forward(ids, mask, cache)
        self.continue_with(token, mask, cache, tokens - 1)
        return timed(tokens * len(prompts), time.perf_counter() - began)

    def first_token(self, prompt: list[int]) -> None:
        self.prefill(prompt)


if __name__ == "__main__":
    run_job(read_job(), f"transformers {version('transformers')}, torch {version('torch')}", SETTINGS, Transformers)
