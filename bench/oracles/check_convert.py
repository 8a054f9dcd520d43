#!/usr/bin/env python3
"""Whether transformers and llama.cpp read what `cupel convert` writes, on tiny models of every family.

    python bench/oracles/check_convert.py build/release/cupel [--only NAME…]

For each family (families_oracle.py) a folder with seeded weights and a byte-level tokenizer goes to GGUF and back to a
folder. transformers must open the second folder with the logits of the first (1e-5) and the same token ids; llama.cpp
(xllamacpp) must run the GGUF file, and the log-probabilities of its likeliest tokens must be those of transformers
(CLOSE: its caches are 16-bit), but for what UNLIKE says of llama.cpp. One line per family; exit status 1 where anything
differs.
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
VOCABULARY, TEXT, CLOSE = 320, "Convert there and back: 1, 2, 3 – naïve façade.", 0.02
# What llama.cpp does in another way than the models' authors; these files are for other readers.
UNLIKE = {"llama_dynamic": "it knows no dynamic scaling of rope",
          "mistral_window": "it gives Mistral no window", "qwen2_window": "it gives Qwen2 no window",
          "phi3": "it gives Phi-3 no window",
          "qwen2_moe_mixed": "it wants experts in every layer",
          "phimoe": "it weighs experts by a plain softmax, Phi-3.5-MoE by a masked one"}
# llama.cpp takes LongRoPE's factors by the size of its cache: the text must be beyond the original length.
REPEATS = {"phi3_long": 5, "phi3_long_beyond": 5}
PATH_LLAMA_CPP = Path(__file__).resolve().parents[1] / "quant" / "path_llama_cpp.py"


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


def token_ids(folder, text):
    """By the file alone: AutoTokenizer puts a family's own splitting in its place."""
    return Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids


def llama_cpp_difference(path, text, expected):
    """The largest difference of log-probabilities, over the tokens that llama.cpp finds likeliest."""
    paths = path.with_suffix(".json")
    paths.write_text(json.dumps([{"prompt": text, "ids": [0]}]), encoding="utf-8")
    done = subprocess.run([sys.executable, PATH_LLAMA_CPP, path, paths], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"llama.cpp exited with {done.returncode}")
    wanted = torch.log_softmax(expected, -1)
    return max(abs(found - float(wanted[token])) for token, found in json.loads(done.stdout.splitlines()[-1])[0][0])


def check(binary, name, folder):
    families_oracle.COMMON["vocab_size"] = VOCABULARY
    first, gguf, second = folder / "first", folder / f"{name}.gguf", folder / "second"
    first.mkdir()
    families_oracle.make(name, first)
    save_tokenizer(first)
    cupel(binary, "convert", first, gguf)
    cupel(binary, "convert", gguf, second)
    prompt = TEXT * REPEATS.get(name, 1)
    ids = token_ids(first, prompt)
    if token_ids(second, prompt) != ids:
        return "token ids differ"
    expected = logits(first, ids)
    worst = float((logits(second, ids) - expected).abs().max())
    text = f"logits differ by {worst:.1e}"
    try:
        difference = llama_cpp_difference(gguf, prompt, expected[-1])
        text += f", log-probabilities of llama.cpp by {difference:.1e}"
        alike = difference <= CLOSE
    except RuntimeError as error:
        text, alike = f"{text}; {error}", False
    if name in UNLIKE:
        text, alike = f"{text} ({UNLIKE[name]})", not alike
    return "ok: " + text if worst <= 1e-5 and alike else text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cupel", type=Path)
    parser.add_argument("--only", nargs="*", default=list(families_oracle.CASES))
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
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
