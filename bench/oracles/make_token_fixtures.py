#!/usr/bin/env python3
"""Writes tokens_smollm2.jsonl, tokens_gemma3.jsonl and tokens_disputed.jsonl.

Texts: the hand-picked cases below, then lines of the corpus generator up to the wanted counts. A text
enters a model's fixture when the reference tokenizer and llama.cpp (for Gemma SentencePiece too) give
the same ids. The others go to tokens_disputed.jsonl with every answer, for people to decide on.

Fields: "text", "ids" (no BOS or EOS), "parse_special" (present and true where control tokens are
parsed), "lossy" (present and true where decoding the ids does not give the text back).
"""

from __future__ import annotations

from check_tokenizers import LlamaCppTokenizer, build_sentencepiece_processor
from fixtures import versions_record, write_jsonl
from gguf_tokenizers import MODEL_FILES, build_tokenizer, encode
from make_token_corpus import make_records

PLAIN_COUNT, SPECIAL_COUNT, SEED = 400, 40, 2

PLAIN = [
    "", " ", "  ", "   ", "    ", " " * 16, " " * 31, " " * 32, " " * 33, " " * 70,
    "\n", "\n\n", "\n\n\n", "\n" * 31, "\n" * 32, "\n" * 40, "\t", "\t\t", "\t" * 31, "\t" * 35, "\r", "\r\n",
    "\r\n\r\n", "\n\r", " \n", "\n ", " \n \n ", "\t \t", " \t\n\r\n \t", "a\n", "a \n b", "a\n\n b\n",
    "x  y", "x   y", " x", "  x", "   x", "x ", "x  ", "x\t", "x \t y", "\tx", "\n\tx\n\t\ty", "a" + " " * 40 + "b",
    "Hello", "hello world", "Hello, World!", " Hello", "HELLO WORLD", "hElLo WoRlD", "a", "A", "é", "ß",
    "I'm you're he's we've they'll she'd can't", "I'M YOU'RE HE'S WE'VE THEY'LL SHE'D CAN'T",
    "it’s don’t y’all", "'s", " 's", "''s", "rock'n'roll", "o'clock's", "'tis 'twas", "x's 1's é's",
    "0", "1", "10", "123", "1234567890", " 1", "  1", "1 2 3", "1  2", "3.14159", "1,234,567", "-42", "+7", "1e-5",
    "0x1F", "v2.10.3", "2024-02-29T23:59:59Z", "192.168.0.1", "a1b2c3", "x1", "1x", "10%", "$5.00", "№5", "½ cup",
    "x²+y³", "Ⅷ ⅻ", "①②③", "٣٤٥", "१२३", "１２３", "𝟘𝟙𝟚", "1½", "90°", "٫٣", "1st 2nd 3rd",
    "C3PO and R2-D2", "AND(1,2)||OR[3]", "1\n2\n3", "1\t2", "a 1", "a  1", "a\n1",
    "caf\u00e9", "cafe\u0301", "e\u0301\u0302\u0323", "\u0301", " \u0301", "a\u0308o\u0308u\u0308", "Z̷̡a̸l̶g̵o̴", "ﬁ ﬂ ﬀ", "Å Å Å",
    "naïve façade coöperate", "İi Iı", "ẞß", "ǅ ǆ", "ʻokina", "ñandú",
    "Привет, мир!", "Ёлка и ёжик", "Γειά σου Κόσμε", "Բարեւ", "გამარჯობა", "שלום עולם", "שָׁלוֹם", "مرحبا بالعالم", "السَّلَامُ",
    "می‌خواهم", "سلام دنیا ۱۲۳", "नमस्ते दुनिया", "क्ष ज्ञ श्र", "বাংলা ভাষা", "தமிழ்", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "සිංහල",
    "สวัสดีชาวโลก", "ສະບາຍດີ", "မြန်မာ", "ភាសាខ្មែរ", "བོད་སྐད", "ሰላም ልዑል", "ᏣᎳᎩ", "ᓄᓇᕗᑦ", "ᠮᠣᠩᠭᠣᠯ", "𐌲𐌿𐍄", "𓀀𓂀",
    "你好，世界！", "今天天气很好。", "漢字", "龍飛鳳舞", "𠀀𠮷野家", "こんにちは世界", "カタカナ", "ｶﾅ", "がぎぐ", "が", "ラーメン二郎", "々〆ヶ",
    "안녕하세요 세계", "한", "ㅋㅋㅋ", "中文English混排123测试", "東京タワー333m", "「引用」、。", "！？", "　全角　空白　",
    "😀", "😀😃😄", "a😀b", " 😀 ", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇫🇷🇯🇵", "1️⃣#️⃣", "❤️", "❤", "☕️", "🧑🏿‍🚀", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🤷‍♀️🤷🏻‍♂️",
    "🫠🫡", "♟︎", "🎉" * 12, "ok👌", "👌ok", "😀 1", "1😀",
    "\u00a0", "a\u00a0b", "a \u00a0 b", "\u00a0\u00a0x", "\u2003em", "x\u2009y", "x\u202fy", "\u3000x", "\u1680", "a\u2028b\u2029c", "x\u0085y",
    "\u000b\u000c", "a\u000bb", "\u200b", "a\u200bb", "\ufeffBOM", "a\u00adb", "\u2060", "\u202eabc\u202c", "\u200e\u200f", "a\u200d b", "\u001c\u001d\u001e\u001f",
    "\u0000", "a\u0000b", "\u0001\u0002\u0003", "\u0004", "a\u0004b", "\u007f", "\u0080\u009f", "\ufffd", "\ufffe", "\U0010ffff", "\ue000", "\U00040000", "\u001b[31mred\u001b[0m",
    "...", "....", "…", "!!!", "?!?!", "---", "-----", "=====", "=" * 64, "_" * 17, "*" * 9, "#" * 7, "~" * 5, "/" * 33, "\\\\\\", "((((", "}}}}",
    "<>", "<<>>", "</", "<|", "|>", "<br/>", "&nbsp;", "@user #tag", "a@b.example", "http://x.example/a?b=c&d=%20#e", "file:///tmp/a b",
    "“quoted” ‘single’ «guillemets»", "em—dash en–dash", "¿Qué? ¡Sí!", "a/b\\c|d", "x->y=>z", "a::b", "i++ + ++j", "!=== <=> ??=", "€5 £3 ¥100 ₿1",
    "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋", "∑∏∫√∞≠≤≥", "α→β⇒γ", "─┐│└", "█▓▒░", "™®©", "†‡§¶",
    "def f(x):\n    return x ** 2\n", "for (int i = 0; i < 10; i++) {\n\tsum += a[i];\n}\n", "if (a && b || !c) { x ^= ~y; }",
    "SELECT * FROM t WHERE a='b''c';", '{"k": [1, 2.5, null, "v\\n"]}', "<p class=\"a b\">x</p>", "#!/bin/sh\nset -eu\n", "\\frac{a}{b}", "$x^2$",
    "| a | b |\n|---|---|\n", "- [ ] todo\n- [x] done", "```python\nprint('hi')\n```", "CamelCaseName snake_case_name kebab-case-name SCREAMING_CASE",
    "supercalifragilisticexpialidocious", "pneumonoultramicroscopicsilicovolcanoconiosis", "aaaaaaaaaaaaaaaaaaaaaaaa", "abababababababab", "hahahahahaha",
    "Lorem", "qwertyuiop", "zxcvbnm,./", "THE QUICK", "thequickbrownfox", "e.g., i.e., etc.", "Mr. O'Neil-Smith, Ph.D.", "U.S.A.", "Wi-Fi 6E",
    "<|endoftext|>", "<|im_start|>user\nhi<|im_end|>", "a<|im_end|>b", "<bos>", "<eos>x", "<start_of_turn>user\nhi<end_of_turn>\n", "<pad><unk>", "<mask>",
    "<unused0> <unused6241>", "[multimodal]", "<start_of_image><end_of_image>", "<table><tr><td>1</td></tr></table>", "<h1>T</h1>\n", "< table>", "<TABLE>",
    "<repo_name>a<file_sep>b", "<0x0A>", "<0x41>", "<|im_start", "im_start|>", "<s>x</b>", "a<b>c", "<code>x</code>",
]
SPECIAL = [
    "", "<|im_start|>", "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", "<|endoftext|>", "a<|endoftext|>b",
    " <|im_end|> ", "<|im_start|><|im_start|>", "<|im_start|>  x", "x  <|im_end|>", "<|im_star<|im_start|>", "<|IM_START|>", "<|im_start|",
    "<repo_name>x<file_sep>y<filename>z", "<reponame><gh_stars>5", "<issue_start><issue_comment>a<issue_closed>",
    "<jupyter_start><jupyter_text>a<jupyter_code>1+1<jupyter_output>2<jupyter_script>", "<empty_output>", "12<|im_end|>34", "é<|im_end|>é",
    "<bos>", "<bos>Hello<eos>", "<bos><start_of_turn>user\nHi there<end_of_turn>\n<start_of_turn>model\n", "<pad><unk><mask>", "<unused0><unused98>",
    "<unused6241>", "<unused6242>", "[multimodal]<start_of_image>", "<end_of_image>\n\n<table>", "a <bos> b", "a  <eos>  b", "\n<bos>\n\n", "<<bos>>",
    "<b<bos>os>", "<bos", "<start_of_turn><end_of_turn>", "\t<eos>\t\t", "<|im_start|>système\nçà<|im_end|>", "你好<bos>世界<eos>",
    "<|im_start|>😀<|im_end|>😀", "<eos><|endoftext|><bos><|im_end|>",
]


