#!/usr/bin/env python3
"""A Hugging Face checkpoint of a GGUF file's dequantised weights.

    python dequantise.py --model smollm2|gemma3 --dtype f32|bf16 --out FOLDER

The folder appears when it is whole. It has no tokenizer: the benchmark hands out token ids.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracles"))

import torch  # noqa: E402
from gguf_models import load_named_model  # noqa: E402
from gguf_tokenizers import MODEL_FILES  # noqa: E402

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, choices=list(MODEL_FILES))
    parser.add_argument("--dtype", choices=list(DTYPES), default="f32")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    partial = options.out.with_name(options.out.name + ".tmp")
    load_named_model(options.model).to(DTYPES[options.dtype]).save_pretrained(partial)
    partial.rename(options.out)


if __name__ == "__main__":
    main()
