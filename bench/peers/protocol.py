"""What every peer script shares: the job it reads, the line it prints, and the clocks.

    python PEER.py JOB.json        one JSON line on standard output: {"package", "settings", "load_s", "cases": {…}}

A job is {"model": FILE, "threads": N, "started": seconds since the epoch when the process was started,
"dtype" (transformers only), "unified" (llama.cpp only), "cases": [CASE…]}. Prompts are lists of token ids, so that every contender computes
the same tokens. A case is one of

    {"name", "kind": "decode", "prompts": [ids…], "tokens": n}   greedy, all prompts at once, the prompts' time left out;
                                                                 "warm_up": ids, decoded as far, untimed, before
    {"name", "kind": "prefill", "prompt": ids}                   the prompt, up to its first token; its halves swapped, untimed, before
    {"name", "kind": "shared", "prefix": ids, "prompts": […], "tokens": n}
                                                                 the prompts begin with the prefix; prompts and answers
    {"name", "kind": "start", "prompt": ids}                     process start and load to the first token; first case

and its result {"tokens", "seconds", "tokens_per_s"}, or {"since_load_s", "since_process_start_s"} of a start.
A decode rate sums over the sequences (n - 1) / time from a sequence's first token to its last.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def read_job() -> dict:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {Path(sys.argv[0]).name} JOB.json")
    return json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))


def timed(tokens: int, seconds: float) -> dict:
    return {"tokens": tokens, "seconds": seconds, "tokens_per_s": tokens / seconds}


def summed_rate(counts_and_seconds: list[tuple[int, float]]) -> dict:
    """The result of a decode case, from each sequence's number of tokens and its time since the first of them."""
    return {
        "tokens": sum(count for count, _ in counts_and_seconds),
        "seconds": max(seconds for _, seconds in counts_and_seconds),
        "tokens_per_s": sum((count - 1) / seconds for count, seconds in counts_and_seconds),
    }


def run_job(job: dict, package: str, settings: str, load) -> None:
    """Loads the engine, runs the cases in order and prints the report.

    `load(job)` returns an object with one method per kind: decode(prompts, tokens), prefill(prompt),
    shared(prefix, prompts, tokens) and first_token(prompt).
    """
    began = time.perf_counter()
    engine = load(job)
    load_s = time.perf_counter() - began
    cases = {case["name"]: run_case(engine, case, job["started"], began) for case in job["cases"]}
    print(json.dumps({"package": package, "settings": settings, "load_s": load_s, "cases": cases}), flush=True)


def run_case(engine, case: dict, started: float, began: float) -> dict:
    if case["kind"] == "decode":
        if "warm_up" in case:
            engine.decode([case["warm_up"]], case["tokens"])
        return engine.decode(case["prompts"], case["tokens"])
    if case["kind"] == "prefill":
        # Another prompt of the same length first: an engine would remember this one.
        half = len(case["prompt"]) // 2
        engine.prefill(case["prompt"][half:] + case["prompt"][:half])
        return engine.prefill(case["prompt"])
    if case["kind"] == "shared":
        return engine.shared(case["prefix"], case["prompts"], case["tokens"])
    engine.first_token(case["prompt"])
    return {"since_load_s": time.perf_counter() - began, "since_process_start_s": time.time() - started}
