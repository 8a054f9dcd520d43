#!/usr/bin/env python3
"""llama.cpp through the xllamacpp package: its server in this process, on the loopback.  Usage: see protocol.py.

Settings are llama.cpp's own defaults (f16 cache, flash attention where it picks it, weights repacked, its warm-up
run) but for these: as many slots as the job's largest batch, each with the context that it needs; a cache per slot (the
default where the number of slots is given) or, with "unified" in the job, one for all (the default where it is not; the
harness measures both); no context checkpoints and no cache of prompts in memory, which only cost time here. Figures of
single prompts come from the server's `timings`.

What flatters llama.cpp, on purpose: before a timed batch each slot is given its prompt (decode) or the shared prefix
(shared) untimed and keeps it in its cache, so the clock sees no prompt that could have been there before.
"""

from __future__ import annotations

import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import xllamacpp
from protocol import read_job, run_job, summed_rate, timed

SETTINGS = ("f16 cache, flash attention auto; one slot per sequence, {cache}, warm: prompt or prefix cached per slot; "
            "otherwise defaults")
CACHES = {False: "a cache per slot", True: "one unified cache"}
SPARE_POSITIONS = 64


def needed_slots(cases: list[dict]) -> int:
    return max(len(case.get("prompts", [None])) for case in cases)


def needed_context(cases: list[dict]) -> int:
    """Positions of one slot."""
    longest = 0
    for case in cases:
        prompts = case.get("prompts") or [case["prompt"]]
        longest = max(longest, max(map(len, prompts)) + case.get("tokens", 1))
    return longest + SPARE_POSITIONS


class LlamaCpp:
    def __init__(self, job: dict):
        params = xllamacpp.CommonParams()
        params.model.path = job["model"]
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = job["threads"]
        self.slots = needed_slots(job["cases"])
        params.n_parallel, params.n_ctx = self.slots, self.slots * needed_context(job["cases"])
        params.kv_unified = job["unified"]
        params.port, params.verbosity = 0, 0
        # Enough to hold a request open per sequence; they sleep while the model works.
        params.n_threads_http = self.slots + 1
        params.cache_ram_mib, params.n_ctx_checkpoints = 0, 0
        self.server = xllamacpp.Server(params)

    def complete(self, slot: int, prompt: list[int], tokens: int, keep: bool) -> dict:
        """The server's answer; `keep`: the slot may use what it still holds of an earlier prompt."""
        body = {"prompt": prompt, "n_predict": tokens, "temperature": 0, "top_k": 1, "ignore_eos": True,
                "cache_prompt": keep, "id_slot": slot}
        request = urllib.request.Request(self.server.listening_address + "/completion", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as response:
            return json.loads(response.read())

    def complete_all(self, prompts: list[list[int]], tokens: int) -> list[dict]:
        """All prompts at once, one per slot."""
        with ThreadPoolExecutor(len(prompts)) as pool:
            return list(pool.map(lambda item: self.complete(item[0], item[1], tokens, True), enumerate(prompts)))

    def decode(self, prompts: list[list[int]], tokens: int) -> dict:
        self.complete_all(prompts, 1)
        timings = [answer["timings"] for answer in self.complete_all(prompts, tokens)]
        return summed_rate([(timing["predicted_n"], timing["predicted_ms"] / 1e3) for timing in timings])

    def prefill(self, prompt: list[int]) -> dict:
        timings = self.complete(0, prompt, 1, False)["timings"]
        return timed(timings["prompt_n"], timings["prompt_ms"] / 1e3)

    def shared(self, prefix: list[int], prompts: list[list[int]], tokens: int) -> dict:
        self.complete_all([prefix] * len(prompts), 1)
        began = time.perf_counter()
        answers = self.complete_all(prompts, tokens)
        seconds = time.perf_counter() - began
        return timed(sum(answer["timings"]["predicted_n"] for answer in answers), seconds)

    def first_token(self, prompt: list[int]) -> None:
        self.complete(0, prompt, 1, False)


if __name__ == "__main__":
    the_job = read_job()
    settings = SETTINGS.format(cache=CACHES[the_job["unified"]])
    run_job(the_job, f"xllamacpp {version('xllamacpp')}", settings, LlamaCpp)
