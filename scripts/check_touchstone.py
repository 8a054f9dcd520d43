#!/usr/bin/env python3
"""Checks the Touchstone benchmark and serves as the oracle for its checklist programs.

Usage: check_touchstone.py [--root DIR] [--write] [--dump FILE] [--answers FILE ...] [--verbose]

  --write          refresh the sha256 table in manifest.json
  --dump FILE      JSONL {"id", "answer_of", "pass"}: every program item on its own reference, on the
                   references of the questions 1, 8 and 15 places further on (cyclic, same turn), on the
                   null answer (answer_of 0) and on the empty answer (answer_of -1)
  --answers FILE   FastChat answer file: print its pass rate per category (no constraint on it)
  --verbose        name every reference that fails and the items that pass most often when shuffled

The program vocabulary is written here a second time, independently of the C++ one, so that either can
catch mistakes of the other. Rules that both follow:
  text        CRLF becomes LF, then ASCII white space is trimmed at both ends. White space is ASCII
              (blank, \\t \\n \\v \\f \\r); case folding is ASCII only.
  letters     "letter or digit" means Unicode categories L* and N*.
  words       pieces between white space that hold a letter or digit.
  sentences   pieces ended by [.!?]+ plus closing quotes or brackets before white space or the end (a
              last piece may lack the end mark); a piece counts when it holds a letter.
  numbers     [+-]? digits (thousands commas allowed) and decimals, not glued to a letter or digit on the
              left; U+2212 is a minus sign.
  fences      lines whose first visible characters are ```; an open fence runs to the end of the text.
  regex       UTF, multiline, \\d \\w \\s \\b ASCII; only syntax that PCRE2 and Python share.
Exit status: 0 all constraints hold, 1 some do not, 2 usage.
"""
import argparse
import hashlib
import json
import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path

CATEGORIES = ["writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"]
TEMPERATURES = {"writing": 0.7, "roleplay": 0.7, "extraction": 0.0, "math": 0.0, "coding": 0.0,
                "reasoning": 0.0, "stem": 0.1, "humanities": 0.1}
