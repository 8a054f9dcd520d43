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


def post(address: str, path: str, body: dict) -> dict:
    request = urllib.request.Request(address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.loads(response.read())


def generate(address: str, prompt: str | list, tokens: int, **settings) -> dict:
    return post(address, "/completion", {"prompt": prompt, "n_predict": tokens, "temperature": 0, "top_k": 1,
                                         "n_probs": SHOWN, "ignore_eos": True, "cache_prompt": False,
                                         "return_tokens": True, **settings})


def likeliest(address: str, prompt: str | list, plain: int) -> dict:
    """What the server shows of the next token. It shows nothing of a token that ends inside a character, so it is made
    to choose one that does not; the figures are those before that."""
    answer = generate(address, prompt, 1, logit_bias=[[plain, 1000.0]])
    return answer["completion_probabilities"][0]


def complete(address: str, prompt: str, tokens: int) -> dict:
    answer = generate(address, prompt, tokens)
    ids, steps = answer["tokens"], answer.get("completion_probabilities", [])
    if len(steps) != len(ids):
        plain = post(address, "/tokenize", {"content": "a"})["tokens"][-1]
        steps = [likeliest(address, [prompt, *ids[:step]], plain) for step in range(len(ids))]
    return {"ids": ids, "top": [[[each["id"], each["logprob"]] for each in step["top_logprobs"]] for step in steps]}


def main() -> None:
    running = server(sys.argv[1])
    print(json.dumps([complete(running.listening_address, prompt, int(sys.argv[2])) for prompt in sys.argv[3:]]))


if __name__ == "__main__":
    main()
