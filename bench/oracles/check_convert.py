#!/usr/bin/env python3
"""Whether transformers and llama.cpp read what `cupel convert` writes, on tiny models of every family.

    python bench/oracles/check_convert.py build/release/cupel [--only NAME…]

For each family (families_oracle.py) a folder with seeded weights and a byte-level tokenizer goes to GGUF and back to a
folder. transformers must open the second folder with the logits of the first (1e-5) and the same token ids; llama.cpp
(xllamacpp) must run the GGUF file and choose the token that transformers chooses, or one within NEAR of it. One line
per family; exit status 1 where anything differs.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import families_oracle

# Of the families' own sizes only what llama.cpp needs is changed: a vocabulary that holds all bytes.
VOCABULARY, TEXT, NEAR = 320, "Convert there and back: 1, 2, 3 – naïve façade.", 1e-3
GREEDY = Path(__file__).resolve().parents[1] / "quant" / "greedy_llama_cpp.py"


def save_tokenizer(folder):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - 8, special_tokens=["<pad>", "<s>", "</s>"], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator([TEXT * 3, "the there then"] * 3, trainer)
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>",
                                         pad_token="<pad>").save_pretrained(folder)


def logits(folder, ids):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    with torch.no_grad():
        return model.eval()(torch.tensor([ids])).logits[0].double()


def cupel(binary, *arguments):
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())


def llama_cpp_gap(path, expected):
    """How much less likely than its best token transformers finds the one that llama.cpp chooses, in logits."""
    done = subprocess.run([sys.executable, GREEDY, path, "1", TEXT], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError("llama.cpp: " + done.stderr.strip()[-200:])
    chosen = json.loads(done.stdout.splitlines()[-1])[0]["ids"][0]
    return float(expected.max() - expected[chosen])


def check(binary, name, folder):
    families_oracle.COMMON["vocab_size"] = VOCABULARY
    first, gguf, second = folder / "first", folder / f"{name}.gguf", folder / "second"
    first.mkdir()
    families_oracle.make(name, first)
    save_tokenizer(first)
    cupel(binary, "convert", first, gguf)
    cupel(binary, "convert", gguf, second)
    before, after = (transformers.AutoTokenizer.from_pretrained(each) for each in (first, second))
    ids = before(TEXT)["input_ids"]
    if after(TEXT)["input_ids"] != ids:
        return "token ids differ"
    expected = logits(first, ids)
    worst = float((logits(second, ids) - expected).abs().max())
    try:
        gap = llama_cpp_gap(gguf, expected[-1])
    except RuntimeError as error:
        return f"logits differ by {worst:.1e}; {error}"
    text = f"logits differ by {worst:.1e}, llama.cpp's token is {gap:.1e} below the best"
    return text if worst > 1e-5 or gap > NEAR else "ok: " + text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cupel", type=Path)
    parser.add_argument("--only", nargs="*", default=list(families_oracle.CASES))
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    failed = False
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = check(options.cupel.resolve(), name, Path(folder))
            except (RuntimeError, OSError, ValueError, KeyError) as error:
                found = f"{type(error).__name__}: {error}"
        failed = failed or not found.startswith("ok")
        print(f"{name:20} {found}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