NULL_ANSWER = "I am an AI assistant and I am happy to help you with that."
DUMP_SHIFTS = (1, 8, 15)
MIN_REFERENCE_RATE, MAX_SHUFFLED_RATE, MAX_NULL_RATE, MAX_ECHO_RATE = 0.95, 0.20, 0.02, 0.02
SPACE = " \t\n\v\f\r"
LOWER = {ord(c): ord(c) + 32 for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
NUMBER = re.compile(r"(?<![^\W_])[+\-\u2212]?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?")
SENTENCE_END = re.compile(r"[.!?]+[\"'\u201d\u2019)\]*_]*(?=[ \t\n\v\f\r]|\Z)")
BULLET = re.compile(r"[ \t]*[-*+\u2022][ \t]+(?=\S)")
NUMBERED = re.compile(r"[ \t]*[0-9]+[.)][ \t]+(?=\S)")


# --- text primitives -------------------------------------------------------------------------------

def is_letter(char):
    return unicodedata.category(char)[0] == "L"


def is_alnum(char):
    return unicodedata.category(char)[0] in "LN"


def clean(text):
    return text.replace("\r\n", "\n").strip(SPACE)


def lines_of(text):
    return [line.strip(SPACE) for line in text.split("\n") if line.strip(SPACE)]


def words_of(text):
    return [w for w in re.split("[ \t\n\v\f\r]+", text) if any(is_alnum(c) for c in w)]


def sentences_of(text):
    pieces, start = [], 0
    for end in SENTENCE_END.finditer(text):
        pieces.append(text[start:end.end()])
        start = end.end()
    pieces.append(text[start:])
    return [p for p in pieces if any(is_letter(c) for c in p)]


def paragraphs_of(text):
    return [p for p in re.split(r"\n[ \t\v\f\r]*\n", text) if p.strip(SPACE)]


def numbers_of(text):
    return [float(m.group().replace(",", "").replace("\u2212", "-")) for m in NUMBER.finditer(text)]


def list_items_of(text, style="any"):
    items = []
    for line in text.split("\n"):
        for name, marker in (("bullet", BULLET), ("numbered", NUMBERED)):
            hit = marker.match(line)
            if hit and style in (name, "any"):
                items.append(line[hit.end():].strip(SPACE))
                break
    return items


def fences_of(text):
    """Returns the fenced blocks as (info word, body) and the lines outside of them."""
    blocks, outside, current = [], [], None
    for line in text.split("\n"):
        mark = line.lstrip(SPACE).startswith("```")
        if mark and current is None:
            info = line.lstrip(SPACE)[3:].strip(SPACE).translate(LOWER)
            current = (info.split(" ")[0], [])
            blocks.append(current)
        elif mark:
            current = None
        elif current is not None:
            current[1].append(line)
        else:
            outside.append(line)
    return [(info, "\n".join(body)) for info, body in blocks], "\n".join(outside)


def occurrences(text, needle, case_sensitive, whole_word):
    if not case_sensitive:
        text, needle = text.translate(LOWER), needle.translate(LOWER)
    count, at = 0, text.find(needle)
    while at >= 0:
        end = at + len(needle)
        flanked = (at > 0 and is_alnum(text[at - 1])) or (end < len(text) and is_alnum(text[end]))
        if whole_word and flanked:
            at = text.find(needle, at + 1)
            continue
        count += 1
        at = text.find(needle, end)
    return count


def within(value, program):
    low, high = program.get("min"), program.get("max")
    return (low is None or value >= low) and (high is None or value <= high)


# --- program kinds ---------------------------------------------------------------------------------

def run_number(p, text):
    found = numbers_of(text)
    position = p.get("position", "any")
    if position != "any":
        found = found[:1] if position == "first" else found[-1:]
    return any(abs(v - p["value"]) <= p.get("tolerance", 0) + 1e-9 for v in found)


def run_contains(p, text):
    def has(needle):
        return occurrences(text, needle, p.get("case_sensitive", False), p.get("whole_word", True)) > 0
    return (all(map(has, p.get("all", []))) and (not p.get("any") or any(map(has, p["any"])))
            and not any(map(has, p.get("none", []))))


def run_count(p, text):
    return within(occurrences(text, p["text"], p.get("case_sensitive", False), p.get("whole_word", True)), p)


def compiled(p):
    return re.compile(p["pattern"], re.M | re.A | (0 if p.get("case_sensitive", True) else re.I))


def run_regex(p, text):
    return within(sum(1 for _ in compiled(p).finditer(text)), {"min": p.get("min", 1), "max": p.get("max")})


def run_list_items(p, text):
    return within(len(list_items_of(text, p.get("style", "any"))), p)


def reject_constant(name):
    raise ValueError(name)


def first_json(text):
    """Returns (value, whole): the first JSON object or array, and whether it is all of the text."""
    decoder = json.JSONDecoder(parse_constant=reject_constant)
    for hit in re.finditer(r"[{\[]", text):
        try:
            value, end = decoder.raw_decode(text, hit.start())
        except ValueError:
            continue
        return value, not (text[:hit.start()] + text[end:]).strip(SPACE)
    return None, False


def same_json(a, b):
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_json, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_json(a[k], b[k]) for k in a)
    return a == b


def run_json(p, text):
    blocks, outside = fences_of(text)
    value, whole = first_json(blocks[0][1] if blocks else text)
    if value is None or not isinstance(value, {"object": dict, "array": list}[p.get("type", "object")]):
        return False
    if p.get("only", False) and not (whole and len(blocks) <= 1 and (not blocks or not outside.strip(SPACE))):
        return False
    if not within(len(value), {"min": p.get("min_items"), "max": p.get("max_items")}):
        return False
    if isinstance(value, list):
        return not p.get("required") and not p.get("equals")
    return (all(key in value for key in p.get("required", []))
            and all(key in value and same_json(value[key], v) for key, v in p.get("equals", {}).items()))


def comma_items(text):
    """Items of the line with most commas, after its last colon, without "and" and a final full stop."""
    line = max(lines_of(text) or [""], key=lambda l: l.count(","))
    items = [i.strip(SPACE) for i in line.rsplit(":", 1)[-1].strip(SPACE).rstrip(".").split(",")]
    return [re.sub(r"^and ", "", i) for i in items if i]


