"""The rows that trl_oracle.py trains on: short made-up texts of very different lengths, the same for every run.

Plain prompts end in "Answer:" and answers begin with a space, so that no token reaches over the seam: where one does,
TRL and Cupel cut differently on purpose.
"""
from __future__ import annotations

import random

ROWS = 32
SEED = 20260711

THINGS = ("lamp kettle ladder violin compass blanket mirror hammer basket candle teapot bicycle anchor feather "
          "telescope umbrella").split()
PLACES = "the harbour,the attic,an old mill,the third drawer,a garden shed,the north tower,a quiet station".split(",")
TRAITS = "light,heavy,made of brass,painted green,older than the house,easy to carry,broken at one end".split(",")
REASONS = ["because the nights are long there", "since nobody else wanted it", "as it was left behind last winter",
           "so that it stays dry", "because it fits exactly", "since the door is always open"]
CLOSINGS = ["That is all I know.", "Nobody has moved it since.", "You can see it from the window.",
            "Ask again in spring.", "It is worth a short walk."]
POLITE = ["Please look yourself.", "I would rather not say.", "What a thing to ask!", "It depends.", "No."]


def question(rng):
    thing = rng.choice(THINGS)
    asked = rng.choice([f"Where is the {thing}?", f"Who keeps the {thing}, and why there?",
                        f"Describe the {thing} in a few words.", f"Tell me about the {thing}."])
    return thing, asked


def answer(rng, thing):
    """One to four sentences."""
    sentences = [f"The {thing} is in {rng.choice(PLACES)}, {rng.choice(REASONS)}."]
    if rng.random() < 0.7:
        sentences.append(f"It is {rng.choice(TRAITS)} and {rng.choice(TRAITS)}.")
    if rng.random() < 0.5:
        sentences.append(f"Beside it lies the {rng.choice(THINGS)}, {rng.choice(REASONS)}.")
    if rng.random() < 0.5:
        sentences.append(rng.choice(CLOSINGS))
    return " ".join(sentences)


def poor_answer(rng):
    """What is not preferred: short, or beside the point."""
    if rng.random() < 0.4:
        return rng.choice(POLITE)
    return answer(rng, rng.choice(THINGS)) + " " + rng.choice(POLITE)


def says(role, content):
    return {"role": role, "content": content}


def user(rng):
    thing, asked = question(rng)
    return thing, says("user", asked)


def messages(rng):
    """One to three turns, some behind a system message."""
    turns = [says("system", "Answer like a lighthouse keeper.")] if rng.random() < 0.3 else []
    for _ in range(rng.choice([1, 1, 2, 3])):
        thing, asked = user(rng)
        turns += [asked, says("assistant", answer(rng, thing))]
    return {"messages": turns}


def plain(rng):
    thing, asked = question(rng)
    return {"prompt": f"Question: {asked} Answer:", "completion": " " + answer(rng, thing)}


def pair(rng):
    """A conversation and two ways to go on; every fourth one has a turn before."""
    before = []
    if rng.random() < 0.25:
        thing, asked = user(rng)
        before = [asked, says("assistant", answer(rng, thing))]
    thing, asked = user(rng)
    return {"prompt": [*before, asked], "chosen": [says("assistant", answer(rng, thing))],
            "rejected": [says("assistant", poor_answer(rng))], "margin": rng.randint(0, 12) / 8}


def plain_pair(rng):
    row = plain(rng)
    return {"prompt": row["prompt"], "chosen": row["completion"], "rejected": " " + poor_answer(rng)}


def unpaired(rng):
    wanted = rng.random() < 0.6
    row = plain(rng)
    return row | {"completion": row["completion"] if wanted else " " + poor_answer(rng), "label": wanted}


KINDS = {"messages": messages, "plain": plain, "pairs": pair, "plain_pairs": plain_pair, "unpaired": unpaired}


def all_rows():
    """{kind: rows}; each kind has a stream of its own."""
    made = {}
    for kind, make in KINDS.items():
        rng = random.Random(f"{SEED} {kind}")
        made[kind] = [make(rng) for _ in range(ROWS)]
    return made
