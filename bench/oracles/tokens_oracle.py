#!/usr/bin/env python3
"""Encodes a JSONL file with the reference tokenizer of a model.

    python tokens_oracle.py --model smollm2|gemma3 --input FILE --out FILE [--gguf PATH]

Input lines hold {"text": ..., "parse_special": true?}; output lines repeat them and add "ids".
No BOS or EOS is added.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from gguf_tokenizers import MODEL_FILES, build_tokenizer, encode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(MODEL_FILES), required=True)
    parser.add_argument("--gguf", type=Path, help="the file to read instead of the one under models/")
    parser.add_argument("--input", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()

    tokenizer = build_tokenizer(options.gguf or MODEL_FILES[options.model])
    with open(options.input, encoding="utf-8") as source, open(options.out, "w", encoding="utf-8", newline="\n") as out:
        for line in source:
            record = json.loads(line)
            if "text" not in record:
                continue  # a versions record
            record["ids"] = encode(tokenizer, record["text"], record.get("parse_special", False))
            out.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
