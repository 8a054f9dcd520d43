#!/usr/bin/env python3
"""Verdicts of xgrammar on JSON schemas, patterns and texts: tests/data/oracles/constraints.jsonl.

    python -m venv VENV && VENV/bin/pip install xgrammar==VERSION     (the fixture's first line names it)
    VENV/bin/python bench/oracles/constraint_oracle.py

The first line names the version. Each further line is a schema or a pattern with texts: {"schema": … or "regex": …,
"accept": [texts], "reject": [texts], "differs": [{"text", "xgrammar", "why"}]}. White space between tokens is bounded
at 16 characters in both. Under "differs" stand texts on which Cupel's verdict is the opposite one, on purpose.
"""
import json
from importlib.metadata import version
from pathlib import Path

import xgrammar
from xgrammar.testing import _is_grammar_accept_string

FIXTURE = Path(__file__).resolve().parents[2] / "tests" / "data" / "oracles" / "constraints.jsonl"
WHITESPACE = 16

PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
          "required": ["name", "age"]}
OPTIONAL = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"},
                                             "c": {"type": "null"}}}
MIXED = {"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}, "required": ["b"]}
LIST = {"$defs": {"node": {"type": "object", "properties": {
    "v": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
    "required": ["v", "next"]}}, "$ref": "#/$defs/node"}
TREE = {"type": "object", "properties": {"l": {"enum": ["x", "y"]},
                                         "c": {"type": "array", "items": {"$ref": "#"}}}, "required": ["l", "c"]}

# What Cupel refuses or accepts on purpose where xgrammar does the opposite.
SURROGATE = "half a surrogate pair is no text, and JSON parsers refuse it"
DATE = "dates that the calendar does not have are no dates (RFC 3339)"
DIGITS = "numbers have at most 18 digits before and after the point and 2 in the exponent"
ESCAPES = "in a string of counted length a short escape is one character"
LEAP = "leap seconds are not generated"

# (schema, texts, {text: why the verdicts differ}); which texts are accepted xgrammar says.
SCHEMAS = [
    (PERSON, ['{"name":"Ann","age":3}', '{"name": "Ann", "age": 3}', '{ "name" : "Ann" , "age" : 3 }',
              '{"age":3,"name":"Ann"}', '{"name":"Ann"}', '{"name":"Ann","age":"3"}', '{"name":"Ann","age":3,"x":1}',
              '{"name":"Ann","age":3.5}', '{"name":"Ann","age":-3}', '{"name":"Ann","age":03}', '{}', '[]',
              '{"name":"Ann","age":3', '{"name":"Ann","age":3}}', '{"name":"An\\"n","age":0}',
              '{"name":"An\nn","age":0}', '{"name":"\\u00e9\\n","age":0}', '{"name":"é😀","age":0}',
              '{\n  "name": "Ann",\n  "age": 3\n}', '{"name":"Ann","age":' + " " * 16 + '3}',
              '{"name":"Ann","age":' + " " * 17 + '3}', ' {"name":"Ann","age":3}', '{"name":"Ann","age":3} '], {}),
    (OPTIONAL, ['{}', '{ }', '{"a":1}', '{"b":true}', '{"c":null}', '{"a":1,"b":false}', '{"a":1,"c":null}',
                '{"b":true,"c":null}', '{"a":1,"b":true,"c":null}', '{"b":true,"a":1}', '{"c":null,"a":1}',
                '{"a":1,"a":1}', '{"a":1,}', '{,"a":1}', '{"d":1}', '{"a":null}'], {}),
    (MIXED, ['{"b":2}', '{"a":1,"b":2}', '{"b":2,"c":3}', '{"a":1,"b":2,"c":3}', '{}', '{"a":1}', '{"a":1,"c":3}',
             '{"b":2,"a":1}'], {}),
    ({"type": "string"}, ['""', '"a"', '"\\""', '"\\\\"', '"\\/"', '"\\b\\f\\n\\r\\t"', '"\\u0041"', '"\\x"', '"\\u12"',
                          '"\t"', '"a', 'a"', '"\u007f"', '"\\ud83d\\ude00"', '"\\ud83d"'],
     {'"\\ud83d"': SURROGATE}),
    ({"type": "string", "minLength": 2, "maxLength": 4},
     ['"a"', '"ab"', '"abcd"', '"abcde"', '"éé"', '"é"', '"😀😀😀😀"', '""', '"a\\n"'], {'"a\\n"': ESCAPES}),
    ({"type": "string", "minLength": 3}, ['"ab"', '"abc"', '"' + "x" * 200 + '"'], {}),
    ({"type": "string", "maxLength": 1}, ['""', '"a"', '"ab"'], {}),
    ({"type": "string", "pattern": "^[A-Z]{2}-\\d+$"}, ['"AB-1"', '"AB-123"', '"A-1"', '"AB-"', '"ab-1"', '"AB-1x"'], {}),
    ({"type": "string", "pattern": "(cat|dog)s?"}, ['"cat"', '"dogs"', '"cow"', '"cats "'], {}),
    ({"type": "string", "format": "date"},
     ['"2024-02-29"', '"2023-12-31"', '"2023-13-01"', '"2023-1-1"', '"2023-02-30"', '"2023-04-31"'],
     {'"2023-02-30"': DATE, '"2023-04-31"': DATE}),
    ({"type": "string", "format": "time"},
     ['"12:30:00Z"', '"23:59:59+01:00"', '"12:30:00.25Z"', '"24:00:00Z"', '"12:30"', '"23:59:60Z"'],
     {'"23:59:60Z"': LEAP}),
    ({"type": "string", "format": "date-time"},
     ['"2024-01-02T03:04:05Z"', '"2024-01-02T03:04:05.678+09:00"', '"2024-01-02 03:04:05Z"', '"2024-01-02T03:04:05"'],
     {}),
    ({"type": "string", "format": "uuid"},
     ['"123e4567-e89b-12d3-a456-426614174000"', '"123E4567-E89B-12D3-A456-426614174000"', '"123e4567"',
      '"g23e4567-e89b-12d3-a456-426614174000"'], {}),
    ({"type": "string", "format": "email"}, ['"a@b.org"', '"first.last+tag@sub.example.org"', '"a@"', '"@b.org"'], {}),
    ({"type": "string", "format": "ipv4"}, ['"127.0.0.1"', '"255.255.255.255"', '"256.0.0.1"', '"1.2.3"'], {}),
    ({"type": "integer"}, ['0', '-0', '7', '-42', '1.0', '1e3', '01', '-', '+1', '', '123456789012345678',
                           '1234567890123456789012'], {'1234567890123456789012': DIGITS}),
    ({"type": "integer", "minimum": 5, "maximum": 120},
     ['4', '5', '9', '10', '99', '100', '120', '121', '-5', '005', '1200'], {}),
    ({"type": "integer", "minimum": -15, "maximum": 3}, ['-16', '-15', '-9', '-1', '0', '3', '4', '10'], {}),
    ({"type": "integer", "exclusiveMinimum": 0}, ['0', '1', '10', '-1', '99999'], {}),
    ({"type": "integer", "exclusiveMaximum": 100}, ['100', '99', '0', '-1000', '101'], {}),
    ({"type": "number"}, ['0', '-1.5', '1.', '.5', '1e5', '1E-5', '2.50', '01.5', '1e100'], {'1e100': DIGITS}),
    ({"type": "number", "minimum": 0, "maximum": 1}, ['0', '1', '0.5', '0.000001', '1.5', '-0.5', '2', '1.1'], {}),
    ({"type": "boolean"}, ['true', 'false', 'True', 'null', '"true"'], {}),
    ({"type": "null"}, ['null', 'nul', 'true'], {}),
    ({"type": ["string", "null"]}, ['null', '"a"', '1'], {}),
    ({"enum": ["a", "b\n", 1, None, True]}, ['"a"', '"b\\n"', '1', 'null', 'true', '"c"', '2', 'false'], {}),
    ({"const": "x"}, ['"x"', '"y"', 'x'], {}),
    ({"const": {"a": [1, 2]}}, ['{"a":[1,2]}', '{"a":[2,1]}', '{}'], {}),
    ({"type": "array", "items": {"type": "integer"}}, ['[]', '[ ]', '[1]', '[1,2,3]', '[1, 2]', '[1,]', '[,1]', '[1 2]',
                                                       '["a"]', '[1', '1'], {}),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3},
     ['[]', '[1]', '[1,2]', '[1,2,3]', '[1,2,3,4]'], {}),
    ({"type": "array", "items": {"type": "boolean"}, "minItems": 1}, ['[]', '[true]', '[true,false,true]'], {}),
    ({"type": "array", "items": {"type": "boolean"}, "maxItems": 1}, ['[]', '[true]', '[true,false]'], {}),
    ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
     ['["a",1]', '["a"]', '[1,"a"]', '["a",1,2]'], {}),
    ({"type": "array", "prefixItems": [{"const": 1}], "items": {"const": 2}, "minItems": 1},
     ['[1]', '[1,2]', '[1,2,2]', '[2]', '[1,1]'], {}),
    ({"type": "object", "additionalProperties": {"type": "integer"}},
     ['{}', '{"x":1}', '{"x":1,"y":2}', '{"x":"1"}', '{"":0}'], {}),
    ({"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"],
      "additionalProperties": {"type": "boolean"}},
     ['{"id":1}', '{"id":1,"x":true}', '{"x":true}', '{"id":1,"x":1}', '{"x":true,"id":1}'], {}),
    ({"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"], "additionalProperties": False},
     ['{"id":1}', '{"id":1,"x":true}', '{}'], {}),
    ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, ['1', '"a"', 'true', 'null'], {}),
    ({"anyOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}]},
     ['{"a":1}', '{"a":"1"}', '{"a":true}', '{}'], {}),
    ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, ['1', 'null', '"a"'], {}),
    ({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}]},
     ['{"a":1}', '{}', '{"a":"x"}'], {}),
    (LIST, ['{"v":1,"next":null}', '{"v":1,"next":{"v":2,"next":null}}', '{"v":1}', '{"v":1,"next":{}}',
            '{"v":1,"next":{"v":2,"next":{"v":3,"next":null}}}', '{"v":1,"next":[null]}'], {}),
    (TREE, ['{"l":"x","c":[]}', '{"l":"x","c":[{"l":"y","c":[]},{"l":"x","c":[{"l":"y","c":[]}]}]}',
            '{"l":"z","c":[]}', '{"l":"x"}', '{"l":"x","c":[{}]}'], {}),
    ({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "array", "items": {
        "type": "object", "properties": {"c": {"enum": [1, 2]}}, "required": ["c"]}}}, "required": ["b"]}},
      "required": ["a"]},
     ['{"a":{"b":[{"c":1},{"c":2}]}}', '{"a":{"b":[]}}', '{"a":{"b":[{"c":3}]}}', '{"a":{}}', '{"a":{"b":[{"c":1}]}'],
     {}),
    ({"title": "t", "description": "d", "type": "integer", "default": 3}, ['3', '4', '"3"'], {}),
    (True, ['1', '"a"', '[1,{"a":null}]', '{"a":[true,false]}', 'tru', '{"a"}', '[1,,2]'], {}),
    ({"type": "object"}, ['{}', '{"a":1,"b":[{}]}', '[]', '{"a"}'], {}),
    ({"type": "array"}, ['[]', '[1,"a",null,[{}]]', '{}', '[1,]'], {}),
]

