#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets into tests/fuzz/corpus; files of other names there (what fuzzing found) stay.

Usage: make_corpus.py

Small valid inputs of every kind that a reader knows, and a few absurd ones. The same bytes at every run.
"""
import gzip
import json
import re
import struct
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"


def write(target, name, content):
    path = HERE / "corpus" / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


# GGUF: ids of value types, and of tensor types with the numbers and bytes of a block.
U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10
TYPES = {"F32": (0, 1, 4), "F16": (1, 1, 2), "Q4_0": (2, 32, 18), "Q8_0": (8, 32, 34)}


def text(value):
    data = value.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def value_of(value):
    """Type and bytes of a metadata value."""
    if isinstance(value, bool):
        return BOOL, struct.pack("<B", value)
    if isinstance(value, int):
        return U32, struct.pack("<I", value)
    if isinstance(value, float):
        return F32, struct.pack("<f", value)
    if isinstance(value, str):
        return STRING, text(value)
    kind = value_of(value[0])[0] if value else U32
    kind = I32 if kind == U32 else kind
    items = b"".join(struct.pack("<i", v) if kind == I32 else value_of(v)[1] for v in value)
    return ARRAY, struct.pack("<IQ", kind, len(value)) + items


def gguf(metadata, tensors, version=3):
    """tensors: (name, type, dims); their data is a pattern of small numbers."""
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    for key, value in metadata.items():
        kind, data = value_of(value)
        out += text(key) + struct.pack("<I", kind) + data
    data = b""
    for name, kind, dims in tensors:
        number, block, size = TYPES[kind]
        count = 1
        for dim in dims:
            count *= dim
        out += text(name) + struct.pack("<I", len(dims)) + b"".join(struct.pack("<Q", d) for d in dims)
        out += struct.pack("<IQ", number, len(data))
        if kind == "F32":
            data += b"".join(struct.pack("<f", 0.5 + i % 7 * 0.25) for i in range(count))
        else:
            unit = struct.pack("<e", 0.125) + bytes((i * 37 + 8) % 251 for i in range(size - 2))
            data += unit * (count // block)
        data += b"\0" * (-len(data) % 32)
    out += b"\0" * (-len(out) % 32)
    return out + data


BYTE_LEVEL = {
    "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": ["a", "b", "\u0120", "ab", "<s>", "</s>", "\u00c3", "\u00a9"],
    "tokenizer.ggml.token_type": [1, 1, 1, 1, 3, 3, 1, 1], "tokenizer.ggml.merges": ["a b"],
    "tokenizer.ggml.bos_token_id": 4, "tokenizer.ggml.eos_token_id": 5}
SENTENCES = {
    "tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>", "<0x0A>", "\u2581", "a", "b", "ab"],
    "tokenizer.ggml.scores": [0.0, 0.0, 0.0, 0.0, -1.0, -2.0, -3.0, -1.5],
    "tokenizer.ggml.token_type": [2, 3, 3, 6, 1, 1, 1, 1], "tokenizer.ggml.unknown_token_id": 0}


def model(family, extra=None, layers=1):
    keys = {"context_length": 64, "embedding_length": 32, "block_count": layers, "feed_forward_length": 32,
            "attention.head_count": 2, "attention.head_count_kv": 1, "attention.key_length": 16,
            "attention.value_length": 16, "rope.dimension_count": 16, "attention.layer_norm_rms_epsilon": 1e-5,
            "rope.freq_base": 10000.0}
    keys.update(extra or {})
    return {"general.architecture": family, "general.name": "seed", **{f"{family}.{k}": v for k, v in keys.items()}}


def ends(kind="Q4_0"):
    return [("token_embd.weight", kind, [32, 8]), ("output_norm.weight", "F32", [32])]


def layer(i, kind="Q4_0", leave=()):
    parts = [("attn_norm", "F32", [32]), ("ffn_norm", "F32", [32]), ("attn_q", kind, [32, 32]),
             ("attn_k", kind, [32, 16]), ("attn_v", kind, [32, 16]), ("attn_output", kind, [32, 32]),
             ("ffn_gate", kind, [32, 32]), ("ffn_up", kind, [32, 32]), ("ffn_down", kind, [32, 32])]
    return [(f"blk.{i}.{name}.weight", t, dims) for name, t, dims in parts if name not in leave]


def more(i, *parts):
    return [(f"blk.{i}.{name}.weight", kind, dims) for name, kind, dims in parts]


def write_gguf():
    llama = gguf({**model("llama"), **BYTE_LEVEL}, ends() + layer(0))
    write("gguf", "llama", llama)
    write("gguf", "cut_in_the_tensor_table", llama[:1500])
    write("gguf", "sentencepiece", gguf({**model("llama"), **SENTENCES}, ends("Q8_0") + layer(0, "Q8_0")))
    gemma = more(0, ("attn_q_norm", "F32", [16]), ("attn_k_norm", "F32", [16]), ("post_attention_norm", "F32", [32]),
                 ("post_ffw_norm", "F32", [32]))
    write("gguf", "gemma3", gguf({**model("gemma3", {"attention.sliding_window": 8}), **SENTENCES},
                                 ends() + layer(0) + gemma))
    experts = more(0, ("ffn_gate_inp", "F32", [32, 2]), ("ffn_gate_exps", "Q4_0", [32, 32, 2]),
                   ("ffn_up_exps", "Q4_0", [32, 32, 2]), ("ffn_down_exps", "Q4_0", [32, 32, 2]),
                   ("attn_q_norm", "F32", [16]), ("attn_k_norm", "F32", [16]))
    write("gguf", "experts", gguf(
        {**model("qwen3moe", {"expert_count": 2, "expert_used_count": 1, "expert_feed_forward_length": 32}),
         **BYTE_LEVEL}, ends() + layer(0, leave=("ffn_gate", "ffn_up", "ffn_down")) + experts))
    phi = more(0, ("attn_qkv", "Q4_0", [32, 64])) + [("rope_factors_long.weight", "F32", [8]),
                                                     ("rope_factors_short.weight", "F32", [8])]
    fused = [("blk.0.ffn_up.weight", "Q4_0", [32, 64])]
    write("gguf", "long_rope", gguf(
        {**model("phi3", {"rope.scaling.type": "longrope", "rope.scaling.original_context_length": 2,
                          "rope.scaling.attn_factor": 1.0}), **SENTENCES},
        ends() + layer(0, leave=("attn_q", "attn_k", "attn_v", "ffn_gate", "ffn_up")) + phi + fused))
    write("gguf", "dual_chunk", gguf({**model("qwen2", {"attention.dual_chunk.length": 2,
                                                       "attention.dual_chunk.window": 3}), **BYTE_LEVEL},
                                     ends() + layer(0)))
    write("gguf", "yarn", gguf({**model("llama", {"rope.scaling.type": "yarn", "rope.scaling.factor": 4.0,
                                                  "rope.scaling.original_context_length": 16}), **BYTE_LEVEL},
                               ends() + layer(0)))
    write("gguf", "metadata_only", gguf({"general.architecture": "llama", "a": True, "b": [1, 2], "c": ["x", ""],
                                         "d": [], "general.alignment": 64}, [], version=2))
    write("gguf", "two_tensors_in_one_place", gguf(model("llama"), ends()).replace(
        struct.pack("<IQ", 0, 160), struct.pack("<IQ", 0, 32)))
    write("gguf", "counts_that_are_absurd", b"GGUF" + struct.pack("<IQQ", 3, 2**63, 2**62) + b"\0" * 64)
    deep = struct.pack("<IQ", ARRAY, 1) * 6 + struct.pack("<IQ", U32, 0)
    write("gguf", "arrays_of_arrays", b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("k") + struct.pack("<I", ARRAY) + deep)


def safetensors(header, data=b""):
    header = header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))
    return struct.pack("<Q", len(header)) + header.encode("utf-8") + data


def write_safetensors():
    def entry(kind, shape, begin, end):
        return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}
    write("safetensors", "two", safetensors({"__metadata__": {"format": "pt"}, "a": entry("F32", [2], 0, 8),
                                             "model.layers.0.mlp.up_proj.weight": entry("BF16", [2, 3], 8, 20)}, b"\1" * 20))
    kinds = ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I64", "I32", "I16", "I8", "U8", "U16", "U32", "U64", "BOOL"]
    sizes = [8, 4, 2, 2, 1, 1, 8, 4, 2, 1, 1, 2, 4, 8, 1]
    begins = [sum(sizes[:i]) for i in range(len(sizes))]
    write("safetensors", "every_type", safetensors(
        {k: entry(k, [1], b, b + s) for k, b, s in zip(kinds, begins, sizes)}, bytes(sum(sizes))))
    write("safetensors", "scalar_and_empty", safetensors({"s": entry("F32", [], 0, 4), "e": entry("F32", [0, 4], 4, 4)}, b"\0" * 4))
    write("safetensors", "overlap", safetensors({"a": entry("U8", [4], 0, 4), "b": entry("U8", [4], 2, 6)}, b"\0" * 6))
    write("safetensors", "gap", safetensors({"a": entry("U8", [2], 2, 4)}, b"\0" * 4))
    write("safetensors", "shape_that_overflows", safetensors({"a": entry("F32", [2**32, 2**32], 0, 4)}, b"\0" * 4))
    write("safetensors", "length_that_is_absurd", struct.pack("<Q", 2**63) + b"{}")
    write("safetensors", "name_twice", safetensors('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                                                   '"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\0"))
    write("safetensors", "nested", safetensors("[" * 600))


def write_configs():
    for path in sorted((DATA / "oracles/families").glob("*.json")):
        config = json.loads(path.read_text(encoding="utf-8"))["config"]
        write("hf_config", path.stem, json.dumps(config, separators=(",", ":")))
        if path.stem == "qwen2":
            config["dual_chunk_attention_config"] = {"chunk_size": 10, "local_size": 4}
            write("hf_config", "qwen2_dual_chunk", json.dumps(config, separators=(",", ":")))


def write_tokenizers():
    bpe = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "\u0120": 3, "\u00c3": 4, "\u00a9": 5, "1": 6, "z": 7},
           "merges": ["a b"]}
    specials = [{"id": 8, "content": "<s>", "special": True}, {"id": 9, "content": "Ab", "normalized": True,
                                                             "lstrip": True, "rstrip": True, "single_word": True}]
    split = {"type": "Split", "pattern": {"Regex": "\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|\\s+"}, "behavior": "Isolated"}
    files = {
        "byte_level": {"model": bpe, "added_tokens": specials, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True},
                       "decoder": {"type": "ByteLevel"}},
        "split": {"model": bpe, "normalizer": {"type": "NFC"}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            split, {"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "use_regex": False}]},
            "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                                                        {"Sequence": {"id": "A", "type_id": 0}}],
                               "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [8], "tokens": ["<s>"]}}},
            "added_tokens": specials, "decoder": {"type": "ByteLevel"}},
        "byte_fallback": {"model": {"type": "BPE", "vocab": {"<unk>": 0, "\u2581": 1, "a": 2, "<0x0A>": 3, "\u2581a": 4},
                                    "merges": [["\u2581", "a"]], "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True},
                          "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, {
                              "type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
                          "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"},
                                      "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                                      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}},
        "unigram": {"model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["\u2581", -1.0], ["a", -2.5],
                                                                       ["\u2581ab", -3.0], ["z", -9.0]]},
                    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "NFKC"}, {
                        "type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
                    "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True},
                    "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first"}},
        "word_piece": {"model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                                 "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "a": 1, "##b": 2, "[CLS]": 3, "[SEP]": 4}},
                       "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                                      "strip_accents": None, "lowercase": True},
                       "pre_tokenizer": {"type": "BertPreTokenizer"},
                       "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 4], "cls": ["[CLS]", 3]},
                       "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True}},
        "word_level": {"model": {"type": "WordLevel", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]"},
                       "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Whitespace"}, {"type": "Punctuation",
                           "behavior": "MergedWithPrevious"}, {"type": "CharDelimiterSplit", "delimiter": "-"}]}},
        "character_map": {"model": bpe, "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": "CAAAAAEAAAACAAAAYQA="}, {"type": "StripAccents"}, {"type": "Strip",
             "strip_left": True, "strip_right": True}, {"type": "Lowercase"}, {"type": "NFD"}]}},
        "suffixes": {"model": {"type": "BPE", "vocab": {"a": 0, "b</w>": 1, "ab</w>": 2}, "merges": [["a", "b</w>"]],
                               "end_of_word_suffix": "</w>", "ignore_merges": True},
                     "pre_tokenizer": {"type": "WhitespaceSplit"}, "decoder": {"type": "BPEDecoder", "suffix": "</w>"}},
        "far_away_id": {"model": {"type": "BPE", "vocab": {"a": 16777215}, "merges": []}},
        "doubled_letters": {"model": bpe, "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * 40}},
        "doubled_on_the_way_back": {"model": bpe, "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * 40}},
        "pattern_that_explodes": {"model": bpe, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$x"},
                                                                  "behavior": "Removed", "invert": True}}}
    for name, content in files.items():
        tail = "aab a\u0301B 12 <s>ab\u4e2d\n" + "a" * 30
        write("tokenizer_json", name, json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\0" + tail)


def write_templates():
    chat = ("{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m['content'] | trim + '<|im_end|>\\n' }}"
            "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
    write("chat_template", "chat", chat + "\0Hi <b>&\"")
    write("chat_template", "tools", "{%- if tools %}{{ tools | tojson(indent=2) }}{% endif -%}"
          "{%- set ns = namespace(n=0) -%}{%- for m in messages if m.role != 'system' -%}{%- set ns.n = ns.n + loop.index -%}"
          "{%- if loop.first and m.role != 'user' -%}{{ raise_exception('no') }}{%- endif -%}{%- endfor -%}{{ ns.n }}")
    write("chat_template", "generation", "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}")
    write("chat_template", "recursion", "{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(900) }}")
    write("chat_template", "growth", "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}")
    write("chat_template", "clock", "{{ strftime_now('%d %b %Y') }}{{ '%5.2f|%-8s|%x' % (1.5, 'a', 255) }}{{ '{:>9,}'.format(12345) }}")
    write("chat_template", "cycle", "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a }}{{ ns.a | tojson }}")
    lines = (DATA / "template/features.jsonl").read_text(encoding="utf-8").split("\n")
    good = [row["template"] for row in map(json.loads, filter(None, lines)) if "expected" in row]
    chunk, number = "", 0
    for template in good + [""]:
        if chunk and (len(chunk) + len(template) > 900 or not template):
            write("chat_template", f"features_{number:02}", chunk)
            chunk, number = "", number + 1
        chunk += template + "\n"


def write_constraints():
    source = (DATA.parent / "decode/constraint_schemas.h").read_text(encoding="utf-8")
    for i, schema in enumerate(re.findall(r'R"\((.*)\)"', source)):
        write("json_schema", f"sample_{i:02}", schema.encode("utf-8") + b"\0" + bytes((i * 31 + k * 17) % 251 for k in range(24)))
    hostile = {
        "refers_to_itself": '{"$ref":"#"}',
        "circle_of_references": '{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}',
        "circle_through_all_of": '{"allOf":[{"$ref":"#"},{"type":"object"}]}',
        "many_items": '{"type":"array","items":{"type":"integer"},"minItems":1000000000}',
        "long_string": '{"type":"string","minLength":1000000000}',
        "product_of_choices": '{"allOf":[' + ",".join(['{"anyOf":[{"minimum":1},{"maximum":9}]}'] * 12) + "]}",
        "nested_counts": '{"type":"array","maxItems":99,"items":{"type":"array","maxItems":99,"items":{"type":"string","maxLength":99}}}',
        "narrow_numbers": '{"type":"number","minimum":-1e-300,"exclusiveMaximum":1e300}'}
    for name, schema in hostile.items():
        write("json_schema", name, schema)
    patterns = ["^[A-Z]{2,3}-[0-9]{4}$", "(a|\u00e9|\\{)*\":[0-9]{2,}", "[^n]*name.?", "(true|null|kind){3}", "\\s+.*",
                "(?:ab|cd)+?\\.", "[\\u00e9-\\u00fc]{1,3}", "\\x41\\w\\d\\S\\D\\W", "a{0}b{2,}c{,3}", "((((a))))|", "(a{99}){99}",
                "((a{999}){999}){999}", "(a*)*b", "[]-a]", "(?=a)b", "\\bword\\b", "\\p{L}", "(.?){2000}a", "[^\\s\\S]", "\U0001f600{2}"]
    for i, pattern in enumerate(patterns):
        write("regex", f"pattern_{i:02}", pattern.encode("utf-8") + b"\0" + bytes((i * 29 + k * 13) % 251 for k in range(24)))


def write_importance():
    def entry(name, calls, values):
        return struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii", calls, len(values)) + struct.pack(
            f"<{len(values)}f", *values)
    write("importance", "binary", struct.pack("<i", 2) + entry("a", 4, [4, 8, 12]) + entry("blk.0.ffn_up.weight", 0, [1, 0])
          + struct.pack("<ii", 7, 4) + b"text")
    write("importance", "name_twice", struct.pack("<i", 2) + entry("a", 1, [1]) + entry("a", 1, [1]))
    write("importance", "no_number", struct.pack("<i", 1) + entry("a", 1, [float("nan"), float("inf"), -1]))
    write("importance", "count_that_is_absurd", struct.pack("<iic", 2**31 - 1, 1, b"a") + struct.pack("<ii", 1, 2**31 - 1))
    write("importance", "gguf", gguf({"general.type": "imatrix"}, [("a.in_sum2", "F32", [4, 2]), ("a.counts", "F32", [1, 2])]))
    write("importance", "gguf_without_counts", gguf({"general.type": "imatrix"}, [("a.in_sum2", "F32", [4, 2])]))
    write("importance", "gguf_of_other_types", gguf({}, [("a.in_sum2", "F16", [4, 2]), ("a.counts", "F32", [2])]))


def write_endpoint():
    delta = '{"id":"1","choices":[{"index":0,"delta":{"role":"assistant","content":"He\u00e9"},"finish_reason":null}]}'
    last = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
    logprobs = ('{"content":[{"token":"Yes","logprob":-0.1,"bytes":null,"top_logprobs":[{"token":"\u0120yes","logprob":-0.1},'
                '{"token":"no","logprob":-2}]}]}')
    whole = ('{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"logprobs":%s,'
             '"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}' % logprobs)
    write("endpoint", "stream", f"data: {delta}\n\ndata: {last}\n\ndata: [DONE]\n\n")
    write("endpoint", "stream_of_other_line_ends", f"\ufeff: hello\r\nevent: x\r\ndata:{delta}\r\rdata: {last}\r\n\r\ndata: [DONE]")
    write("endpoint", "data_in_lines", 'data: {"choices":\ndata: []}\nid: 3\nretry: 10\n\n')
    write("endpoint", "completion", whole)
    write("endpoint", "refusal", '{"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}],"usage":null}')
    write("endpoint", "error", '{"error":{"message":"too\\nmany","type":"rate_limit","code":429}}')
    write("endpoint", "web_page", "<html><body>502 Bad\nGateway</body></html>")
    write("endpoint", "retry_after_date", "Fri, 31 Dec 1999 23:59:59 GMT")
    write("endpoint", "retry_after_seconds", "99999999999999999999")
    write("endpoint", "endless_line", "data: " + "x" * 900)


def write_votes():
    """The first byte chooses the options (target_votes.cpp)."""
    csv = "model_a,model_b,winner,user,meta,n_a,n_b\n"
    rows = 'x,y,model_a,u1,"{""turns"": 1}",3,0\n"y, 2",x,tie,u2,{},0,0\nx,"y\n""q""",tie (bothbad),,{},1,2\n'
    line = '{"model_a":"x","model_b":"y\\u00e9","winner":"model_b","user":"u","meta":{"turns":2},"n_a":1,"n_b":2}\n'
    pair = '{"model_1":"x","model_2":"y","g1_winner":"model_1","g2_winner":"tie","question_id":81}\n'
    for mode in range(8):
        write("votes", f"csv_{mode}", chr(mode) + csv + rows)
    write("votes", "csv_of_carriage_returns", "\x00\ufeff" + (csv + rows).replace("\n", "\r\n"))
    write("votes", "sides", "\x00left,right,winner\na,b,left\nb,a,tie\n")
    write("votes", "three_columns", "\x00model_a,model_b,winner_model_a,winner_model_b,winner_tie\nx,y,1,0,0\n")
    write("votes", "bad_rows", "\x01" + csv + 'x,x,tie,,,,\nx,"y"z\nx,y\n"open,y,tie\n' + rows)
    write("votes", "jsonl", "\x06" + line + line.replace("x", "z") + "\n")
    write("votes", "jsonl_bad", "\x01" + line + '{"model_a":"x"}\n[1]\n{"a":\n' + line)
    write("votes", "pairs", "\x00" + pair + pair.replace("tie", "error"))
    write("votes", "responses", "\x08model_a,model_b,winner,response_a,response_b\n"
          'x,y,tie,"# h\n- a\n**b**","[""x"", ""1. y""]"\n')
    write("votes", "gzip", b"\x00" + gzip.compress((csv + rows).encode(), mtime=0))
    write("votes", "gzip_cut", b"\x00" + gzip.compress((csv + rows).encode(), mtime=0)[:60])
    write("votes", "found_gzip_cut_behind_kept_columns", b"\x04" + gzip.compress((csv + rows).encode(), mtime=0)[:90])
    # A frame of one raw block (RFC 8878): magic, descriptor of a single segment, size, block header.
    body = b"left,right,winner\na,b,tie\n"
    write("votes", "zstd", b"\x00\x28\xb5\x2f\xfd\x20" + bytes([len(body)]) +
          ((len(body) << 3) | 1).to_bytes(3, "little") + body)
    write("votes", "utf16", b"\x00" + csv.encode("utf-16"))
    write("votes", "parquet", b"\x00PAR1" + bytes(40) + b"PAR1")


