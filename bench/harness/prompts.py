"""The prompts: text for Cupel, the reference tokenizer's ids of the same text for the peers.

Made once per model from the text of the perplexity test and kept in the cache folder. Lengths are exact: the longest
run of leading words that fits, then filler words of one token each.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from .config import CACHE, CONTEXT_TOKENS, CONTEXTS, MODELS, ORACLES, PREFILLS, PREFIX_TOKENS, START_TOKENS, TEXT, WARM_UP_TOKENS

FIRST = "The lighthouse keeper climbed the stairs every evening, carrying a small brass lamp and"
FILLER = " the"
# More than are needed, since prompts that a model answers briefly are passed over.
CANDIDATES, STRIDE, DECODE_WORDS = 48, 31, 14


@dataclass(frozen=True)
class Prompt:
    text: str
    ids: list[int]


def fit(text: str, tokens: int, encode) -> Prompt:
    """A prompt of exactly `tokens` tokens that begins with words of `text`, repeated where it is too short."""
    words = text.split()
    while len(words) < tokens:
        words += words
    low, high = 0, tokens
    while low < high:
        middle = (low + high + 1) // 2
        if len(encode(" ".join(words[:middle]))) <= tokens:
            low = middle
        else:
            high = middle - 1
    fitted = " ".join(words[:low])
    while len(ids := encode(fitted)) < tokens:
        fitted += FILLER
    if len(ids) != tokens:
        raise ValueError(f"no prompt of exactly {tokens} tokens can be made of the text")
    return Prompt(fitted, ids)


def candidates_after(prefix: Prompt | None, words: list[str], encode) -> list[Prompt]:
    """Short prompts of different lengths; after a prefix, those whose ids begin with the prefix's."""
    texts = [] if prefix else [FIRST]
    for index in range(CANDIDATES):
        count = 6 + index % 5 if prefix else DECODE_WORDS
        texts.append(" ".join(words[index * STRIDE:index * STRIDE + count]))
    made = [Prompt(text, encode(text)) for text in ([f"{prefix.text} {text}" for text in texts] if prefix else texts)]
    return [prompt for prompt in made if not prefix or prompt.ids[:len(prefix.ids)] == prefix.ids]


def make(encode, text: str) -> dict:
    """All prompts as JSON: kind → prompt, list of prompts, or length → prompt."""
    words = text.split()
    prefix = fit(text, PREFIX_TOKENS, encode)
    prompts = {
        "decode": candidates_after(None, words, encode),
        "prefill": {str(n): fit(text, n, encode) for n in PREFILLS},
        "context": {str(n): fit(text, n - CONTEXT_TOKENS, encode) for n in CONTEXTS},
        "prefix": prefix,
        "shared": candidates_after(prefix, words, encode),
        "start": fit(FIRST, START_TOKENS, encode),
        "warm_up": fit(text, WARM_UP_TOKENS, encode),
    }
    return json.loads(json.dumps(prompts, default=lambda prompt: prompt.__dict__))


def reference_encoder(name: str):
    """Text → ids with BOS where the vocabulary asks for it. Needs the packages gguf and tokenizers."""
    sys.path.insert(0, str(ORACLES))
    from gguf import GGUFReader
    from gguf_tokenizers import build_tokenizer, encode, read_vocabulary

    path = MODELS[name].path
    vocabulary = read_vocabulary(GGUFReader(str(path)))
    # SentencePiece vocabularies begin with BOS unless the file says otherwise, byte-level ones only if it does.
    begins = vocabulary.get("add_bos_token", vocabulary["model"] == "llama")
    start = [vocabulary["bos_token_id"]] if begins else []
    tokenizer = build_tokenizer(path)
    return lambda text: start + encode(tokenizer, text)


def load(name: str) -> dict:
    """The prompts of one model, made on first use and again when the text, this file or the model changes."""
    state = MODELS[name].path.stat()
    digest = hashlib.sha256(TEXT.read_bytes() + Path(__file__).read_bytes() +
                            Path(__file__).with_name("config.py").read_bytes())
    digest.update(f"{state.st_size} {state.st_mtime_ns}".encode())
    kept = CACHE / f"prompts-{name}-{digest.hexdigest()[:16]}.json"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".tmp")
        partial.write_text(json.dumps(make(reference_encoder(name), TEXT.read_text(encoding="utf-8"))), encoding="utf-8")
        partial.rename(kept)
    made = json.loads(kept.read_text(encoding="utf-8"))

    def revive(value):
        if isinstance(value, list):
            return [Prompt(**item) for item in value]
        if "ids" in value:
            return Prompt(**value)
        return {int(length): Prompt(**item) for length, item in value.items()}

    return {kind: revive(value) for kind, value in made.items()}
