#!/usr/bin/env python3
"""Compares the reference tokenizer of a model with other implementations of it.

    python check_tokenizers.py --model smollm2|gemma3 --input FILE [--show 10]

Input: JSONL with "text" and optionally "parse_special". Prints one line per disagreement (first
`--show` of them) and a summary. The peers: llama.cpp; for Gemma also SentencePiece, on a model proto
rebuilt from the GGUF (it never parses control tokens, so lines with "parse_special" are left out
there), and the conversion that transformers makes of the same file. SmolLM2's conversion in
transformers 5.24 is not a peer: it forgets to isolate digits.
Exit code 0 whatever it finds: it informs, `make_token_fixtures.py` decides.
"""

from __future__ import annotations

import argparse
import json
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import sentencepiece
import xllamacpp
from gguf import GGUFReader
from sentencepiece import sentencepiece_model_pb2
from transformers import AutoTokenizer

from gguf_tokenizers import MODEL_FILES, build_tokenizer, encode, read_vocabulary


class LlamaCppTokenizer:
    """llama.cpp's own tokenizer, reached through its server's /tokenize on the loopback."""

    def __init__(self, gguf_path: Path):
        params = xllamacpp.CommonParams()
        params.model.path = str(gguf_path)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        params.n_ctx, params.n_parallel, params.warmup, params.verbosity, params.port = 256, 1, False, 0, 0
        self.server = xllamacpp.Server(params)
        self.connection = HTTPConnection(urlsplit(self.server.listening_address).netloc)

    def encode(self, text: str, parse_special: bool) -> list[int]:
        body = json.dumps({"content": text, "add_special": False, "parse_special": parse_special})
        self.connection.request("POST", "/tokenize", body, {"Content-Type": "application/json"})
        return json.loads(self.connection.getresponse().read())["tokens"]


def build_sentencepiece_processor(gguf_path: Path) -> sentencepiece.SentencePieceProcessor:
    """A SentencePiece BPE model with the pieces, scores and types of a GGUF file."""
    vocabulary = read_vocabulary(GGUFReader(str(gguf_path)))
    proto = sentencepiece_model_pb2.ModelProto()
    for index, token in enumerate(vocabulary["tokens"]):
        kind = vocabulary["token_type"][index]
        kind = 2 if index == vocabulary["unknown_token_id"] else kind
        text = token.replace(" ", "\u2581") if kind == 4 else token
        proto.pieces.add(piece=text, score=vocabulary["scores"][index], type=kind)
    trainer = proto.trainer_spec
    trainer.model_type, trainer.byte_fallback = trainer.BPE, True
    trainer.unk_id, trainer.bos_id, trainer.eos_id, trainer.pad_id = 3, 2, 1, 0
    trainer.vocab_size = len(proto.pieces)
    normalizer = proto.normalizer_spec
    normalizer.name, normalizer.add_dummy_prefix = "identity", False
    normalizer.remove_extra_whitespaces, normalizer.escape_whitespaces = False, True
    processor = sentencepiece.SentencePieceProcessor()
    processor.LoadFromSerializedProto(proto.SerializeToString())
    return processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(MODEL_FILES), required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--show", type=int, default=10)
    options = parser.parse_args()

    path = MODEL_FILES[options.model]
    reference = build_tokenizer(path)
    peers = {"llama.cpp": LlamaCppTokenizer(path).encode}
    if options.model == "gemma3":
        processor = build_sentencepiece_processor(path)
        converted = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name).backend_tokenizer
        peers["transformers"] = lambda text, parse_special: encode(converted, text, parse_special)
        peers["sentencepiece"] = lambda text, parse_special: None if parse_special else processor.EncodeAsIds(text)

    records = [json.loads(line) for line in open(options.input, encoding="utf-8")]
    records = [record for record in records if "text" in record]
    for name, peer in peers.items():
        compared, different = 0, 0
        for record in records:
            special = record.get("parse_special", False)
            theirs = peer(record["text"], special)
            if theirs is None:
                continue
            compared += 1
            ours = encode(reference, record["text"], special)
            if theirs != ours:
                different += 1
                if different <= options.show:
                    print(json.dumps({"peer": name, **record, "ids": ours, "peer_ids": theirs}))
        print(f"{options.model} vs {name}: {different} of {compared} lines differ")


if __name__ == "__main__":
    main()
