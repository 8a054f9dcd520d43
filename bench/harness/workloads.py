"""The workloads: which cases a turn has, who takes part, and how turns alternate."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from .config import (BATCHES, CONTEXT_TOKENS, CONTEXTS, DECODE_TOKENS, MODELS, NEIGHBOUR_PREFILL, NEIGHBOUR_TOKENS,
                     PREFILLS, STREAMS)
from .contenders import Unavailable
from .processes import OthersMeter, busy_neighbour
from .statistics import paired_ratio, summary

ALL = ("cupel", "llama_cpp", "openvino", "transformers_bf16", "transformers_f32")
PAIR = ("cupel", "llama_cpp")
FLOATS = ("cupel_bf16", "transformers_bf16", "cupel_f32", "transformers_f32")
# A peer, and another form of it: the table shows the faster one under the peer's name.
FORMS = (("llama_cpp", "llama_cpp_unified"),)


@dataclass(frozen=True)
class Workload:
    what: str
    takes_part: tuple[str, ...]
    cases: object  # prompts of a model → list of cases
    most_rounds: int | None = None
    beside_neighbour: bool = False  # every turn alone, then beside a process that occupies one core
    models: tuple[str, ...] = tuple(MODELS)


def warm_up(prompts: dict) -> dict:
    """Untimed, once in a peer's turn: its threads are started, its kernels compiled. Cupel, which has a process per
    case, has no such turn."""
    return {"name": "warm_up", "kind": "prefill", "prompt": prompts["warm_up"]}


def decode_cases(prompts: dict, batches=BATCHES, tokens=DECODE_TOKENS) -> list[dict]:
    return [warm_up(prompts)] + [
        decode_case(prompts, f"batch {n}", prompts["decode"][:n], tokens) for n in batches]


def decode_case(prompts: dict, name: str, sequences: list, tokens: int) -> dict:
    """One sequence is preceded by an untimed decode of a short prompt, the same for every contender. Several are not:
    Cupel could not keep them apart, so it goes without, while the peers have run the cases before."""
    case = {"name": name, "kind": "decode", "prompts": sequences, "tokens": tokens}
    return {**case, "warm_up": prompts["warm_up"]} if len(sequences) == 1 else case


def prefill_cases(prompts: dict, lengths=PREFILLS) -> list[dict]:
    return [warm_up(prompts)] + [
        {"name": f"{n} tokens", "kind": "prefill", "prompt": prompts["prefill"][n]} for n in lengths]


def shared_cases(prompts: dict) -> list[dict]:
    return [{"name": f"{STREAMS} streams", "kind": "shared", "prefix": prompts["prefix"],
             "prompts": prompts["shared"][:STREAMS], "tokens": DECODE_TOKENS}]


def start_cases(prompts: dict) -> list[dict]:
    return [{"name": "first token", "kind": "start", "prompt": prompts["start"]}]


def context_cases(prompts: dict) -> list[dict]:
    return [warm_up(prompts)] + [
        decode_case(prompts, f"at {n}", [prompts["context"][n]], CONTEXT_TOKENS) for n in CONTEXTS]


def memory_cases(prompts: dict) -> list[dict]:
    return [{"name": "512 + 64 tokens", "kind": "decode", "prompts": [prompts["prefill"][512]], "tokens": DECODE_TOKENS}]


def float_cases(prompts: dict) -> list[dict]:
    return decode_cases(prompts, (1,)) + prefill_cases(prompts, (512,))[1:]


def neighbour_cases(prompts: dict) -> list[dict]:
    return decode_cases(prompts, (1,), NEIGHBOUR_TOKENS) + prefill_cases(prompts, (NEIGHBOUR_PREFILL,))[1:]


WORKLOADS = {
    "decode": Workload("decode, tokens/s of all sequences", ALL, decode_cases),
    "prefill": Workload("prefill, tokens/s", ALL, prefill_cases),
    "shared": Workload("16 streams after one shared 300-token prefix, 64 tokens each, tokens/s",
                       (*ALL, "llama_cpp_unified"), shared_cases),
    "start": Workload("process start to first token of a 5-token prompt, s", ALL, start_cases),
    "memory": Workload("peak memory and load time, one sequence", ALL, memory_cases, most_rounds=1),
    "context": Workload("decode against context length, tokens/s", PAIR, context_cases, most_rounds=3),
    "neighbour": Workload("speed beside a process that occupies one core", PAIR, neighbour_cases, most_rounds=3,
                          beside_neighbour=True),
    "float": Workload("BF16 and F32 weights, decode at batch 1 and prefill, tokens/s", FLOATS, float_cases, most_rounds=3,
                      models=("smollm2",)),
}
# A few minutes: less of everything, and no transformers.
QUICK_WORKLOADS = ("startup", "tokens", "decode", "prefill", "shared", "start", "memory")
QUICK_PEERS = ("llama_cpp", "openvino")


def value_of(measured: dict) -> float:
    """The figure of one case: a rate, or a start's seconds. A peer's start leaves Python's own start and imports out."""
    if "tokens_per_s" in measured:
        return measured["tokens_per_s"]
    return measured.get("since_load_s", measured.get("process_s"))


