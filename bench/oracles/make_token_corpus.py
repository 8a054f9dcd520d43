#!/usr/bin/env python3
"""Writes a deterministic corpus of varied lines for comparing tokenizers.

    python make_token_corpus.py --lines 10000 --out corpus.jsonl [--seed 1]

Each line is {"text": "..."}; about one in twenty-five also carries "parse_special": true. The texts
come from the generators below (word lists, Unicode ranges, templates), never from other documents.
The same seed and count give the same bytes: only `random.Random.random()` is drawn from, whose
sequence Python keeps stable.
"""

from __future__ import annotations

import argparse
import json
import random
import unicodedata
from typing import Callable

WORDS = {
    "english": """river copper lantern quickly under seventeen Monday gather softly bright window
        engine measure nobody thought through yellow kitchen ordinary weather Saturday mountain believe
        though friend science question language always never because winter garden bridge letter carry
        morning history paper silver between against forest signal pattern ocean travel answer simple
        internationalization counterrevolutionary misunderstanding electroencephalogram""",
    "french": "l'été où garçon naïve cœur élève déjà aujourd'hui fenêtre peut-être français hôpital",
    "german": "Straße über größer Mädchen Übung Donaudampfschifffahrt Äpfel weiß Zürich möglich",
    "spanish": "mañana corazón niño ¿cómo? ¡hola! pingüino así lingüística España canción",
    "polish": "żółć źdźbło chrząszcz łódź gęś święto ciąg pięć śnieg",
    "czech": "příliš žluťoučký kůň úpěl ďábelské ódy řeka",
    "turkish": "İstanbul ışık çiçek göğüs şeker ağaç ılık",
    "romanian": "țară știință mâine băiat încă ştiinţă",
    "vietnamese": "tiếng Việt đường phố nước người được không những",
    "icelandic": "þögn Ísland ævintýri hjörð ðáða",
    "russian": "река медь фонарь быстро Москва ёжик подъезд объявление вечер",
    "ukrainian": "їжак ґанок щастя річка м'ята Київ",
    "greek": "θάλασσα ελιά φως Ελλάδα ημέρα ψυχή ΐ ἀρχὴ",
    "armenian": "գետ լույս Հայաստան մայր",
    "georgian": "მდინარე სინათლე თბილისი",
    "hebrew": "שלום נהר אור יְרוּשָׁלַיִם ספר",
    "arabic": "نهر ضوء كتاب مدرسة السَّلامُ عليكم ٱلْقَمَر",
    "persian": "رودخانه می‌خواهم کتاب‌ها روشنایی",
    "urdu": "دریا روشنی کتاب ہے",
    "hindi": "नदी प्रकाश किताब हिन्दी क्षत्रिय ज्ञान",
    "bengali": "নদী আলো বই বাংলা",
    "tamil": "ஆறு ஒளி புத்தகம் தமிழ்",
    "telugu": "నది వెలుగు పుస్తకం తెలుగు",
    "thai": "แม่น้ำ แสงสว่าง หนังสือ ภาษาไทย",
    "lao": "ແມ່ນ້ໍາ ແສງ",
    "burmese": "မြစ် အလင်း စာအုပ်",
    "khmer": "ទន្លេ ពន្លឺ សៀវភៅ",
    "tibetan": "གཙང་པོ འོད་ དཔེ་ཆ",
    "amharic": "ወንዝ ብርሃን መጽሐፍ",
    "chinese": "河流 光 书 今天 天气 很好 我们 一起 去 图书馆 銀河 龍 體驗",
    "japanese": "川 ひかり 本 カタカナ ラーメン 東京タワー 々 ｶﾅ ー 食べる",
    "korean": "강 빛 책 서울 안녕하세요 한국어 읽습니다",
    "mongolian": "ᠮᠣᠩᠭᠣᠯ гол ном",
    "cherokee": "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ",
}
WORDS = {language: text.split() for language, text in WORDS.items()}

SPACES = ["\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2007", "\u2009", "\u200a",
          "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u0085", "\u000b", "\u000c", "\u001c",
          "\u001f"]
INVISIBLES = ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200e", "\u200f", "\u202e",
              "\u2066", "\u2069", "\ufe0f", "\u034f"]
MARKS = ["\u0300", "\u0301", "\u0302", "\u0303", "\u0308", "\u030a", "\u0323", "\u0327", "\u0328",
         "\u0332", "\u0489", "\u05b0", "\u064e", "\u0651", "\u093c", "\u3099", "\u20d7", "\u20e3"]
