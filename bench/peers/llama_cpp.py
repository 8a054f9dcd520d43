#!/usr/bin/env python3
"""Measures llama.cpp (through the xllamacpp package) on one GGUF file and prints one JSON line.

    python llama_cpp.py --model FILE [--threads 2] [--decode-tokens 64] [--prefill-tokens 512]
                        [--decode-prompt TEXT] [--prefill-text-file FILE] [--print-prompt]

Decode: greedy tokens at batch 1 after a short prompt. Prefill: a prompt of as many words of the text file
as fit in --prefill-tokens. Settings are llama.cpp's own defaults (f16 cache, flash attention where it
picks it, weights repacked, its warm-up run) with prompt caching and context checkpoints off, so that
every prompt is really computed. Figures come from the server's `timings`.

"decode.tokens_per_s" is (n - 1) / time, because llama.cpp's clock starts when the first of the n tokens is
known. Recent builds count "predicted_per_second", given too, in the same way; older ones used n.

With --print-prompt the text of the prefill prompt is part of the output.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path

import xllamacpp

BENCH = Path(__file__).resolve().parents[1]
DEFAULT_TEXT = BENCH.parent / "tests" / "data" / "oracles" / "perplexity_text.txt"
DEFAULT_PROMPT = "The lighthouse keeper climbed the stairs every evening, carrying a small brass lamp and"


class LlamaCpp:
    """A server in this process, listening on the loopback only."""

    def __init__(self, model: str, threads: int, context: int = 2048):
        params = xllamacpp.CommonParams()
        params.model.path = model
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.n_ctx, params.n_parallel, params.port, params.verbosity = context, 1, 0, 0
        params.n_threads_http = 1
        params.cache_prompt, params.cache_ram_mib, params.n_ctx_checkpoints = False, 0, 0
        started = time.perf_counter()
        self.server = xllamacpp.Server(params)
        self.load_s = time.perf_counter() - started

    def post(self, path: str, body: dict) -> dict:
        request = urllib.request.Request(
            self.server.listening_address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as response:
            return json.loads(response.read())

    def count(self, text: str) -> int:
        return len(self.post("/tokenize", {"content": text, "add_special": True})["tokens"])

    def complete(self, prompt: str, tokens: int) -> dict:
        body = {"prompt": prompt, "n_predict": tokens, "temperature": 0, "ignore_eos": True, "cache_prompt": False}
        return self.post("/completion", body)["timings"]


def fit_prompt(server: LlamaCpp, text: str, tokens: int) -> str:
    """The longest run of leading words of `text` that has at most `tokens` tokens."""
    words = text.split(" ")
    low, high = 1, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        if server.count(" ".join(words[:middle])) <= tokens:
            low = middle
        else:
            high = middle - 1
    return " ".join(words[:low])


def measure(options: argparse.Namespace) -> dict:
    server = LlamaCpp(options.model, options.threads)
    text = options.prefill_text_file.read_text(encoding="utf-8")
    prompt = fit_prompt(server, text, options.prefill_tokens)
    server.complete(options.decode_prompt, 4)
    prefill = server.complete(prompt, 1)
    decode = server.complete(options.decode_prompt, options.decode_tokens)
    result = {
        "peer": "llama.cpp",
        "package": f"xllamacpp {version('xllamacpp')}",
        "system": xllamacpp.get_system_info().strip(" |"),
        "model": Path(options.model).name,
        "threads": options.threads,
        "load_s": round(server.load_s, 4),
        "prefill": {"prompt_tokens": prefill["prompt_n"], "tokens_per_s": prefill["prompt_per_second"]},
        "decode": {
            "prompt_tokens": decode["prompt_n"],
            "completion_tokens": decode["predicted_n"],
            "tokens_per_s": (decode["predicted_n"] - 1) * 1e3 / decode["predicted_ms"],
            "predicted_per_second": decode["predicted_per_second"],
        },
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    if options.print_prompt:
        result["prefill"]["prompt"] = prompt
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--decode-tokens", type=int, default=64)
    parser.add_argument("--prefill-tokens", type=int, default=512)
    parser.add_argument("--decode-prompt", default=DEFAULT_PROMPT)
    parser.add_argument("--prefill-text-file", type=Path, default=DEFAULT_TEXT)
    parser.add_argument("--print-prompt", action="store_true")
    print(json.dumps(measure(parser.parse_args())), flush=True)


if __name__ == "__main__":
    main()
