#!/usr/bin/env python3
"""OpenVINO GenAI.  Usage: see protocol.py; "model" is a GGUF file or a folder with an OpenVINO model.

Single sequences run on LLMPipeline, several on ContinuousBatchingPipeline with prefix caching. Both pick bf16
activations, an int8 cache and dynamic int8 products on a CPU that has them; the latency hint keeps one stream, on as
many threads as the job says. Batches are stepped by hand, so that the clock starts when every sequence has its first
token. Before `shared` the prefix is given once, untimed, and stays in the prefix cache.
"""

from __future__ import annotations

import time
from importlib.metadata import version

import numpy as np
import openvino
import openvino_genai
from protocol import read_job, run_job, summed_rate, timed

SETTINGS = "LLMPipeline (batch 1) and ContinuousBatchingPipeline with prefix caching, warm prefix; precision left to OpenVINO"
BATCHED_TOKENS, CACHE_GB = 4096, 1


def greedy(tokens: int) -> openvino_genai.GenerationConfig:
    config = openvino_genai.GenerationConfig()
    config.max_new_tokens = config.min_new_tokens = tokens
    config.do_sample, config.ignore_eos = False, True
    return config


def tensor(ids: list[int]) -> openvino.Tensor:
    return openvino.Tensor(np.array([ids], dtype=np.int64))


class OpenVino:
    """Loads only the pipeline that the job's cases need, so that loading and memory are those of one model."""

    def __init__(self, job: dict):
        self.model = job["model"]
        self.properties = {"INFERENCE_NUM_THREADS": job["threads"], "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1"}
        self.single = self.batched = None
        if any(len(case.get("prompts", [None])) == 1 for case in job["cases"]):
            self.single = openvino_genai.LLMPipeline(self.model, "CPU", **self.properties)
        else:
            self.load_batched()
        self.request = 0

    def load_batched(self) -> None:
        if self.batched is not None:
            return
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.enable_prefix_caching = True
        scheduler.dynamic_split_fuse = False
        scheduler.max_num_batched_tokens, scheduler.cache_size = BATCHED_TOKENS, CACHE_GB
        self.batched = openvino_genai.ContinuousBatchingPipeline(self.model, scheduler, "CPU", self.properties)

    def run_batch(self, prompts: list[list[int]], tokens: int) -> tuple[int, float, float]:
        """Number of tokens; seconds until every sequence has a token; seconds until all are done."""
        handles = []
        began = time.perf_counter()
        for prompt in prompts:
            handles.append(self.batched.add_request(self.request, tensor(prompt), greedy(tokens)))
            self.request += 1
        counts, first_s = [0] * len(prompts), None
        while self.batched.has_non_finished_requests():
            self.batched.step()
            for index, handle in enumerate(handles):
                while handle.can_read():
                    counts[index] += sum(len(output.generated_ids) for output in handle.read().values())
            if first_s is None and all(counts):
                first_s, self.counts_at_first = time.perf_counter() - began, sum(counts)
        return sum(counts), first_s, time.perf_counter() - began

    def decode(self, prompts: list[list[int]], tokens: int) -> dict:
        if len(prompts) == 1:
            metrics = self.single.generate(tensor(prompts[0]), greedy(tokens)).perf_metrics
            count = metrics.get_num_generated_tokens()
            return summed_rate([(count, (count - 1) * metrics.get_tpot().mean / 1e3)])
        self.load_batched()
        self.run_batch(prompts, 1)
        count, first_s, all_s = self.run_batch(prompts, tokens)
        return {"tokens": count, "seconds": all_s - first_s,
                "tokens_per_s": (count - self.counts_at_first) / (all_s - first_s)}

    def prefill(self, prompt: list[int]) -> dict:
        metrics = self.single.generate(tensor(prompt), greedy(1)).perf_metrics
        return timed(len(prompt), metrics.get_ttft().mean / 1e3)

    def shared(self, prefix: list[int], prompts: list[list[int]], tokens: int) -> dict:
        self.load_batched()
        self.run_batch([prefix], 1)
        count, _, seconds = self.run_batch(prompts, tokens)
        return timed(count, seconds)

    def first_token(self, prompt: list[int]) -> None:
        self.single.generate(tensor(prompt), greedy(1))


if __name__ == "__main__":
    run_job(read_job(), f"openvino-genai {version('openvino-genai')}", SETTINGS, OpenVino)