def candidates() -> list[tuple[str, bool]]:
    """Texts and their parse_special flags: the hand-picked ones, then generated ones to choose from."""
    chosen = [(text, False) for text in PLAIN] + [(text, True) for text in SPECIAL]
    chosen += [(record["text"], record.get("parse_special", False)) for record in make_records(600, SEED)]
    return list(dict.fromkeys(chosen))


def answers_for(model: str) -> dict:
    """Encoders by name; the reference comes first."""
    path = MODEL_FILES[model]
    reference = build_tokenizer(path)
    encoders = {"reference": (lambda text, special: encode(reference, text, special))}
    encoders["llama_cpp"] = LlamaCppTokenizer(path).encode
    if model == "gemma3":
        processor = build_sentencepiece_processor(path)
        encoders["sentencepiece"] = lambda text, special: None if special else processor.EncodeAsIds(text)
    return {"encoders": encoders, "decode": lambda ids: reference.decode(ids, skip_special_tokens=False)}


def main() -> None:
    extra = ["a\u2581b", " \u2581", "\u2581\u2581", "\u2581the", "x  \u2581y", "</s>", "a</s>b", "<s>x</s>", "\u0013\u0080", "\u00e9 \u0013\u009f\u00e9",
             "t\u0004he", " \u0004the"]
    disputed = []
    for model in ("smollm2", "gemma3"):
        answers = answers_for(model)
        kept: dict[bool, list[dict]] = {False: [], True: []}
        for text, special in candidates() + [(text, False) for text in extra]:
            ids = {name: encode_with(text, special) for name, encode_with in answers["encoders"].items()}
            ids = {name: value for name, value in ids.items() if value is not None}
            record = {"text": text, "ids": ids["reference"]}
            if special:
                record["parse_special"] = True
            if any(value != ids["reference"] for value in ids.values()):
                disputed.append({"model": model, **record, **{k: v for k, v in ids.items() if k != "reference"}})
                continue
            if answers["decode"](record["ids"]) != text:
                record["lossy"] = True
            if len(kept[special]) < (SPECIAL_COUNT if special else PLAIN_COUNT):
                kept[special].append(record)
        layout = "text, ids without BOS/EOS; parse_special: control tokens parsed; lossy: decoding does not give the text back"
        write_jsonl(f"tokens_{model}.jsonl", [versions_record(model, layout=layout)] + kept[False] + kept[True])
    layout = "texts on which implementations disagree: ids is the reference, the other fields are named after theirs"
    write_jsonl("tokens_disputed.jsonl", [versions_record(layout=layout)] + disputed)


if __name__ == "__main__":
    main()