EMOJI = ["😀", "🎉", "❤️", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇫🇷", "🇯🇵", "1️⃣", "#️⃣", "👨🏿‍🚀", "🫠", "🧑‍💻",
         "☕", "✈️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "♟︎", "🤷‍♀️", "👩🏻‍🤝‍👨🏾", "🐈‍⬛", "🫱🏼‍🫲🏿"]
PUNCTUATION = list(".,;:!?-_/\\|@#$%^&*+=~`'\"()[]{}<>") + ["…", "—", "–", "“", "”", "‘", "’", "«", "»",
               "¿", "¡", "。", "、", "「", "」", "！", "？", "·", "•", "§", "¶", "†", "°", "€", "£", "₿",
               "©", "™", "→", "⇒", "≤", "≠", "∑", "√", "∞", "█", "░", "┌", "─"]
NUMERALS = ["٠١٢٣", "०१२", "１２３", "½", "¾", "²", "³", "Ⅷ", "ⅻ", "①", "⑳", "௧", "৪২", "〇", "㊿", "𝟘𝟙𝟚",
            "₅", "¹⁰", "𐄇", "๙"]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'RE", "'LL", "’s", "’t", "'em",
                "'n'", "'all", "''s", "'", "'dl"]
SPECIALS = ["<s>", "</s>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<bos>", "<eos>", "<pad>",
            "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>", "[INST]", "<<SYS>>", "<|", "|>",
            "<|im_start", "im_end|>", "<0x0A>", "<0xFF>", "<unused0>", "<unused99>", "<unused6241>",
            "[multimodal]", "<start_of_image>", "<end_of_image>", "<repo_name>", "<reponame>",
            "<file_sep>", "<filename>", "<gh_stars>", "<issue_start>", "<jupyter_code>",
            "<empty_output>", "<|IM_START|>", "<|im_start|", "< bos>",
            "<table>", "</td>", "<h1>", "</strong>", "<br>", "<TABLE>", "<iframe>"]
CODE = [
    "def {a}({b}, *, {c}=None):\n    return {b}[{n}:] + {c}  # {w}",
    "for (int {a} = 0; {a} < {n}; ++{a}) {{\n\t{b}[{a}] += {x}f;\n}}",
    "const {a} = async ({b}) => {{ await {c}({{ {b}, id: `${{{n}}}` }}); }};",
    "SELECT {a}, COUNT(*) FROM {b} WHERE {c} >= {n} GROUP BY {a} ORDER BY 2 DESC;",
    "#include <{a}>\nstd::vector<std::pair<int, {b}_t>> {c}{{{{{n}, nullptr}}}};",
    "fn {a}<'a, T: Into<{b}>>(x: &'a mut T) -> Result<(), Box<dyn {c}>> {{ Ok(()) }}",
    "if [[ -n \"${{{a}:-}}\" && $# -gt {n} ]]; then\n  echo \"$1\" | sed 's/{b}/{c}/g' >> /tmp/{w}.log\nfi",
    "{{\"{a}\": [{n}, {x}, null, true], \"{b}\": {{\"{c}\": \"{w}\\n\"}}}}",
    "<div class=\"{a}-{b}\" id='{c}{n}'>\n  <p>{w} &amp; {w}</p>\n</div>",
    "  - name: {a}\n    {b}: \"{w}\"\n    retries: {n}\n",
    "\\begin{{{a}}} \\frac{{{n}}}{{\\sqrt{{{x}}}}} \\leq \\sum_{{{b}=0}}^\\infty {c}_{b} \\end{{{a}}}",
    "0x{h} & ~(1u << {n}) | {x}e-{n} != 0b{y}",
    "| {a} | {b} |\n|---|---:|\n| {n} | **{w}** |\n",
    "@@ -{n},7 +{n},9 @@ {a}\n-    {b}\n+        {c}\n",
    "https://{a}.example/{b}?q={c}%20{w}&page={n}#s{n}",
    "C:\\{a}\\{b}_{n}.txt  ~/.{c}/*.{{json,toml}}",
    "class {A}{B}(Base):\r\n\tdef __init__(self):\r\n\t\tself.{c}_ = {n}\r\n",
]
# Blocks of long-settled letters and symbols, so that no answer depends on the Unicode version.
RANGES = [(0x21, 0x7E), (0xA1, 0x17F), (0x370, 0x3FF), (0x400, 0x4FF), (0x531, 0x556), (0x561, 0x586), (0x5D0, 0x5EA),
          (0x621, 0x64A), (0x904, 0x939), (0xE01, 0xE3A), (0x10D0, 0x10F0), (0x1E00, 0x1EFF),
          (0x2010, 0x2027), (0x2030, 0x205E), (0x20A0, 0x20B5), (0x2190, 0x22FF), (0x2460, 0x24FF),
          (0x2500, 0x26FF), (0x3041, 0x3096), (0x30A1, 0x30FA), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3),
          (0xFF01, 0xFF5E), (0x10330, 0x1034A), (0x1D400, 0x1D4FF), (0x1F600, 0x1F64F), (0x20000, 0x2A6D6)]
