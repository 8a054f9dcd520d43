#!/usr/bin/env python3
"""Writes tests/data/oracles/tokenizer_json.json: small tokenizer.json files with what `tokenizers` makes of texts.

    python bench/oracles/tokenizer_json_oracle.py                          # the fixture
    python bench/oracles/tokenizer_json_oracle.py --lines 2000 --out F     # the same cases on many more texts
    python bench/oracles/tokenizer_json_oracle.py --characters --out F     # every character through every step

A larger file is compared by `CUPEL_TOKENIZER_CASES=F engine_test --gtest_filter='TokenizerJson.*'`.

Layout: "texts": inputs. "bases": tokenizer.json objects. "cases": {"name", "base", "patch": members that replace
those of the base, "ids": per text, "framed": ids of the first text with the post-processor's tokens,
"plain": ids per text without reading special tokens (where they differ), "decoded": [[ids, text, text without
special tokens], …]}. "normalized": [[normalizer, text, result], …]. "pieces": [[pre-tokenizer, text, pieces], …].
Texts and models are generated here; nothing is taken from a published vocabulary.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import struct
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

ROOT = Path(__file__).resolve().parent.parent.parent
WORDS = ["the", "river", "low", "lower", "lowest", "newer", "wide", "don't", "we'll", "it's", "I'm", "Über", "naïve", "café",
         "Straße", "ΟΔΟΣ", "мир", "Ёлка", "привет", "世界", "你好", "東京", "カタカナ", "がぎ", "한국어", "नमस्ते", "สวัสดี", "שלום",
         "مرحبا", "x²", "ﬁne", "№5", "½", "①", "Ⅷ", "İstanbul", "ǅ", "e\u0301te\u0301", "a\u0308o\u0308", "👍🏽", "👩‍👩‍👧", "🇫🇷", "𝟘𝟙", "３４",
         "12345", "3.14", "2024-02-29", "foo_bar", "a,b;c", "(x)", "--", "...", "!?", "C++", "http://a.b/c?d=e", "$5", "<s>",
         "</s>", "[MASK]", "<tool>", "tool", "TOOL", "<0x41>", "▁", "a▁b", "<unk>", "[UNK]", "İ", "ß", "\u200d", "\u00ad", "\ufeff",
         "\u0378", "\ue000", "\u0001", "\ufffd", "☃"]
GAPS = [" ", " ", " ", " ", "  ", "   ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2003", " \n ", "", "\u0085"]
EDGES = ["", "", "", " ", "  ", "\n", "\u3000"]
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
GPT4O = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
KIMI = (r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+"
        r"|\p{N}{1,3}|\s+(?!\S)|\s+|.")
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
PATTERNS = [GPT2, LLAMA3, LLAMA3.replace("{1,3}", ""), GPT4O, KIMI, BLOOM, r"\p{N}{1,3}+", r"(\p{L}\p{M}*){2}", r"\w+|[^\w\s]+",
            r"[^\W_]+", r"\bl", r"\d", r"[\d\-a-c]", r"$", r"^.", r"\h+", r"[\S&&[^a-m]]", r"\P{L}+", r"\p{^L}", r"(?m:r.)",
            r"x?", r"\u4e16|\x{754c}", r"[\p{Lu}\P{L}]", r"[^\S\n]+", r"\s{2,}", r"(?<=e)r(?!e)", r"(?<w>l)ow", "[]a]", r"[a&&b]",
            r"\A.|.\z", r"o{,2}w", r"(?i:STRASSE|straße)", r"\p{Greek}+|\p{Hiragana}|\p{Cyrillic}"]


def make_texts(count: int, seed: int, longest: int = 9) -> list[str]:
    generator = random.Random(seed)
    texts = []
    while len(texts) < count:
        text = generator.choice(EDGES)
        for _ in range(generator.randint(1, longest)):
            text += generator.choice(WORDS)
            if generator.random() < 0.04:
                point = generator.randrange(0x20, 0x30000)
                text += chr(point) if not 0xD800 <= point < 0xE000 else ""
            text += generator.choice(GAPS)
        texts.append(text.rstrip(" ") + generator.choice(EDGES))
    return texts


def train(model, trainer, corpus, normalizer=None, pre=None) -> dict:
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre:
        tokenizer.pre_tokenizer = pre
    tokenizer.train_from_iterator(corpus, trainer)
    return json.loads(tokenizer.to_str())


def added(tokens: list[dict], base: dict) -> list[dict]:
    """Entries of "added_tokens": ids of the vocabulary, else new ones after it."""
    vocab = base["model"]["vocab"]
    known = dict(vocab) if isinstance(vocab, dict) else {text: i for i, (text, _) in enumerate(vocab)}
    following = max(known.values()) + 1
    entries = []
    for token in tokens:
        entry = {"id": known.get(token["content"], following), "single_word": False, "lstrip": False, "rstrip": False,
                 "normalized": False, "special": False} | token
        following += entry["id"] == following
        entries.append(entry)
    return sorted(entries, key=lambda entry: entry["id"])


def make_bases() -> dict:
    corpus = make_texts(300, 1)
    quiet = {"show_progress": False}
    bytes_bpe = train(models.BPE(), trainers.BpeTrainer(vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                                        special_tokens=["<s>", "</s>"], **quiet), corpus,
                      pre=pre_tokenizers.ByteLevel(add_prefix_space=False))
    char_bpe = train(models.BPE(unk_token="<unk>", fuse_unk=True),
                     trainers.BpeTrainer(vocab_size=260, special_tokens=["<unk>", "<s>", "</s>"], limit_alphabet=90, **quiet),
                     corpus, pre=pre_tokenizers.Metaspace())
    word_bpe = train(models.BPE(unk_token="<unk>", continuing_subword_prefix="##", end_of_word_suffix="</w>"),
                     trainers.BpeTrainer(vocab_size=260, special_tokens=["<unk>"], limit_alphabet=70,
                                         continuing_subword_prefix="##", end_of_word_suffix="</w>", **quiet),
                     corpus, pre=pre_tokenizers.Whitespace())
    unigram = train(models.Unigram(), trainers.UnigramTrainer(vocab_size=240, special_tokens=["<unk>", "<s>", "</s>"],
                                                              unk_token="<unk>", **quiet), corpus, pre=pre_tokenizers.Metaspace())
    # Scores with few digits: the fixture stays small, and no two paths are equal by rounding.
    unigram["model"]["vocab"] = [[text, round(score, 4)] for text, score in unigram["model"]["vocab"] if len(text) < 12]
    wordpiece = train(models.WordPiece(unk_token="[UNK]"),
                      trainers.WordPieceTrainer(vocab_size=240, special_tokens=["[UNK]", "[CLS]", "[SEP]", "[MASK]"],
                                                limit_alphabet=80, **quiet),
                      corpus, normalizer=normalizers.BertNormalizer(), pre=pre_tokenizers.BertPreTokenizer())
    words = train(models.WordLevel(unk_token="[UNK]"), trainers.WordLevelTrainer(vocab_size=60, special_tokens=["[UNK]", "<s>"], **quiet),
                  corpus, pre=pre_tokenizers.Whitespace())
    return {"bytes": bytes_bpe, "chars": char_bpe, "prefixed": word_bpe, "unigram": unigram, "wordpiece": wordpiece, "words": words}


def with_byte_tokens(base: dict) -> dict:
    """The model of a base with "<0x00>" to "<0xFF>" at the end and byte fallback."""
    model = json.loads(json.dumps(base["model"]))
    names = [f"<0x{byte:02X}>" for byte in range(256)]
    if isinstance(model["vocab"], dict):
        first = max(model["vocab"].values()) + 1
        model["vocab"] |= {name: first + i for i, name in enumerate(names) if name not in model["vocab"]}
    else:
        model["vocab"] += [[name, -30.0] for name in names]
    model["byte_fallback"] = True
    return model


def char_map() -> str:
    """A SentencePiece character map of a few entries as a double array, built naively."""
    entries = {"ﬁ": "fi", "①": "1", "½": "1⁄2", "\u3000": " ", "\n": " ", "\t": " ", "e\u0301": "é", "３": "3", "\u00ad": "", "Ⅷ": "VIII"}
    texts, offsets = b"", {}
    for key, value in entries.items():
        offsets[key] = len(texts)
        texts += value.encode() + b"\0"
    children: dict = {}
    for key in entries:
        node = children
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[0] = offsets[key]
    units = [0] * 4096
    taken = [False] * 4096
    taken[0] = True

    def place(node: dict, at: int) -> None:
        base = next(b for b in range(1, 2048) if not any(taken[b ^ byte] for byte in node) and not taken[b])
        offset = at ^ base
        assert offset < 1 << 21
        units[at] |= offset << 10 | (0x100 if 0 in node else 0)
        for byte in node:
            taken[base ^ byte] = True
        for byte, child in node.items():
            if byte == 0:
                units[base] = child | 0x80000000
            else:
                units[base ^ byte] |= byte
                place(child, base ^ byte)

    place(children, 0)
    blob = struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + texts
    while len(units) > 256 and units[-1] == 0:
        units.pop()
    blob = struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + texts
    return base64.b64encode(blob).decode()


def normalizer_list() -> list[dict]:
    plain = [{"type": kind} for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")]
    bert = [{"type": "BertNormalizer", "clean_text": a, "handle_chinese_chars": b, "strip_accents": c, "lowercase": d}
            for a, b, c, d in ((True, True, None, True), (False, True, None, False), (True, False, True, False), (True, True, False, True))]
    return plain + bert + [
        {"type": "Strip", "strip_left": True, "strip_right": False}, {"type": "Strip", "strip_left": False, "strip_right": True},
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, {"type": "Replace", "pattern": {"String": "low"}, "content": "HIGH"},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}, {"type": "Replace", "pattern": {"Regex": "[aeiou]"}, "content": ""},
        {"type": "Prepend", "prepend": "▁"}, {"type": "Precompiled", "precompiled_charsmap": char_map()},
        {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}, {"type": "StripAccents"}]},
        {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}]


def pre_tokenizer_list() -> list[dict]:
    splits = [{"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False} for pattern in PATTERNS]
    for behavior in ("Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for pattern in ({"String": " "}, {"Regex": r"\s|e"}):
            for invert in (False, True):
                splits.append({"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert})
    splits.append({"type": "Split", "pattern": {"Regex": GPT2}, "behavior": "Removed", "invert": True})
    punctuation = [{"type": "Punctuation", "behavior": kind} for kind in ("Isolated", "Removed", "MergedWithNext", "Contiguous")]
    metaspace = [{"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}
                 for scheme in ("always", "first", "never") for split in (True, False)]
    bytelevel = [{"type": "ByteLevel", "add_prefix_space": a, "trim_offsets": True, "use_regex": b} for a in (True, False) for b in (True, False)]
    return splits + punctuation + metaspace + bytelevel + [
        {"type": "Whitespace"}, {"type": "WhitespaceSplit"}, {"type": "BertPreTokenizer"}, {"type": "CharDelimiterSplit", "delimiter": "e"},
        {"type": "Digits", "individual_digits": True}, {"type": "Digits", "individual_digits": False},
        {"type": "UnicodeScripts"}, {"type": "FixedLength", "length": 3},
        {"type": "Sequence", "pretokenizers": [{"type": "FixedLength", "length": 4}, {"type": "UnicodeScripts"}]},
        {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, bytelevel[2]]},
        {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace[2]]},
        {"type": "Sequence", "pretokenizers": [bytelevel[3], {"type": "Split", "pattern": {"Regex": "Ġ"}, "behavior": "MergedWithNext", "invert": False}]}]


DECODERS = {
    "metaspace": [{"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": True} for scheme in ("always", "first", "never")],
    "fallback": [{"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
                                                   {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}],
    "bytes": [{"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}],
    "wordpiece": [{"type": "WordPiece", "prefix": "##", "cleanup": cleanup} for cleanup in (True, False)],
    "suffix": [{"type": "BPEDecoder", "suffix": "</w>"}, None, {"type": "Strip", "content": "e", "start": 1, "stop": 2},
               {"type": "Replace", "pattern": {"Regex": "[a-e]"}, "content": "*"},
               {"type": "CTC", "pad_token": "<s>", "word_delimiter_token": "e", "cleanup": True},
               {"type": "CTC", "pad_token": "l", "word_delimiter_token": "|", "cleanup": False}],
}
TOOL_TOKENS = [
    [{"content": "<tool>"}, {"content": "tool", "single_word": True}],
    [{"content": "<tool>", "lstrip": True, "rstrip": True}, {"content": "</s>", "special": True, "rstrip": True}],
    [{"content": "low", "normalized": True}, {"content": "lower"}, {"content": "lowe", "normalized": True}],
    [{"content": "TOOL", "normalized": True}, {"content": "Über", "normalized": True, "single_word": True}, {"content": " ", "lstrip": True}],
    [{"content": "<s>", "special": True}, {"content": "<s><tool>", "special": True}, {"content": "[MASK]", "special": True, "lstrip": True}],
    [{"content": "é"}, {"content": "世界"}, {"content": "low er"}, {"content": "mask", "normalized": True, "special": True}],
]


def make_cases(bases: dict) -> list[tuple[str, str, dict]]:
    """(name, base, patch) of every case."""
    cases = [(f"{name} alone", name, {}) for name in bases]
    for i, tokens in enumerate(TOOL_TOKENS):
        for name in ("bytes", "chars", "wordpiece", "unigram"):
            cases.append((f"added {i} {name}", name, {"added_tokens": added(tokens, bases[name])}))
    for i, normalizer in enumerate(normalizer_list()):
        cases.append((f"normalizer {i} {normalizer['type']}", "chars" if i % 2 else "unigram",
                      {"normalizer": normalizer} | ({"pre_tokenizer": None} if i % 3 == 0 else {})))
    lower = {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]}
    for i, tokens in enumerate(TOOL_TOKENS[2:]):
        cases.append((f"added normalized {i}", "unigram", {"normalizer": lower, "added_tokens": added(tokens, bases["unigram"])}))
    strip_first = {"normalizer": {"type": "Strip", "strip_left": True, "strip_right": True},
                   "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}}
    cases.append(("strip then first", "chars", strip_first))
    for i, tokens in enumerate(TOOL_TOKENS[:2]):
        cases.append((f"first after added {i}", "unigram", {"added_tokens": added(tokens, bases["unigram"]), "normalizer": None,
                                                            "pre_tokenizer": strip_first["pre_tokenizer"]}))
    for i, pre in enumerate(pre_tokenizer_list()):
        if i >= 6 and i % 3:
            continue  # all of them are compared piece by piece anyway
        ends_in_bytes = pre["type"] == "ByteLevel" or (pre["type"] == "Sequence" and pre["pretokenizers"][-1]["type"] == "ByteLevel")
        if pre["type"] == "Split":
            pre = {"type": "Sequence", "pretokenizers": [pre, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}
            ends_in_bytes = True
        cases.append((f"pre-tokenizer {i}", "bytes" if ends_in_bytes else "words", {"pre_tokenizer": pre}))
    for name in ("chars", "unigram"):
        cases.append((f"byte fallback {name}", name, {"model": with_byte_tokens(bases[name]), "decoder": DECODERS["fallback"][0]}))
        model = with_byte_tokens(bases[name])
        lacking = {"<0x09>", "<0xE2>"}
        if name == "chars":
            vocab = {text: i for i, text in enumerate(text for text in model["vocab"] if text not in lacking)}
        else:
            vocab = [entry for entry in model["vocab"] if entry[0] not in lacking]
        cases.append((f"some bytes {name}", name, {"model": model | {"vocab": vocab}, "decoder": DECODERS["fallback"][0]}))
    model = json.loads(json.dumps(bases["chars"]["model"]))
    pairs = [merge if isinstance(merge, list) else merge.split(" ") for merge in model["merges"]]
    cases.append(("not fused", "chars", {"model": model | {"fuse_unk": False}}))
    cases.append(("pairs", "chars", {"model": model | {"merges": pairs}}))
    cases.append(("texts", "chars", {"model": model | {"merges": [" ".join(pair) for pair in pairs]}}))
    cases.append(("no unknown", "chars", {"model": model | {"unk_token": None}}))
    cases.append(("no splits", "chars", {"pre_tokenizer": None, "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}}))
    byte_model = json.loads(json.dumps(bases["bytes"]["model"]))
    byte_model["vocab"]["Ġlowest"] = max(byte_model["vocab"].values()) + 1
    cases.append(("ignore merges", "bytes", {"model": byte_model | {"ignore_merges": True}}))
    few_bytes = json.loads(json.dumps(bases["bytes"]["model"]))
    for letter in [text for text in few_bytes["vocab"] if len(text) == 1][::5]:
        if not any(letter in "".join(merge) for merge in few_bytes["merges"]):
            del few_bytes["vocab"][letter]
    cases.append(("bytes without a token", "bytes", {"model": few_bytes}))
    cases.append(("bytes without a token, unknown", "bytes", {"model": few_bytes | {"unk_token": "<s>", "fuse_unk": True}}))
    few = json.loads(json.dumps(bases["wordpiece"]["model"])) | {"max_input_chars_per_word": 5}
    cases.append(("short words", "wordpiece", {"model": few}))
    frames = [
        {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                                                  {"SpecialToken": {"id": "</s>", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}, "</s>": {"id": "</s>", "ids": [1, 1], "tokens": ["</s>", "</s>"]}}},
        {"type": "RobertaProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": True},
        {"type": "BertProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0]}]
    frames.append({"type": "Sequence", "processors": [{"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}, frames[0]]})
    frames.append({"type": "Sequence", "processors": [frames[2], frames[1], frames[0]]})
    changed = {"type": "Replace", "pattern": {"String": "ow"}, "content": "XX"}
    cases.append(("added normalized shown", "wordpiece", {"normalizer": changed, "decoder": DECODERS["wordpiece"][0], "added_tokens": added(
        TOOL_TOKENS[2], bases["wordpiece"])}))
    for i, frame in enumerate(frames):
        cases.append((f"post-processor {i}", "bytes", {"post_processor": frame}))
    for kind, name in (("metaspace", "chars"), ("bytes", "bytes"), ("wordpiece", "wordpiece"), ("suffix", "prefixed")):
        for i, decoder in enumerate(DECODERS[kind]):
            cases.append((f"decoder {kind} {i}", name, {"decoder": decoder, "added_tokens": added(TOOL_TOKENS[5 - i % 2], bases[name])}))
    return cases


def compact(value) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def run_case(case, bases, texts, decode_count) -> dict:
    name, base, patch = case
    tokenizer = Tokenizer.from_str(json.dumps(bases[base] | patch))
    record = {"name": name, "base": base, "patch": patch}
    record["ids"] = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    framed = tokenizer.encode(texts[0]).ids
    if framed != record["ids"][0]:
        record["framed"] = framed
    tokenizer.encode_special_tokens = True
    plain = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    if plain != record["ids"]:
        record["plain"] = plain
    if "decoder" in patch:
        generator = random.Random(5)
        size = tokenizer.get_vocab_size()
        lists = record["ids"][:decode_count] + [[generator.randrange(size) for _ in range(7)] for _ in range(decode_count)]
        record["decoded"] = [[ids, *texts] for ids in lists if (texts := decoded(tokenizer, ids))]
    return record


def decoded(tokenizer, ids: list[int]) -> list[str] | None:
    """Text with and without special tokens; nothing where the package itself fails (Strip beyond a token's end)."""
    try:
        return [tokenizer.decode(ids, skip_special_tokens=False), tokenizer.decode(ids)]
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return None


def step_of(kind, spec: dict):
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, "[UNK]"))
    document = json.loads(tokenizer.to_str()) | {kind: spec}
    return getattr(Tokenizer.from_str(json.dumps(document)), kind)


