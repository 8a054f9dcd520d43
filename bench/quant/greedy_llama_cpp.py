#!/usr/bin/env python3
"""Greedy continuations by llama.cpp (xllamacpp), with the likeliest tokens at each step.

    python bench/quant/greedy_llama_cpp.py MODEL.gguf TOKENS PROMPT…

Prints one JSON list: for each prompt {"ids", "top": [[[id, logprob], …] for each step]}.
"""
from __future__ import annotations

import json
import sys
import urllib.request

import xllamacpp

SHOWN = 20


def server(path: str) -> xllamacpp.Server:
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx, params.n_parallel = 512, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.port, params.verbosity, params.cache_ram_mib = 0, 0, 0
    return xllamacpp.Server(params)


def complete(address: str, prompt: str, tokens: int) -> dict:
    body = {"prompt": prompt, "n_predict": tokens, "temperature": 0, "top_k": 1, "n_probs": SHOWN, "ignore_eos": True,
            "cache_prompt": False, "return_tokens": True}
    request = urllib.request.Request(address + "/completion", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        steps = json.loads(response.read())["completion_probabilities"]
    return {"ids": [step["id"] for step in steps],
            "top": [[[each["id"], each["logprob"]] for each in step["top_logprobs"]] for step in steps]}


def main() -> None:
    running = server(sys.argv[1])
    print(json.dumps([complete(running.listening_address, prompt, int(sys.argv[2])) for prompt in sys.argv[3:]]))


if __name__ == "__main__":
    main()