# SmolLM2's vocabulary misses some of these bytes, Gemma falls back to byte tokens for them.
CONTROLS = [chr(code) for code in (0, 1, 2, 3, 4, 6, 7, 8, 0x0E, 0x13, 0x14, 0x16, 0x1B, 0x1D, 0x7F, 0x80,
                                   0x9F)] + ["\ufffd", "\ufffe", "\U00040000", "\U0010ffff", "\ue000"]


class Draws:
    """Random choices that use `random()` only."""

    def __init__(self, seed: int):
        self.source = random.Random(seed)

    def below(self, limit: int) -> int:
        return int(self.source.random() * limit)

    def between(self, low: int, high: int) -> int:
        return low + self.below(high - low + 1)

    def pick(self, items):
        return items[self.below(len(items))]

    def chance(self, probability: float) -> bool:
        return self.source.random() < probability

    def many(self, low: int, high: int, make: Callable[[], str], joiner: str = "") -> str:
        return joiner.join(make() for _ in range(self.between(low, high)))


def word(draws: Draws, language: str = "english") -> str:
    return draws.pick(WORDS[language])


def cased(draws: Draws, text: str) -> str:
    return draws.pick([str, str, str, str.capitalize, str.upper, str.title, str.swapcase])(text)


def number(draws: Draws) -> str:
    digits = draws.many(1, draws.pick([1, 2, 3, 4, 7, 12, 24]), lambda: draws.pick("0123456789"))
    return draws.pick([digits, digits, "-" + digits, digits + "." + digits[::-1], f"{int(digits):,}",
                       digits + "%", "$" + digits, digits + "th", "0" + digits, digits + "e" + digits[:2],
                       "v" + digits + ".0", digits[:2] + ":" + digits[-2:], "+1 " + digits])


def english(draws: Draws) -> str:
    def piece() -> str:
        text = cased(draws, word(draws))
        if draws.chance(0.12):
            text += draws.pick(CONTRACTIONS)
        if draws.chance(0.1):
            text = number(draws)
        if draws.chance(0.15):
            text += draws.pick(PUNCTUATION)
        return text

    return draws.many(1, 18, piece, " ") + draws.pick([".", "!", "?", "", "...", ' "', "?!"])


def language(draws: Draws) -> str:
    name = draws.pick(list(WORDS))
    joiner = draws.pick(["", " "]) if name in ("chinese", "japanese", "thai", "lao", "khmer") else " "
    return draws.many(1, 9, lambda: word(draws, name), joiner) + draws.pick(["", ".", "。", "؟", " !", "…"])


def mixed_languages(draws: Draws) -> str:
    return draws.many(2, 8, lambda: word(draws, draws.pick(list(WORDS))), draws.pick([" ", "", ", ", "-"]))


def digits(draws: Draws) -> str:
    return draws.many(1, 8, lambda: number(draws) if draws.chance(0.8) else draws.pick(NUMERALS),
                      draws.pick([" ", "", ", ", "  ", "/", " x"]))


def blank(draws: Draws) -> str:
    return draws.pick([" ", "  ", "   ", " " * draws.between(1, 31), "\t", "\t\t", "\t" * draws.between(1, 31),
                       "\n", "\n\n", "\n" * draws.between(1, 31), "\r\n", "\r", "\r\n\r\n", " \n", "\n ",
                       " \t", "\t ", "\n\t", "  \n  "])


def whitespace(draws: Draws) -> str:
    text = draws.many(1, 7, lambda: cased(draws, word(draws)) + (
        blank(draws) if draws.chance(0.85) else draws.pick(SPACES)))
    return (blank(draws) if draws.chance(0.4) else "") + (text if draws.chance(0.6) else text.rstrip())


def unicode_spaces(draws: Draws) -> str:
    return draws.many(1, 7, lambda: draws.pick([word(draws), number(draws), "", draws.pick(PUNCTUATION)])
                      + draws.many(1, 2, lambda: draws.pick(SPACES + [" "])))


def invisibles(draws: Draws) -> str:
    return draws.many(1, 6, lambda: word(draws) + draws.pick(INVISIBLES) + draws.pick(["", " ", "x"]))


