"""Reference tokenizers rebuilt from GGUF metadata with the `tokenizers` package.

Two vocabularies are supported, told apart by `tokenizer.ggml.model` and `tokenizer.ggml.pre`:

* `gpt2` + `smollm`: byte-level BPE. Every numeric code point is isolated first, then the GPT-2
  pattern splits what is left. A byte that the vocabulary does not hold is dropped (the original
  tokenizer names no unknown token); SmolLM2 lacks 21 of the 256 bytes.
* `llama` (Gemma 3): SentencePiece-style BPE with byte fallback. The file lists no merges, so they
  are derived from the vocabulary: each token is cut at every place where both halves are tokens,
  and pairs are ordered by the score of the token they make.

Control tokens (type 3) become special added tokens; user-defined ones (type 4) become plain added
tokens, matched whole in every text. GGUF spells Gemma's runs of blanks with real spaces, and they are
matched in the raw text, before blanks turn into U+2581.
"""

from __future__ import annotations

from pathlib import Path

from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

CONTROL, USER_DEFINED = 3, 4

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL_FILES = {
    "smollm2": REPOSITORY / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf",
    "gemma3": REPOSITORY / "models" / "gemma-3-270m.Q4_K_M.gguf",
}


def read_vocabulary(reader: GGUFReader) -> dict:
    """The `tokenizer.ggml.*` keys of a file, without the prefix."""
    prefix = "tokenizer.ggml."
    return {
        key[len(prefix):]: field.contents()
        for key, field in reader.fields.items()
        if key.startswith(prefix)
    }


def derive_merges(tokens: list[str], scores: list[float]) -> list[tuple[str, str]]:
    """Merges implied by a scored vocabulary, best first; ties keep the order of the halves' ids."""
    ids = {token: index for index, token in enumerate(tokens)}
    ranked = []
    for index, token in enumerate(tokens):
        for cut in range(1, len(token)):
            left, right = ids.get(token[:cut]), ids.get(token[cut:])
            if left is not None and right is not None:
                ranked.append((-scores[index], index, left, right))
    ranked.sort()
    return [(tokens[left], tokens[right]) for _, _, left, right in ranked]


def add_marked_tokens(tokenizer: Tokenizer, vocabulary: dict) -> None:
    """Registers control and user-defined tokens so that they are found whole in the text."""
    pairs = list(zip(vocabulary["tokens"], vocabulary["token_type"]))
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token, kind in pairs if kind == CONTROL]
    )
    tokenizer.add_tokens(
        [AddedToken(token, normalized=False, special=False) for token, kind in pairs if kind == USER_DEFINED]
    )
    if tokenizer.get_vocab_size(with_added_tokens=True) != len(pairs):
        raise ValueError("an added token was not part of the vocabulary")


def build_byte_level(vocabulary: dict) -> Tokenizer:
    if vocabulary["pre"] != "smollm":
        raise ValueError(f"no oracle for the pre-tokenizer {vocabulary['pre']!r}")
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: index for index, token in enumerate(vocabulary["tokens"])},
            merges=[tuple(merge.split(" ")) for merge in vocabulary["merges"]],
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    add_marked_tokens(tokenizer, vocabulary)
    return tokenizer


def build_sentencepiece(vocabulary: dict) -> Tokenizer:
    tokens = vocabulary["tokens"]
    mergeable = [
        token if kind not in (CONTROL, USER_DEFINED) else ""
        for token, kind in zip(tokens, vocabulary["token_type"])
    ]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: index for index, token in enumerate(tokens)},
            merges=derive_merges(mergeable, vocabulary["scores"]),
            unk_token=tokens[vocabulary["unknown_token_id"]],
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    add_marked_tokens(tokenizer, vocabulary)
    return tokenizer


def build_tokenizer(gguf_path: str | Path) -> Tokenizer:
    """The reference tokenizer of one GGUF file."""
    vocabulary = read_vocabulary(GGUFReader(str(gguf_path)))
    builders = {"gpt2": build_byte_level, "llama": build_sentencepiece}
    return builders[vocabulary["model"]](vocabulary)


def encode(tokenizer: Tokenizer, text: str, parse_special: bool = False) -> list[int]:
    """Ids of `text` without BOS or EOS; control tokens are matched only with `parse_special`."""
    tokenizer.encode_special_tokens = not parse_special
    return tokenizer.encode(text, add_special_tokens=False).ids