def step_records(texts: list[str], only: set[str] | None = None) -> dict:
    normalized = []
    for spec in normalizer_list():
        if only and spec["type"] not in only:
            continue
        step = step_of("normalizer", spec)
        normalized.append([spec, texts, [step.normalize_str(text) for text in texts]])
    pieces = []
    for spec in pre_tokenizer_list():
        pattern = spec.get("pattern", {}).get("Regex", "")
        if only and spec["type"] not in only and pattern not in CHARACTER_PATTERNS:
            continue
        step = step_of("pre_tokenizer", spec)
        pieces.append([spec, texts, [[piece for piece, _ in step.pre_tokenize_str(text)] for text in texts]])
    return {"normalized": normalized, "pieces": pieces}


CHARACTER_STEPS = {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "BertNormalizer", "Whitespace", "WhitespaceSplit",
                   "BertPreTokenizer", "Punctuation", "Digits"}
CHARACTER_PATTERNS = {GPT2, r"\w+|[^\w\s]+", r"\d", r"\h+", r"[^\S\n]+", r"\p{Greek}+|\p{Hiragana}|\p{Cyrillic}", r"\P{L}+"}


def every_character() -> list[str]:
    """All characters of the planes that have letters, private and unassigned ones too, 32 in a text."""
    points = [point for point in [*range(1, 0x32400), *range(0xE0000, 0xE0200)] if not 0xD800 <= point < 0xE000]
    return ["a".join(chr(point) for point in points[i:i + 32]) for i in range(0, len(points), 32)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "tests/data/oracles/tokenizer_json.json")
    parser.add_argument("--lines", type=int, default=0)
    parser.add_argument("--characters", action="store_true")
    arguments = parser.parse_args()
    versions = {"tokenizers": tokenizers.__version__}
    if arguments.characters:
        document = {"versions": versions} | step_records(every_character(), CHARACTER_STEPS)
        arguments.out.write_text(compact(document) + "\n")
        return
    bases = make_bases()
    texts = make_texts(arguments.lines or 8, 2, 14 if arguments.lines else 8)
    step_texts = make_texts(arguments.lines or 3, 3)
    document = {"versions": versions, "texts": texts, "bases": bases,
                "cases": [run_case(case, bases, texts, 20 if arguments.lines else 2) for case in make_cases(bases)]}
    document |= step_records(step_texts)
    arguments.out.write_text(compact(document) + "\n")


if __name__ == "__main__":
    main()
