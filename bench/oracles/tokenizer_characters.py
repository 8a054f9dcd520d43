#!/usr/bin/env python3
"""Writes src/engine/tokenizer/json/unicode_exceptions.def: characters that `tokenizers` knows otherwise than utf8proc, and
unicode_scripts.def beside it: which characters its UnicodeScripts step takes for one script.

    python bench/oracles/tokenizer_characters.py

The package's normalizers and its punctuation splitter stand on older tables than the libraries of Cupel do. Every
character is tried with the package (version: requirements.txt) and asked of libutf8proc.so.2.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import tokenizers
from tokenizers import normalizers, pre_tokenizers

OUT = Path(__file__).resolve().parent.parent.parent / "src/engine/tokenizer/json/unicode_exceptions.def"
POINTS = [point for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000]
utf8proc = ctypes.CDLL("libutf8proc.so.2")
utf8proc.utf8proc_category_string.restype = ctypes.c_char_p
utf8proc.utf8proc_tolower.restype = ctypes.c_int32


def category(point: int) -> str:
    return utf8proc.utf8proc_category_string(point).decode()


def decomposed(point: int, compatible: bool) -> str:
    text = chr(point).encode()
    out = ctypes.POINTER(ctypes.c_ubyte)()
    options = 1 << 1 | 1 << 4 | (1 << 2 if compatible else 0)  # STABLE, DECOMPOSE, COMPAT
    length = utf8proc.utf8proc_map(text, ctypes.c_ssize_t(len(text)), ctypes.byref(out), options)
    return bytes(out[:length]).decode()


def ranges(points) -> list[list[int]]:
    found: list[list[int]] = []
    for point in sorted(points):
        if found and found[-1][1] == point - 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return found


def scripts() -> list[list[int]]:
    """[first, last, number] of all characters that have a script there; blanks and unassigned ones go with any."""
    step = pre_tokenizers.UnicodeScripts()

    def splits(first: str, second: str) -> bool:
        return len(step.pre_tokenize_str(first + second)) > 1

    found: list[list[int]] = []
    members: list[str] = []  # one of each script
    for point in [0, *POINTS]:
        char = chr(point)
        if not splits("a", char) and not splits("\u044f", char):
            continue
        last = found[-1] if found else [0, 0, 0]
        if last[2] and not splits(members[last[2] - 1], char):
            number = last[2]
        else:
            number = next((i + 1 for i, member in enumerate(members) if not splits(member, char)), 0)
        if number == 0:
            members.append(char)
            number = len(members)
        if last[2] == number and last[1] == point - 1:
            last[1] = point
        else:
            found.append([point, point, number])
    return found


def write_scripts() -> None:
    lines = [f"// The scripts that the step UnicodeScripts of tokenizers {tokenizers.__version__} tells apart, by numbers without meaning;",
             "// Hiragana and Katakana are Han there. CUPEL_SCRIPT(first, last, script), ascending; characters that are in none",
             "// (the blank, what its tables do not know) go with any. Written by bench/oracles/tokenizer_characters.py.", ""]
    lines += [f"CUPEL_SCRIPT(0x{first:X}, 0x{last:X}, {number})" for first, last, number in scripts()]
    (OUT.parent / "unicode_scripts.def").write_text("\n".join(lines) + "\n")


def main() -> None:
    write_scripts()
    bert = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    removed_by = {"kMark": normalizers.StripAccents(), "kNonspacing": normalizers.BertNormalizer(**bert | {"strip_accents": True}),
                  "kOther": normalizers.BertNormalizer(**bert | {"clean_text": True})}
    ours = {"kMark": lambda c: category(c)[0] == "M", "kNonspacing": lambda c: category(c) == "Mn",
            "kOther": lambda c: category(c) in ("Cc", "Cf", "Co") and c not in (9, 10, 13) or c == 0xFFFD,
            "kPunctuation": lambda c: category(c)[0] == "P" and c >= 0x80}
    exceptions = {kind: [c for c in POINTS if (step.normalize_str(chr(c)) == "") != ours[kind](c)] for kind, step in removed_by.items()}
    split = pre_tokenizers.Punctuation()
    exceptions["kPunctuation"] = [c for c in POINTS if c >= 0x80 and (len(split.pre_tokenize_str(f"a{chr(c)}a")) == 3) != ours["kPunctuation"](c)]
    digits = pre_tokenizers.Digits()
    exceptions["kNumber"] = [c for c in POINTS if (len(digits.pre_tokenize_str(f"a{chr(c)}a")) == 3) != (category(c)[0] == "N")]
    exceptions["kKeptByNfd"] = [c for c in POINTS if normalizers.NFD().normalize_str(chr(c)) != decomposed(c, False)]
    exceptions["kKeptByNfkd"] = [c for c in POINTS if normalizers.NFKD().normalize_str(chr(c)) != decomposed(c, True)]
    for c in exceptions["kKeptByNfd"] + exceptions["kKeptByNfkd"]:
        assert normalizers.NFKD().normalize_str(chr(c)) == chr(c)
    lower = normalizers.Lowercase()
    mapped = {c: ord(text) for c in POINTS if len(text := lower.normalize_str(chr(c))) == 1 and ord(text) != utf8proc.utf8proc_tolower(c)}
    lines = ["// Characters that tokenizers " + tokenizers.__version__ + " knows otherwise than utf8proc 2.8, because its tables are older (or, of lower",
             "// case, newer). CUPEL_EXCEPTION(kind, first, last): the answer for the kind is the opposite. CUPEL_LOWER(first,",
             "// last, lower): these characters have a lower case, the first one's is `lower`. Written by",
             "// bench/oracles/tokenizer_characters.py; keep the kinds together.", ""]
    for kind, points in exceptions.items():
        lines += [f"CUPEL_EXCEPTION({kind}, 0x{first:X}, 0x{last:X})" for first, last in ranges(points)]
    for first, last in ranges(mapped):
        at = first
        for c in range(first, last + 1):  # cut where the distance changes
            if c == last or mapped[c + 1] - mapped[c] != 1:
                lines.append(f"CUPEL_LOWER(0x{at:X}, 0x{c:X}, 0x{mapped[at]:X})")
                at = c + 1
    OUT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