def run_sorted(p, text):
    items = {"list_items": list_items_of, "lines": lines_of, "commas": comma_items}[p.get("of", "lines")](text)
    if len(items) < p.get("min_items", 2):
        return False
    if p.get("by", "alphabetical") == "numeric":
        numbers = [numbers_of(i)[:1] for i in items]
        if not all(numbers):
            return False
        keys = [n[0] for n in numbers]
    else:
        keys = [re.sub(r"^[\W_]+", "", i).translate(LOWER) for i in items]
    descending = p.get("order", "ascending") == "descending"
    return all((a >= b) if descending else (a <= b) for a, b in zip(keys, keys[1:]))


def run_edge(p, text):
    if not p.get("case_sensitive", False):
        text, edge = text.translate(LOWER), p["text"].translate(LOWER)
    else:
        edge = p["text"]
    return text.startswith(edge) if p["kind"] == "starts_with" else text.endswith(edge)


def run_each_line(p, text):
    lines = lines_of(text)
    return len(lines) >= p.get("min_lines", 1) and all(compiled(p).search(line) for line in lines)


def run_code_block(p, text):
    wanted = p.get("language", "").translate(LOWER)
    return any((not wanted or info == wanted) and all(c in body for c in p.get("contains", []))
               for info, body in fences_of(text)[0])


def run_distinct_words(p, text):
    bare = []
    for word in words_of(text.translate(LOWER)):
        keep = [i for i, c in enumerate(word) if is_alnum(c)]
        bare.append(word[keep[0]:keep[-1] + 1])
    return len(bare) >= p.get("min_words", 10) and len(set(bare)) >= p.get("min_ratio", 0.4) * len(bare)


MEASURES = {"words": lambda t: len(words_of(t)), "sentences": lambda t: len(sentences_of(t)),
            "lines": lambda t: len(lines_of(t)), "paragraphs": lambda t: len(paragraphs_of(t)),
            "characters": len}
BOUNDS = {"min", "max"}
KINDS = {  # kind: (function, required keys, optional keys)
    "number": (run_number, {"value"}, {"tolerance", "position"}),
    "contains": (run_contains, set(), {"all", "any", "none", "case_sensitive", "whole_word"}),
    "count": (run_count, {"text"}, BOUNDS | {"case_sensitive", "whole_word"}),
    "regex": (run_regex, {"pattern"}, BOUNDS | {"case_sensitive"}),
    "list_items": (run_list_items, set(), BOUNDS | {"style"}),
    "json": (run_json, set(), {"type", "required", "equals", "min_items", "max_items", "only"}),
    "sorted": (run_sorted, set(), {"of", "order", "by", "min_items"}),
    "starts_with": (run_edge, {"text"}, {"case_sensitive"}),
    "ends_with": (run_edge, {"text"}, {"case_sensitive"}),
    "each_line": (run_each_line, {"pattern"}, {"min_lines"}),
    "code_block": (run_code_block, set(), {"language", "contains"}),
    "distinct_words": (run_distinct_words, set(), {"min_ratio", "min_words"}),
    "all": (lambda p, t: all(run(q, t) for q in p["of"]), {"of"}, set()),
    "any": (lambda p, t: any(run(q, t) for q in p["of"]), {"of"}, set()),
    "not": (lambda p, t: not run(p["of"], t), {"of"}, set()),
}
for measure_name, measure in MEASURES.items():
    KINDS[measure_name] = (lambda p, t, f=measure: within(f(t), p), set(), BOUNDS)
CHOICES = {"position": {"first", "last", "any"}, "style": {"bullet", "numbered", "any"},
           "type": {"object", "array"}, "order": {"ascending", "descending"},
           "by": {"alphabetical", "numeric"}}


def run(program, text):
    """Decides one program on one answer (already cleaned)."""
    return bool(KINDS[program["kind"]][0](program, text))


def schema_errors(p):
    """Names what is wrong with a program's form, in itself and in its parts."""
    if not isinstance(p, dict) or p.get("kind") not in KINDS:
        return [f"unknown kind in {json.dumps(p)}"]
    _, required, optional = KINDS[p["kind"]]
    keys = set(p) - {"kind"}
    errors = [f'{p["kind"]}: missing {k}' for k in required - keys]
    errors += [f'{p["kind"]}: unknown {k}' for k in keys - required - optional]
    errors += [f'{p["kind"]}: {k} = {p[k]}' for k in keys & set(CHOICES) if p[k] not in CHOICES[k]]
    if p["kind"] == "sorted" and p.get("of", "lines") not in ("list_items", "lines", "commas"):
        errors.append("sorted: bad of")
    if p["kind"] == "contains":
        needles = p.get("all", []) + p.get("any", []) + p.get("none", [])
        errors += [f"contains: not ASCII or empty: {n!r}" for n in needles if not n or not n.isascii()]
        errors += [] if p.get("all") or p.get("any") or p.get("none") else ["contains: no list"]
    if "pattern" in p:
        errors += pattern_errors(p["pattern"])
    if p["kind"] in ("all", "any"):
        errors += [e for q in p["of"] for e in schema_errors(q)] if p["of"] else ["empty of"]
    if p["kind"] == "not":
        errors += schema_errors(p["of"])
    return errors