class Series:
    """All turns of one workload on one model."""

    def __init__(self, workload: Workload, contenders: list, model: str, prompts: dict, rounds: int):
        self.contenders = [each for each in contenders if each.name in workload.takes_part]
        self.workload, self.model, self.rounds = workload, model, min(rounds, workload.most_rounds or rounds)
        self.cases = workload.cases(prompts)
        self.turns: dict[str, list[dict]] = {each.name: [] for each in self.contenders}
        self.beside: dict[str, list[dict]] = {each.name: [] for each in self.contenders}
        self.gone: dict[str, str] = {}
        self.busy: list[float] = []

    def measure(self) -> dict:
        """A B C D A B C D …; a contender that fails is out for the rest, and its reason is in the result."""
        for index in range(self.rounds):
            for contender in self.contenders:
                if contender.name not in self.gone and index < (contender.most_rounds or self.rounds):
                    self.take_turn(contender)
        return self.result()

    def take_turn(self, contender) -> None:
        try:
            with OthersMeter() as meter:
                self.turns[contender.name].append(contender.turn(self.model, self.cases))
                if self.workload.beside_neighbour:
                    with busy_neighbour():
                        self.beside[contender.name].append(contender.turn(self.model, self.cases))
            self.busy.append(meter.share)
        except (Unavailable, RuntimeError, OSError, KeyError, ValueError) as error:
            kind = "not available" if isinstance(error, Unavailable) else f"failed: {type(error).__name__}"
            self.gone[contender.name] = f"{kind}: {error}"
            print(f"bench: {self.model}: {contender.label} {self.gone[contender.name]}", file=sys.stderr, flush=True)

    def result(self) -> dict:
        names = [case["name"] for case in self.cases if case["name"] != "warm_up"]
        about_cases = {case["name"]: {"mean_positions": mean_positions(case), "sequences": len(case.get("prompts", [None])),
                                      "values": {}} for case in self.cases}
        # No turn came to its end: there is no figure that others could have disturbed.
        busy_share = sorted(self.busy)[len(self.busy) // 2] if self.busy else 0.0
        result: dict = {"rounds": self.rounds, "busy_share": busy_share, "cases": {name: about_cases[name] for name in names},
                        "contenders": {}}
        for contender in self.contenders:
            turns = self.turns[contender.name]
            about: dict = {"label": contender.label, "settings": contender.settings(self.model)}
            if contender.name in self.gone:
                about["missing"] = self.gone[contender.name]
            if turns and contender.name not in self.gone:
                about["load_s"] = summary([turn["load_s"] for turn in turns])
                about["peak_bytes"] = max(turn["peak_bytes"] for turn in turns)
                for name in names:
                    result["cases"][name]["values"][contender.name] = self.case_result(contender.name, name)
            result["contenders"][contender.name] = about
        keep_better_forms(result)
        return result

    def case_result(self, contender: str, name: str) -> dict:
        turns = self.turns[contender]
        measured = {**summary([value_of(turn["cases"][name]) for turn in turns]),
                    "turns": [turn["cases"][name] for turn in turns]}
        if self.workload.beside_neighbour:
            beside = [value_of(turn["cases"][name]) for turn in self.beside[contender]]
            measured["beside"] = summary(beside)
            measured["share_kept"] = summary([after / before for before, after in zip(measured["values"], beside)])
        return measured


def keep_better_forms(result: dict) -> None:
    """Where a peer was measured in two forms, case by case the faster stands under its name, and both are said."""
    for name, other in FORMS:
        if other not in result["contenders"]:
            continue
        about, other_about = result["contenders"][name], result["contenders"].pop(other)
        for case in result["cases"].values():
            values = case["values"]
            first, second = values.get(name), values.pop(other, None)
            case["forms"] = f"{about['label']}: {form_figure(first, about)}; {form_figure(second, other_about)}"
            if second and (not first or paired_ratio(second["values"], first["values"]) > 1):
                values[name] = second
            if first and second:
                case["forms"] += "; the faster is shown and compared with"
        if "missing" in about and "missing" not in other_about:
            result["contenders"][name] = {**other_about, "label": about["label"]}


def form_figure(value: dict | None, about: dict) -> str:
    return f"{about['missing']}" if value is None else f"{value['median']:.1f} with {about['settings']}"


def mean_positions(case: dict) -> float:
    """Positions that a decoded token of a sequence attends to, on average."""
    prompts = case.get("prompts") or [case["prompt"]]
    return sum(len(prompt.ids) for prompt in prompts) / len(prompts) + case.get("tokens", 0) / 2


def choose_prompts(prompts: dict, cupel, model: str) -> dict:
    """Only prompts that Cupel does not answer with an early end, so that all contenders make the same tokens."""
    chosen = dict(prompts)
    for kind in ("decode", "shared"):
        case = {"name": kind, "kind": "decode", "prompts": prompts[kind], "tokens": DECODE_TOKENS}
        rows, _ = cupel.generate(model, case, check=False)
        full = [prompt for prompt, row in zip(prompts[kind], rows, strict=True)
                if row["usage"]["completion_tokens"] == DECODE_TOKENS]
        if len(full) < STREAMS:
            raise RuntimeError(f"{model}: only {len(full)} of {len(rows)} {kind} prompts run to {DECODE_TOKENS} tokens")
        chosen[kind] = full
    return chosen
