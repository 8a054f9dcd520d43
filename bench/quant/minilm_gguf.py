#!/usr/bin/env python3
"""Writes the f32 weights of all-MiniLM-L6-v2 as a GGUF file: trained, and never quantised.

    python bench/quant/minilm_gguf.py --out FILE.gguf [--model models/all-MiniLM-L6-v2]

The weights are those that `make models-extra` fetches. The file holds tensors to quantise; it is no model that runs.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import gguf
from safetensors.numpy import load_file

FOLDER = Path(__file__).resolve().parents[2] / "models" / "all-MiniLM-L6-v2"
NAMES = {"attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
         "attention.output.dense": "attn_output", "intermediate.dense": "ffn_up", "output.dense": "ffn_down"}


def gguf_name(name: str) -> str | None:
    """encoder.layer.3.attention.self.query.weight → blk.3.attn_q.weight; None for what is no matrix of a block."""
    name = name.removeprefix("bert.")
    if name == "embeddings.word_embeddings.weight":
        return "token_embd.weight"
    if not name.startswith("encoder.layer.") or not name.endswith(".weight"):
        return None
    number, rest = name.removeprefix("encoder.layer.").split(".", 1)
    part = NAMES.get(rest.removesuffix(".weight"))
    return part and f"blk.{number}.{part}.weight"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=FOLDER)
    options = parser.parse_args()
    weights = options.model / "model.safetensors"
    if not weights.exists():
        sys.exit(f"minilm_gguf.py: {weights} is missing; `make models-extra` fetches it")
    writer = gguf.GGUFWriter(options.out, "bert")
    for name, tensor in sorted(load_file(weights).items()):
        if renamed := gguf_name(name):
            writer.add_tensor(renamed, tensor.astype("float32"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