PATTERNS = [
    ("[0-9]{3}-[0-9]{4}", ["555-1234", "5555-123", "", "555-12345"], {}),
    ("(a|b)*c", ["c", "abac", "abab", "cc"], {}),
    ("\\d+(\\.\\d+)?", ["1", "1.5", "1.", ".5"], {}),
    ("[^x-z]+", ["abc", "é", "axb", ""], {}),
    ("\\w{2,3}", ["ab", "a_1", "a", "abcd", "é1"], {}),
    ("yes|no", ["yes", "no", "yesno", "n"], {}),
    ("a{2,}b?", ["aa", "aaab", "a", "ab"], {}),
    ("(?:ab){2}", ["abab", "ab", "ababab"], {}),
    ("\\{\\}", ["{}", "{", ""], {}),
    ("[\\u00e0-\\u00ff]", ["é", "e", "ü"], {}),
]


def record(kind, what, grammar, texts, differs):
    verdicts = {text: _is_grammar_accept_string(grammar, text) for text in texts}
    unknown = set(differs) - set(texts)
    if unknown:
        raise SystemExit(f"{what}: no such text: {unknown}")
    same = [text for text in texts if text not in differs]
    return {kind: what, "accept": [text for text in same if verdicts[text]],
            "reject": [text for text in same if not verdicts[text]],
            "differs": [{"text": text, "xgrammar": verdicts[text], "why": why} for text, why in differs.items()]}


def main():
    lines = [{"versions": {"xgrammar": version("xgrammar")}, "max_whitespace": WHITESPACE}]
    for schema, texts, differs in SCHEMAS:
        grammar = xgrammar.Grammar.from_json_schema(json.dumps(schema), any_whitespace=True,
                                                    max_whitespace_cnt=WHITESPACE)
        lines.append(record("schema", schema, grammar, texts, differs))
    for pattern, texts, differs in PATTERNS:
        lines.append(record("regex", pattern, xgrammar.Grammar.from_regex(pattern), texts, differs))
    FIXTURE.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8", newline="\n")
    pairs = sum(len(line["accept"]) + len(line["reject"]) + len(line["differs"]) for line in lines[1:])
    print(f"{FIXTURE.name}: {len(lines) - 1} schemas and patterns, {pairs} texts")


if __name__ == "__main__":
    main()
