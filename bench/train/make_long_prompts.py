#!/usr/bin/env python3
"""Rows with long instructions and short answers: make_long_prompts.py --model DIR --seed N --out DIR

train.jsonl and held_out.jsonl: 100 and 50 conversations. The user tells what nine people did, in sentences that are put
together by the seed, and asks who had the most, the fewest, or came nearest to a number; the assistant names one of
them. Every text has at least 150 tokens of the model, every answer at most 10, and no text comes twice.

Whoever learns the answers alone can learn a hundred of them by heart; the rule is too hard for so few rows.
"""
from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from pathlib import Path

ROWS = {"train": 100, "held_out": 50}
PEOPLE, SHORTEST_PROMPT, LONGEST_ANSWER, TRIALS = 9, 150, 10, 10000
TRADES = ("baker", "miller", "smith", "weaver", "tailor", "potter", "fisher", "shepherd", "carpenter", "mason", "tanner",
          "cooper", "brewer", "gardener", "hunter", "painter", "printer", "sailor", "scribe", "shoemaker", "glazier",
          "thatcher", "wheelwright", "beekeeper")
ASIDES = ("while it rained", "before the bells rang", "without a word", "as the year before", "on the way home",
          "to everyone's surprise", "in spite of the cold", "with some help", "late in the afternoon", "with great care",
          "after a long rest", "between two meals", "as the neighbours tell", "with a song", "although the road was bad",
          "with a borrowed cart")
NUMBERS = range(11, 99, 3)  # so that what is one away from a number is nearer to no other
FORMS = ("The {who} {did} {n} {things} {aside}.", "{Aside}, the {who} {did} {n} {things}.",
         "It was {n} {things} that the {who} {did} {aside}.", "{Aside}, {n} {things} were {done} by the {who}.")
# A theme: what its passage opens with, what people did (also in the passive), and what is counted.
THEMES = (("The market was held on the square below the church.", "sold", "sold", "baskets"),
          ("In spring everybody helped to plant trees along the river.", "planted", "planted", "trees"),
          ("A box for letters was put up at the town hall this week.", "wrote", "written", "letters"),
          ("The harvest of apples was better than anyone had hoped.", "picked", "picked", "crates"),
          ("The bridge had to be mended before the winter came.", "carried", "carried", "stones"),
          ("A reading room opened, and its shelves were soon empty.", "borrowed", "borrowed", "books"))
QUESTIONS = (("Who {did} the most {things}?", lambda counts, _: max(counts, key=counts.get)),
             ("Who {did} the fewest {things}?", lambda counts, _: min(counts, key=counts.get)),
             ("Whose number of {things} is nearest to {near}?",
              lambda counts, near: min(counts, key=lambda who: abs(counts[who] - near))))


def conversation(source: random.Random) -> dict:
    opening, did, done, things = source.choice(THEMES)
    counts = dict(zip(source.sample(TRADES, PEOPLE), source.sample(NUMBERS, PEOPLE)))
    words = {"did": did, "done": done, "things": things}
    told = [source.choice(FORMS).format(**words, who=who, n=n, aside=aside, Aside=aside.capitalize())
            for (who, n), aside in zip(counts.items(), source.sample(ASIDES, PEOPLE))]
    question, answer = source.choice(QUESTIONS)
    near = source.choice(list(counts.values())) + source.choice((-1, 1))
    asked = question.format(**words, near=near)
    return {"messages": [{"role": "user", "content": " ".join([opening, *told, asked, "Answer with the trade alone."])},
                         {"role": "assistant", "content": f"The {answer(counts, near)}."}]}


def rows(tokens: Callable[[str], int], source: random.Random, count: int, seen: set[str]) -> list[dict]:
    """`tokens`: how many a text has. Texts of `seen` are passed over, those of new rows go into it."""
    found: list[dict] = []
    for _ in range(TRIALS):
        row = conversation(source)
        prompt, answer = (message["content"] for message in row["messages"])
        # The token that ends the answer counts.
        if tokens(prompt) >= SHORTEST_PROMPT and tokens(answer) < LONGEST_ANSWER and prompt not in seen:
            seen.add(prompt)
            found.append(row)
            if len(found) == count:
                return found
    raise SystemExit(f"make_long_prompts.py: {len(found)} rows of {TRIALS} draws are long enough; {count} are needed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(options.model / "tokenizer.json"))
    source, seen = random.Random(options.seed), set()

    def tokens(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    options.out.mkdir(parents=True, exist_ok=True)
    for name, count in ROWS.items():
        text = "".join(json.dumps(row) + "\n" for row in rows(tokens, source, count, seen))
        (options.out / f"{name}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