def write_training():
    chatml = ("{% for m in messages %}<s>{{ m.role }}\n{{ m.content }}<e>\n{% endfor %}"
              "{% if add_generation_prompt %}<s>assistant\n{% endif %}")
    thinking = ("{% for m in messages %}{{ m.role }}:{% if '</think>' in m.content and not loop.last %}"
                "{{ m.content.split('</think>')[-1] | trim }}{% else %}{{ m.content | trim }}{% endif %}<e>{% endfor %}")
    calls = ("{% for m in messages %}<s>{{ m.role }}\n{% generation %}{{ m.content }}{% for c in m.tool_calls or [] %}"
             "{{ c | tojson }}{% endfor %}<e>{% endgeneration %}{% endfor %}")
    user = {"role": "user", "content": "2+2? <e>"}
    answer = {"role": "assistant", "content": "<think>\neasy\n</think>\n\n4"}
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}
    parts = {"role": "user", "content": [{"type": "text", "text": "a "}, {"type": "text", "text": "b"}]}
    rows = {
        "text": ({"text": "once \u00e4", "weight": 0.5}, ""),
        "messages": ({"messages": [user, answer, user, answer]}, chatml),
        "thinking": ({"messages": [user, answer, user, answer], "id": 1}, thinking),
        "tool_calls": ({"messages": [user, call, {"role": "tool", "content": "4"}, answer], "tools": []}, calls),
        "sharegpt": ({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}, chatml),
        "completion": ({"prompt": "2+2=", "completion": "4", "label": True}, ""),
        "preference": ({"prompt": [parts], "chosen": "yes", "rejected": [answer], "margin": 1}, chatml),
        "implicit": ({"chosen": "The sky is blue", "rejected": "The sky is green", "tie": False}, ""),
        "ranked": ({"prompt": "p", "responses": [{"content": "a", "score": 1}, "b", {"content": "c"}]}, ""),
        "long": ({"prompt": "p" * 90, "chosen": "a", "rejected": "b"}, ""),
        "marks": ({"messages": [{"role": "user", "content": "\ufdd0\ufdd1\ufde0"}, answer]}, chatml)}
    for name, (row, template) in rows.items():
        write("training_row", name, json.dumps(row, ensure_ascii=False) + "\0" + template)
    write("recipe", "small", "method = 'sft'\n[data]\nfiles = ['a', 'b']\n[optim]\nlr = 2e-5\n\0optim.lr=1e-3")
    write("recipe", "mixture", "[data]\nfiles = ['a']\nmixture = 'tokens'\namounts = [1e6]\n\0data.amounts=5,")
    write("recipe", "params", "preference.params = { beta = 0.1, on = true }\n[lora]\ntargets = [\"q_proj\", 'k\\d']\n")
    write("recipe", "wrong", "[sched]\nname = 'cosin'\nmin_lr = -inf\n[[x]]\nday = 2026-01-01\n")
    write("recipe", "deep", "a = " + "[" * 300)


def main():
    write_gguf()
    write_safetensors()
    write_configs()
    write_tokenizers()
    write_templates()
    write_constraints()
    write_importance()
    write_endpoint()
    write_votes()
    write_training()
    files = [p for p in (HERE / "corpus").rglob("*") if p.is_file()]
    print(f"corpus: {len(files)} files, {sum(p.stat().st_size for p in files)} bytes")


if __name__ == "__main__":
    main()
