#!/usr/bin/env python3
"""The likeliest tokens at each step of given paths, by llama.cpp (xllamacpp).

    python bench/quant/path_llama_cpp.py MODEL.gguf PATHS.json [--exact]

PATHS.json is a list of {"prompt": text, "ids": [token, …]}. Prints one JSON list: for each path, for each of its tokens
the 20 likeliest at that place as [[id, logprob], …], the likeliest first. Whatever llama.cpp would choose, the path goes
on with the token that it has. --exact: f32 keys and values and no fused attention, which rounds to 16 bits; with f32
weights nothing is rounded then.
"""
from __future__ import annotations

import argparse
import json
import urllib.request
from pathlib import Path

import xllamacpp

SHOWN = 20


def server(path: Path, exact: bool) -> xllamacpp.Server:
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel = 512, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.port, params.verbosity, params.cache_ram_mib = 0, 0, 0
    if exact:
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return xllamacpp.Server(params)


def post(address: str, path: str, body: dict) -> dict:
    request = urllib.request.Request(address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.loads(response.read())


def likeliest(address: str, prompt: list, plain: int) -> list:
    """What the server shows of the next token. It shows nothing of a token that ends inside a character, so it is made
    to choose one that does not; the figures are those before that."""
    answer = post(address, "/completion", {"prompt": prompt, "n_predict": 1, "temperature": 0, "top_k": 1,
                                           "n_probs": SHOWN, "cache_prompt": True, "logit_bias": [[plain, 1000.0]]})
    shown = answer["completion_probabilities"][0]["top_logprobs"]
    return sorted(([each["id"], each["logprob"]] for each in shown), key=lambda each: -each[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("paths", type=Path)
    parser.add_argument("--exact", action="store_true")
    options = parser.parse_args()
    running = server(options.model, options.exact)
    address = running.listening_address
    plain = post(address, "/tokenize", {"content": "a"})["tokens"][-1]
    print(json.dumps([[likeliest(address, [path["prompt"], *path["ids"][:step]], plain) for step in range(len(path["ids"]))]
                      for path in json.loads(options.paths.read_text(encoding="utf-8"))]))


if __name__ == "__main__":
    main()
