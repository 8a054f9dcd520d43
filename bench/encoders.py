#!/usr/bin/env python3
"""Speed of `cupel embed` beside sentence-transformers: short sentences to vectors, on this machine's CPUs.

Usage: encoders.py [--model FOLDER] [--cupel BINARY] [--rounds N] [--threads N] [--texts N]

The two take turns, a fresh process each; both leave loading out. sentence-transformers embeds eight texts before the
clock starts and may choose its batch (32 and 256 are tried, the faster one counts); Cupel has no warm-up. Vectors are
compared: a difference above 1e-4 is an error, not a figure. Needs the environment of `bench/setup.sh --oracles`.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WHO = ["The old baker", "A young engineer", "My neighbour", "The night train", "Our small team", "The river",
       "Her first letter", "Nobody in town"]
DOES = ["forgot the keys", "arrived two hours late", "measured the temperature twice", "sold the blue bicycle",
        "planted tomatoes behind the house", "asked for a second opinion", "repaired the broken clock",
        "wrote a short report about it"]
WHEN = ["before dawn.", "in the middle of winter.", "during the storm.", "without saying a word."]


def sentences(count):
    texts = [f"{who} {does} {when}" for who in WHO for does in DOES for when in WHEN]
    return [texts[i % len(texts)] for i in range(count)]


def reference(model, texts, threads):
    """Runs in a process of its own: seconds of the faster batch size, and the vectors."""
    import torch
    from sentence_transformers import SentenceTransformer
    torch.set_num_threads(threads)
    encoder = SentenceTransformer(model, device="cpu")
    encoder.encode(texts[:8])
    seconds = []
    for batch in (32, 256):
        begin = time.perf_counter()
        vectors = encoder.encode(texts, batch_size=batch)
        seconds.append(time.perf_counter() - begin)
    json.dump({"seconds": min(seconds), "vectors": vectors.tolist()}, sys.stdout)


def turn_of_reference(args, source):
    done = subprocess.run([sys.executable, __file__, "--reference", source, "--model", args.model, "--threads",
                           str(args.threads)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def turn_of_cupel(args, source):
    done = subprocess.run([args.cupel, "embed", "--model", args.model, "--input", source, "--threads",
                           str(args.threads)], check=True, capture_output=True, text=True,
                          env=os.environ | {"CUPEL_LOG": "info"})
    seconds = float(re.search(r"tokens in ([\d.]+) s", done.stderr)[1])
    return {"seconds": seconds, "vectors": [json.loads(line)["embedding"] for line in done.stdout.splitlines()]}


def worst(a, b):
    return max(abs(x - y) for u, v in zip(a, b, strict=True) for x, y in zip(u, v, strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(ROOT / "models/all-MiniLM-L6-v2"))
    parser.add_argument("--cupel", default=str(ROOT / "build/release/cupel"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--reference", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.reference:
        texts = [json.loads(line)["text"] for line in Path(args.reference).read_text().splitlines()]
        return reference(args.model, texts, args.threads)
    times = {"sentence-transformers": [], "cupel": []}
    with tempfile.TemporaryDirectory() as folder:
        source = str(Path(folder) / "texts.jsonl")
        Path(source).write_text("".join(json.dumps({"text": text}) + "\n" for text in sentences(args.texts)))
        for _ in range(args.rounds):
            turns = {"sentence-transformers": turn_of_reference(args, source), "cupel": turn_of_cupel(args, source)}
            difference = worst(turns["cupel"]["vectors"], turns["sentence-transformers"]["vectors"])
            if difference > 1e-4:
                sys.exit(f"encoders.py: the vectors differ by {difference}")
            for name, turn in turns.items():
                times[name].append(turn["seconds"])
    reference_times = times["sentence-transformers"]
    print(f"{args.texts} texts, {args.threads} threads, {args.rounds} rounds; vectors within {difference:.1e}")
    for name, seconds in times.items():
        ratio = statistics.median(r / s for r, s in zip(reference_times, seconds))
        print(f"{name:22} median {statistics.median(seconds):.3f} s, {min(seconds):.3f} to {max(seconds):.3f}; "
              f"{ratio:.2f} times as fast as sentence-transformers")


if __name__ == "__main__":
    main()