def pattern_errors(pattern):
    if re.search(r"\\[ZzhHKRXgk]|\(\?P|\[\[:|\*\+|\+\+|\?\+", pattern):
        return [f"regex outside the common syntax: {pattern}"]
    try:
        re.compile(pattern)
    except re.error as error:
        return [f"regex {pattern}: {error}"]
    return []


# --- the benchmark ---------------------------------------------------------------------------------

def read_jsonl(path):
    records = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            records.append(json.loads(line))
        except ValueError as error:
            sys.exit(f"{path.name}:{number}: {error}")
    return records


def answers_of(path):
    return {r["question_id"]: [clean(t) for t in r["choices"][0]["turns"]] for r in read_jsonl(path)}


class Touchstone:
    """The loaded files and the programs of their checklists."""

    def __init__(self, root):
        self.root = root
        self.manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
        self.questions = read_jsonl(root / self.manifest["questions"])
        self.references = answers_of(root / self.manifest["references"])
        self.checklists = read_jsonl(root / self.manifest["checklists"])
        self.prompts = read_jsonl(root / self.manifest["judge_prompts"])
        self.ids = [q["question_id"] for q in self.questions]
        self.category = {q["question_id"]: q["category"] for q in self.questions}
        self.turns = {q["question_id"]: q["turns"] for q in self.questions}

    def items(self):
        for record in self.checklists:
            for item in record["items"]:
                yield record["question_id"], record["turn"], item

    def programs(self):
        return [(q, t, i["id"], i["program"]) for q, t, i in self.items() if "program" in i]

    def shifted(self, question_id, shift):
        return self.ids[(self.ids.index(question_id) + shift) % len(self.ids)]

    def hashes(self):
        names = [self.manifest[k] for k in ("questions", "references", "checklists", "judge_prompts")]
        return {n: hashlib.sha256((self.root / n).read_bytes()).hexdigest() for n in names}


def check_questions(bench):
    errors = []
    if bench.ids != list(range(1, 25)):
        errors.append("question ids are not 1..24 in order")
    wanted = [c for c in CATEGORIES for _ in range(3)]
    if [q["category"] for q in bench.questions] != wanted:
        errors.append("categories are not three of each in order")
    for q in bench.questions:
        if len(q["turns"]) != 2 or not all(t.strip() for t in q["turns"]):
            errors.append(f'question {q["question_id"]}: needs two turns')
        extra = set(q) - {"question_id", "category", "turns", "reference"}
        errors += [f'question {q["question_id"]}: unknown key {k}' for k in extra]
        turns = bench.references.get(q["question_id"], [])
        if len(turns) != 2 or not all(turns):
            errors.append(f'question {q["question_id"]}: needs two reference answers')
    if set(bench.references) != set(bench.ids):
        errors.append("reference ids differ from question ids")
    return errors


def check_checklists(bench):
    errors = []
    if [(r["question_id"], r["turn"]) for r in bench.checklists] != [(q, t) for q in bench.ids for t in (1, 2)]:
        errors.append("checklists are not one line per question and turn, in order")
    for r in bench.checklists:
        name = f'checklist {r["question_id"]}.{r["turn"]}'
        if not 4 <= len(r["items"]) <= 8:
            errors.append(f'{name}: {len(r["items"])} items')
        if [i["id"] for i in r["items"]] != [f'{r["question_id"]}.{r["turn"]}.{k + 1}' for k in range(len(r["items"]))]:
            errors.append(f"{name}: ids out of order")
        texts = [i["question"] for i in r["items"]]
        errors += [f"{name}: duplicate: {t}" for t, n in Counter(texts).items() if n > 1]
        errors += [f"{name}: not a question: {t}" for t in texts if not t.endswith("?")]
        programs = [json.dumps(i["program"], sort_keys=True) for i in r["items"] if "program" in i]
        errors += [f"{name}: duplicate program {p}" for p, n in Counter(programs).items() if n > 1]
        if not programs:
            errors.append(f"{name}: no program item")
        errors += [f'{i["id"]}: {e}' for i in r["items"] if "program" in i for e in schema_errors(i["program"])]
    return errors


