#!/usr/bin/env python3
"""Vectors of sentence encoders, by sentence-transformers.

Usage: encoders_oracle.py [--out DIR] [--only NAME…] [--keep DIR] [--model FOLDER]

Writes tests/data/oracles/encoders/<name>.json for tiny seeded models: the files of the folder (but for the weights,
which the test makes again as families_oracle.py does), texts, ids and vectors; and of the real all-MiniLM-L6-v2
(`make models-extra`, or another --model) minilm.json: texts, ids and vectors. The fixtures name the versions.
"""
import argparse
import json
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch
import transformers
from families_oracle import weights
from safetensors import safe_open
from safetensors.numpy import save_file
from sentence_transformers import SentenceTransformer

PUNCTUATION = list("!\"#$%&'()*+,-./:;?[]")
WORDS = ["the", "cat", "sleeps", "rain", "storm", "a", "on", "is", "water", "cold", "ele", "##phant", "##s", "##ing"]
LETTERS = [chr(c) for c in range(ord("a"), ord("z") + 1)]
TOKENS = (LETTERS + ["##" + c for c in LETTERS] + [str(d) for d in range(10)] + PUNCTUATION + WORDS + ["猫", "é"])
BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_SPECIALS = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]  # RoBERTa's padding has the id 1

FLAGS = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens",
         "mean_sqrt_len_tokens": "mean_sqrt_len_tokens", "weightedmean": "weightedmean_tokens",
         "lasttoken": "lasttoken"}

TEXTS = ["The cat sleeps.", "Rain is cold water!", "storm", "", "   two  blanks\taround   ", "éléphants 猫 on ½",
         "[SEP] is read [MASK] as such", "a, b; c: d? (e) \"f\" 'g' #1", "elephants",
         "a text that is longer than the sixteen tokens which some of the models read, so that its end is left out"]

COMMON = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
              max_position_embeddings=64, type_vocab_size=2)
BERT = (transformers.BertConfig, BERT_SPECIALS, COMMON)
ROBERTA = (transformers.RobertaConfig, ROBERTA_SPECIALS,
           COMMON | dict(type_vocab_size=1, pad_token_id=1, max_position_embeddings=66))

# name: (family, settings of config.json, modes of the pooling or nothing, normalised, more files)
CASES = {
    "mean": (BERT, {}, ["mean"], True, {"sentence_bert_config.json": dict(max_seq_length=16, do_lower_case=False)}),
    "cls": (BERT, dict(num_attention_heads=2), ["cls"], True, {}),
    "several": (BERT, dict(hidden_act="gelu_new"), ["cls", "max", "mean"], False, {}),
    "weighted": (BERT, {}, ["mean_sqrt_len_tokens", "weightedmean", "lasttoken"], False, {}),
    "prompt": (BERT, {}, ["mean"], True, {"config_sentence_transformers.json": dict(
        prompts=dict(query="rain: ", other="x"), default_prompt_name="query")}),
    "plain": (BERT, {}, None, False, {}),
    "roberta": (ROBERTA, {}, ["mean"], True, {"sentence_bert_config.json": dict(max_seq_length=32,
                                                                                do_lower_case=True)}),
}


def tokenizer_json(specials):
    vocab = {token: i for i, token in enumerate(dict.fromkeys(specials + TOKENS))}
    added = [dict(id=vocab[token], content=token, single_word=False, lstrip=False, rstrip=False, normalized=False,
                  special=True) for token in specials]
    return dict(version="1.0", truncation=None, padding=None, added_tokens=added,
                normalizer=dict(type="BertNormalizer", clean_text=True, handle_chinese_chars=True, strip_accents=None,
                                lowercase=True),
                pre_tokenizer=dict(type="BertPreTokenizer"),
                post_processor=dict(type="BertProcessing", sep=["[SEP]", vocab["[SEP]"]],
                                    cls=["[CLS]", vocab["[CLS]"]]),
                decoder=dict(type="WordPiece", prefix="##", cleanup=True),
                model=dict(type="WordPiece", unk_token="[UNK]", continuing_subword_prefix="##",
                           max_input_chars_per_word=100, vocab=vocab)), len(vocab)