def emoji(draws: Draws) -> str:
    return draws.many(1, 7, lambda: draws.pick(EMOJI) if draws.chance(0.7) else word(draws),
                      draws.pick(["", " ", "  "]))


def combining(draws: Draws) -> str:
    def marked() -> str:
        base = draws.pick("aeiounscAEZяи") + draws.many(1, 3, lambda: draws.pick(MARKS))
        return base + (word(draws)[:3] if draws.chance(0.5) else "")

    text = draws.many(1, 8, marked, draws.pick(["", " "]))
    return unicodedata.normalize(draws.pick(["NFC", "NFD"]), text) if draws.chance(0.3) else text


def code(draws: Draws) -> str:
    def name() -> str:
        parts = [word(draws).lower() for _ in range(draws.between(1, 3))]
        return draws.pick(["_".join(parts), parts[0] + "".join(p.capitalize() for p in parts[1:])])

    return draws.pick(CODE).format(
        a=name(), b=name(), c=name(), w=word(draws), A=word(draws).capitalize(), B=word(draws).capitalize(),
        n=draws.below(10 ** draws.between(1, 5)), x=f"{draws.below(10000) / 100:.2f}",
        h=f"{draws.below(1 << 32):08X}", y=f"{draws.below(256):08b}")


def punctuation(draws: Draws) -> str:
    def run() -> str:
        mark = draws.pick(PUNCTUATION)
        return mark * draws.pick([1, 1, 1, 2, 3, 4, 8, draws.between(1, 40)])

    return draws.many(1, 8, run, draws.pick(["", " ", ""]))


def repeats(draws: Draws) -> str:
    unit = draws.pick([word(draws), draws.pick("abcxyzAEO0"), draws.pick(EMOJI), draws.pick(PUNCTUATION),
                       word(draws, "chinese"), "ha", "ab", "=-", "_"])
    return draws.pick(["", " ", "x"]) + unit * draws.between(2, 40)


def specials(draws: Draws) -> str:
    return draws.many(1, 6, lambda: draws.pick(SPECIALS) if draws.chance(0.6) else
                      draws.pick([word(draws), blank(draws), number(draws)]), draws.pick(["", " "]))


def random_scripts(draws: Draws) -> str:
    low, high = draws.pick(RANGES)
    while True:
        text = draws.many(1, 24, lambda: chr(draws.between(low, high)) if draws.chance(0.9) else " ")
        if all(unicodedata.category(symbol) != "Cn" for symbol in text):
            return text


def random_mix(draws: Draws) -> str:
    def symbol() -> str:
        while True:
            candidate = chr(draws.between(*draws.pick(RANGES)))
            if unicodedata.category(candidate) != "Cn":
                return candidate

    return draws.many(1, 24, symbol)


def controls(draws: Draws) -> str:
    return draws.many(1, 8, lambda: draws.pick(CONTROLS) if draws.chance(0.5) else draws.pick(["a", " ", "9", "é"]))


def contractions(draws: Draws) -> str:
    return draws.many(1, 7, lambda: cased(draws, word(draws)) + draws.pick(CONTRACTIONS), draws.pick([" ", "", "  "]))


def glued(draws: Draws) -> str:
    parts = [english, digits, emoji, whitespace, punctuation, language, code, unicode_spaces, specials]
    return draws.many(2, 4, lambda: draws.pick(parts)(draws)[: draws.between(1, 40)])


# Generator and its weight.
KINDS = [(english, 14), (language, 12), (mixed_languages, 6), (digits, 8), (whitespace, 9),
         (unicode_spaces, 4), (invisibles, 2), (emoji, 5), (combining, 4), (code, 10), (punctuation, 6),
         (repeats, 3), (specials, 4), (random_scripts, 4), (random_mix, 3), (controls, 1),
         (contractions, 3), (glued, 6)]


def make_records(count: int, seed: int) -> list[dict]:
    """`count` records with distinct texts."""
    draws = Draws(seed)
    deck = [kind for kind, weight in KINDS for _ in range(weight)]
    records, seen = [], set()
    while len(records) < count:
        kind = draws.pick(deck)
        record = {"text": kind(draws)}
        if kind is specials and draws.chance(0.7) or kind is glued and draws.chance(0.2):
            record["parse_special"] = True
        key = (record["text"], "parse_special" in record)
        if key not in seen:
            seen.add(key)
            records.append(record)
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10000)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with open(options.out, "w", encoding="utf-8", newline="\n") as out:
        for record in make_records(options.lines, options.seed):
            out.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
