#!/usr/bin/env python3
"""Rewrites the fixtures under tests/data/oracles: all of them, or the groups named.

    python regenerate.py [tokens] [logits] [greedy] [perplexity] [dequant] [quant] [safetensors]
        [tokenizer_json] [families] [encoders]

Needs the models and the environment of `bench/setup.sh --oracles`. On 2 idle cores: about 5 minutes.
The curves of training (tests/data/oracles/trl) need another environment: see trl_oracle.py.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

GROUPS = {
    "tokens": "make_token_fixtures.py",
    "logits": "logits_oracle.py",
    "greedy": "greedy_oracle.py",
    "perplexity": "perplexity_oracle.py",
    "dequant": "dequant_oracle.py",
    "quant": "quant_error_oracle.py",
    "safetensors": "safetensors_oracle.py",
    "tokenizer_json": "tokenizer_json_oracle.py",
    "families": "families_oracle.py",
    "encoders": "encoders_oracle.py",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="group", help=", ".join(GROUPS))
    options = parser.parse_args()
    if unknown := set(options.groups) - set(GROUPS):
        parser.error(f"unknown group {sorted(unknown)[0]!r}; known: {', '.join(GROUPS)}")
    for group in options.groups or GROUPS:
        started = time.perf_counter()
        subprocess.run([sys.executable, str(Path(__file__).parent / GROUPS[group])], check=True)
        print(f"{group}: {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