SINGLE, PAIR = {"answer"}, {"answer_a", "answer_b"}
SINGLE_2 = {"question_1", "question_2", "answer_1", "answer_2"}
PAIR_2 = {"question_1", "question_2", "answer_a_1", "answer_a_2", "answer_b_1", "answer_b_2"}
REF_2 = {"ref_answer_1", "ref_answer_2"}
TEMPLATES = {  # name: (type, output format, placeholders)
    "single-v1": ("single", "[[rating]]", SINGLE | {"question"}),
    "single-math-v1": ("single", "[[rating]]", SINGLE | {"question", "ref_answer_1"}),
    "single-v1-multi-turn": ("single", "[[rating]]", SINGLE_2),
    "single-math-v1-multi-turn": ("single", "[[rating]]", SINGLE_2 | REF_2),
    "pair-v2": ("pairwise", "[[A]]", PAIR | {"question"}),
    "pair-math-v1": ("pairwise", "[[A]]", PAIR | {"question", "ref_answer_1"}),
    "pair-v2-multi-turn": ("pairwise", "[[A]]", PAIR_2),
    "pair-math-v1-multi-turn": ("pairwise", "[[A]]", PAIR_2 | REF_2),
    "checklist-v1": ("checklist", "Yes/No", {"history", "question", "answer", "item"}),
}


def check_prompts(bench):
    errors = []
    if sorted(p["name"] for p in bench.prompts) != sorted(TEMPLATES):
        errors.append("judge prompts: names differ from the nine expected")
    for p in bench.prompts:
        kind, output, places = TEMPLATES.get(p["name"], ("", "", set()))
        keys = {"name", "type", "system_prompt", "prompt_template", "description", "category", "output_format"}
        if set(p) != keys or p["type"] != kind or p["output_format"] != output:
            errors.append(f'judge prompt {p["name"]}: keys, type or output format')
        if set(re.findall(r"\{(\w+)\}", p["prompt_template"])) != places:
            errors.append(f'judge prompt {p["name"]}: placeholders')
        both = p["system_prompt"] + p["prompt_template"]
        if kind != "checklist" and not (output in both and (kind == "single" or "[[C]]" in both)):
            errors.append(f'judge prompt {p["name"]}: does not show its output format')
    return errors


def check_manifest(bench):
    m = bench.manifest
    errors = [] if m.get("temperatures") == TEMPERATURES else ["manifest: temperatures"]
    wanted = {"name": "touchstone", "license": "Apache-2.0", "history": "own", "protocol": "checklist",
              "need_reference": ["math", "reasoning", "coding"]}
    errors += [f"manifest: {k} = {m.get(k)!r}" for k, v in wanted.items() if m.get(k) != v]
    errors += [f"manifest: sha256 of {n} is stale (--write)" for n, h in bench.hashes().items()
               if m.get("sha256", {}).get(n) != h]
    return errors


def check_cases(path):
    """Runs the hand-derived examples of the program vocabulary."""
    cases = read_jsonl(path)
    unused = set(KINDS) - {c["program"]["kind"] for c in cases}
    errors = [f"program cases: no case for {k}" for k in sorted(unused)]
    for number, case in enumerate(cases, 1):
        errors += [f"{path.name}:{number}: {e}" for e in schema_errors(case["program"])]
        if not errors and run(case["program"], clean(case["text"])) != case["pass"]:
            errors.append(f"{path.name}:{number}: expected {case['pass']}: {json.dumps(case)}")
    print(f"program cases                {len(cases)}")
    return errors


def rate(outcomes):
    outcomes = list(outcomes)
    return sum(outcomes) / len(outcomes) if outcomes else 0.0


