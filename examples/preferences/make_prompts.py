#!/usr/bin/env python3
"""Prompts of the tutorial on preferences (docs/tutorial-preferences.md), each with a rule that a program decides.

    make_prompts.py sentences|word >prompts.jsonl

sentences: answers in two or three sentences, in one paragraph; prompts about one subject are a group.
word: answers that use a given word, in at most three sentences (else more text is the easiest way to use it); prompts
with one word are a group, so that other words are tested than learnt.
"""
import json
import sys

SUBJECTS = """rivers bees bread trains maps bridges clocks winter music salt gardens boats candles deserts dreams drums eggs
elephants farms fire fish flags forests friendship glass gold gravity hats honey horses houses ice insects islands kites
lakes lamps leaves letters libraries light lions markets mirrors money mountains museums names newspapers night oceans
onions owls paint paper parks pencils photographs pianos pillows planets poems potatoes rain rainbows rice roads robots
roofs ropes roses sailing sand schools seeds shadows sharks shoes silence silk sleep smiles snow soap soup spiders sports
spring stairs stars stone storms stories sugar summer swimming tea teeth theatres thunder tigers time tools towers towns
toys trees tunnels umbrellas valleys vegetables villages volcanoes walls water weather whales wheels wind windows wool
writing""".split()

FORMS = [
    "Tell me about {}.",
    "Why do people care about {}?",
    "What would you say to a child who asks about {}?",
    "What is interesting about {}?",
    "How would you describe {} to a friend?",
    "What should a beginner know about {}?",
]

WORDS = """morning quiet bright together old first children small warm city history change home hand simple summer famous
learn colour world journey strong family sound early open gentle work deep share story nature careful green patient begin
travel remember surprise useful""".split()


def sentences():
    program = {"kind": "all", "of": [{"kind": "sentences", "min": 2, "max": 3},
                                     {"kind": "paragraphs", "min": 1, "max": 1}]}
    rule = {"question": "Is the response one paragraph of two or three sentences?", "program": program}
    for subject in SUBJECTS:
        for number, form in enumerate(FORMS, 1):
            yield {"id": f"{subject}-{number}", "group": subject, "rule": rule,
                   "prompt": form.format(subject) + " Answer in two or three sentences."}


def word():
    for number, wanted in enumerate(WORDS):
        rule = [{"question": f"Does the response use the word \"{wanted}\"?",
                 "program": {"kind": "contains", "any": [wanted], "whole_word": True}},
                {"question": "Does the response have at most three sentences?",
                 "program": {"kind": "sentences", "max": 3}}]
        for subject in SUBJECTS[number % 7::7]:
            yield {"id": f"{wanted}-{subject}", "group": wanted, "rule": rule,
                   "prompt": f"Write two or three sentences about {subject}. Use the word \"{wanted}\"."}


def main():
    kinds = {"sentences": sentences, "word": word}
    if len(sys.argv) != 2 or sys.argv[1] not in kinds:
        sys.exit("usage: make_prompts.py sentences|word >prompts.jsonl")
    for row in kinds[sys.argv[1]]():
        print(json.dumps(row))


if __name__ == "__main__":
    main()