def module_files(modes, normalise, width):
    if modes is None:
        return {}
    package = "sentence_transformers.models."
    modules = [dict(idx=0, name="0", path="", type=package + "Transformer"),
               dict(idx=1, name="1", path="1_Pooling", type=package + "Pooling")]
    if normalise:
        modules.append(dict(idx=2, name="2", path="2_Normalize", type=package + "Normalize"))
    pooling = {f"pooling_mode_{flag}": mode in modes for mode, flag in FLAGS.items()}
    return {"modules.json": modules, "1_Pooling/config.json": dict(word_embedding_dimension=width) | pooling}


def make(name, folder):
    """Writes the folder of a case; returns its files as JSON and the names and shapes of its tensors."""
    (kind, specials, common), settings, modes, normalise, more = CASES[name]
    tokenizer, size = tokenizer_json(specials)
    config = kind(**(common | dict(vocab_size=size) | settings))
    transformers.AutoModel.from_config(config, dtype=torch.float32).save_pretrained(folder)
    tensors = {}
    with safe_open(folder / "model.safetensors", "np") as file:
        for key in file.keys():
            tensors[key] = weights(key, file.get_slice(key).get_shape())
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    files = {"tokenizer.json": tokenizer,
             "tokenizer_config.json": dict(tokenizer_class="PreTrainedTokenizerFast", model_max_length=64,
                                           cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]",
                                           unk_token="[UNK]", mask_token="[MASK]")}
    files |= module_files(modes, normalise, common["hidden_size"]) | more
    for path, content in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(json.dumps(content))
    if normalise:
        (folder / "2_Normalize").mkdir(exist_ok=True)
    return files, [[key, list(value.shape)] for key, value in sorted(tensors.items())]


def numbers(vectors):
    return [[float(f"{x:.7g}") for x in vector] for vector in vectors.tolist()]


def ids_of(model, texts):
    """What the model reads of each text."""
    prompt = model.prompts.get(model.default_prompt_name or "", "") or ""
    ids = []
    for text in texts:
        features = model.tokenize([prompt + text])
        ids.append(features["input_ids"][0].tolist())
    return ids


def made_with():
    return {name: version(name) for name in ("sentence-transformers", "transformers", "tokenizers", "torch")}


def run(name, out, keep):
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(keep) / name if keep else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        files, tensors = make(name, folder)
        model = SentenceTransformer(str(folder), device="cpu")
        vectors = model.encode(TEXTS)
        fixture = dict(made_with=made_with(), config=json.loads((folder / "config.json").read_text()), files=files,
                       tensors=tensors, texts=TEXTS, ids=ids_of(model, TEXTS), vectors=numbers(vectors))
    (out / f"{name}.json").write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
    print(name, vectors.shape, len(tensors), "tensors")


SENTENCES = [
    "A cat sleeps on the warm windowsill.",
    "The kitten naps in the sun by the window.",
    "Quarterly revenue fell by three percent.",
    "Sales in the third quarter were slightly lower than expected.",
    "How do I reset my password?",
    "I forgot my login details; what should I do now?",
    "The recipe needs two eggs, 250 g of flour and a pinch of salt.",
    "Knead the dough until it no longer sticks to your fingers.",
    "Light from the star took 4.2 years to reach us.",
    "def add(a, b): return a + b",
    "for (int i = 0; i < n; ++i) sum += x[i];",
    "Où se trouve la gare, s'il vous plaît ?",
    "Der Zug fährt um 17:45 Uhr von Gleis 9 ab.",
    "東京は今日とても暑いです。",
    "WHY IS EVERYONE SHOUTING???",
    "It's a well-known fact — isn't it? — that e-mail addresses look like name@example.org.",
    "🙂",
    "",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    " ".join(f"Sentence {i} of a long report says that station {i % 7} measured {i * 3} millimetres of rain."
             for i in range(40)),
]


def run_model(folder, out):
    model = SentenceTransformer(str(folder), device="cpu")
    fixture = dict(made_with=made_with(), texts=SENTENCES, ids=ids_of(model, SENTENCES),
                   vectors=numbers(model.encode(SENTENCES)))
    (out / "minilm.json").write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
    print("minilm", len(SENTENCES), "sentences")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=Path, default=root / "tests/data/oracles/encoders")
    parser.add_argument("--only", nargs="*", default=list(CASES))
    parser.add_argument("--keep")
    parser.add_argument("--model", type=Path, default=root / "models/all-MiniLM-L6-v2")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.only:
        run(name, args.out, args.keep)
    if args.model.is_dir():
        run_model(args.model, args.out)
    else:
        print(f"{args.model}: no such folder; minilm.json stays as it is")


if __name__ == "__main__":
    main()