def check_rates(bench, verbose):
    programs, shifts = bench.programs(), range(1, len(bench.ids))
    own = {i: run(p, bench.references[q][t - 1]) for q, t, i, p in programs}
    shuffled = {i: rate(run(p, bench.references[bench.shifted(q, s)][t - 1]) for s in shifts)
                for q, t, i, p in programs}
    null = {i: run(p, clean(NULL_ANSWER)) for _, _, i, p in programs}
    echo = {i: run(p, clean(bench.turns[q][t - 1])) for q, t, i, p in programs}
    empty = {i: run(p, "") for _, _, i, p in programs}
    rows = [("reference", own), ("shuffled", shuffled), ("null", null), ("question", echo), ("empty", empty)]
    for name, outcome in rows:
        print(f"{name:<28} {100 * rate(outcome.values()):6.2f} %")
    if verbose:
        print("reference fails:", [i for i in own if not own[i]], "null passes:", [i for i in null if null[i]],
              "question passes:", [i for i in echo if echo[i]])
        print("most passed when shuffled:", [(i, round(r, 2)) for i, r in
                                            sorted(shuffled.items(), key=lambda x: -x[1])[:20]])
    print(f"{'category':<12} {'items':>6} {'program':>8} {'reference':>10} {'shuffled':>9}")
    for c in CATEGORIES:
        ids = [i for q, _, i, _ in programs if bench.category[q] == c]
        total = sum(1 for q, _, _ in bench.items() if bench.category[q] == c)
        print(f"{c:<12} {total:>6} {len(ids):>8} {100 * rate(own[i] for i in ids):>8.1f} % "
              f"{100 * rate(shuffled[i] for i in ids):>7.1f} %")
    print(f"{'all':<12} {sum(1 for _ in bench.items()):>6} {len(programs):>8}")
    errors = [f"reference rate below {MIN_REFERENCE_RATE}"] if rate(own.values()) < MIN_REFERENCE_RATE else []
    errors += [f"shuffled rate above {MAX_SHUFFLED_RATE}"] if rate(shuffled.values()) > MAX_SHUFFLED_RATE else []
    errors += [f"null rate above {MAX_NULL_RATE}"] if rate(null.values()) > MAX_NULL_RATE else []
    errors += [f"rate of the repeated question above {MAX_ECHO_RATE}"] if rate(echo.values()) > MAX_ECHO_RATE else []
    return errors + [f"{i} passes on the empty answer" for i in empty if empty[i]]


def report_answers(bench, path):
    """Prints the share of program items that a model's answers pass, per category, and returns nothing."""
    answers = answers_of(path)
    outcome = {i: run(p, answers[q][t - 1]) for q, t, i, p in bench.programs() if q in answers}
    cells = [f"{c} {100 * rate(outcome[i] for q, _, i, _ in bench.programs() if bench.category[q] == c and i in outcome):.0f}"
             for c in CATEGORIES]
    print(f"{path.stem}: {100 * rate(outcome.values()):.1f} %  ({', '.join(cells)})")


def dump(bench, path):
    with path.open("w", encoding="utf-8") as out:
        for q, t, i, p in bench.programs():
            sources = [(o, bench.references[o][t - 1]) for o in [q] + [bench.shifted(q, s) for s in DUMP_SHIFTS]]
            for origin, text in sources + [(0, clean(NULL_ANSWER)), (-1, "")]:
                out.write(json.dumps({"id": i, "answer_of": origin, "pass": run(p, text)}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path,
                        default=Path(__file__).resolve().parent.parent / "benchmarks" / "touchstone")
    parser.add_argument("--write", action="store_true", help="refresh sha256 in manifest.json")
    parser.add_argument("--dump", type=Path, metavar="FILE", help="write item outcomes as JSONL")
    parser.add_argument("--answers", type=Path, nargs="*", default=[], metavar="FILE", help="FastChat answer files")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    bench = Touchstone(options.root)
    if options.write:
        bench.manifest["sha256"] = bench.hashes()
        text = json.dumps(bench.manifest, indent=2, ensure_ascii=False) + "\n"
        (options.root / "manifest.json").write_text(text, encoding="utf-8")
    errors = check_questions(bench) + check_checklists(bench) + check_prompts(bench) + check_manifest(bench)
    errors += check_cases(options.root / "program_cases.jsonl")
    if not errors:
        errors += check_rates(bench, options.verbose)
        for path in options.answers:
            report_answers(bench, path)
        if options.dump:
            dump(bench, options.dump)
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    print("touchstone: " + ("ok" if not errors else f"{len(errors)} errors"))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
