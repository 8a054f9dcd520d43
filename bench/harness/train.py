"""The workload `train`: `cupel tune` beside TRL, on the same model, rows and order.

Model: SmolLM2's weights in f32, in a folder that both read. DPO on pairs with prompts of 200 tokens and answers of 100,
batches of 4, no checkpointing; supervised training on texts packed into rows of 1024. Every turn is a fresh process,
ours and TRL's alternate. Where a side can do a case in several forms, each is tried for a few steps and the fastest one
counts: that is the one that runs the epoch.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .checkpoints import stamp
from .config import BENCH, CACHE, MODELS, TEXT
from .processes import OthersMeter, last_json, run

SCRIPTS = BENCH / "train"
PACKAGES = ("trl", "transformers", "torch", "peft", "accelerate")
SETUP = "bench/setup.sh --train installs it"
BATCH, PACKED_LENGTH, TURN_LIMIT_S = 4, 1024, 3600
SHARED = {"seed": 1, "epochs": 100, "data.shuffle": False, "batch.size": BATCH, "optim.lr": 1e-5,
          "sched.name": "constant", "sched.warmup_steps": 0, "log.tensorboard": False, "log.report": False}


@dataclass(frozen=True)
class Case:
    """`ours` and `theirs`: name of a form → recipe keys, or arguments of trl_turn.py."""

    what: str
    rows: str
    epoch_steps: int
    keys: dict
    ours: dict
    method: str
    theirs: dict


def on_the_fly_or_before(**forms: tuple) -> dict:
    return {f"{name}, reference {reference}": (*arguments, "--reference", reference)
            for name, arguments in forms.items() for reference in ("live", "precomputed")}


MIXED = {"mixed": {"precision": "bf16-mixed"}, "pure": {"precision": "bf16-pure"}}
DPO = {"method": "dpo", "preference.params.beta": 0.1, "data.packing": "none", "batch.micro": BATCH}
LORA = DPO | {"parameters": "lora", "preference.reference": "adapter_off", "lora.rank": 16, "lora.alpha": 32}
CASES = {
    "dpo f32": Case("DPO, f32", "pairs", 16, DPO, {"f32": {"precision": "fp32"}},
                    "dpo", on_the_fly_or_before(f32=("--precision", "f32"))),
    "dpo bf16": Case("DPO, bf16", "pairs", 16, DPO, MIXED, "dpo",
                     on_the_fly_or_before(pure=("--precision", "bf16"), autocast=("--precision", "autocast"))),
    "lora dpo": Case("DPO with LoRA, f32", "pairs", 16, LORA, {"f32": {"precision": "fp32"}},
                     "lora", on_the_fly_or_before(f32=("--precision", "f32"))),
    "sft packed": Case("supervised, packed, f32", "texts", 8,
                       {"method": "sft", "data.loss_on": "full", "data.packing": "bfd",
                        "data.max_length": PACKED_LENGTH, "precision": "fp32"},
                       {"4 rows at once": {"batch.micro": 4}, "row by row": {"batch.micro": 1}},
                       "sft", {"4 rows at once": ("--micro", "4"), "row by row": ("--micro", "1")}),
}


class Absent(RuntimeError):
    """What is not installed or built here; the text says how to get it."""


def train_python() -> Path:
    """The interpreter of TRL: that of the environment beside this one."""
    here = Path(sys.prefix)
    name = here.name if here.name.endswith("-train") else here.name + "-train"
    python = Path(os.environ.get("CUPEL_BENCH_TRAIN_PYTHON", here.with_name(name) / "bin" / "python"))
    if not python.exists():
        raise Absent(f"TRL is not installed; {SETUP}")
    return python


def made_once(stem: str, inputs: bytes, make) -> Path:
    """A folder in the cache, made by `make(partial folder)`; its name holds what it was made from."""
    folder = CACHE / f"{stem}-{hashlib.sha256(inputs).hexdigest()[:12]}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        partial = folder.with_name(folder.name + ".tmp")
        shutil.rmtree(partial, ignore_errors=True)
        make(partial)
        partial.rename(folder)
    return folder


def write_recipe(path: Path, keys: dict) -> Path:
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items()), encoding="utf-8")
    return path


def epoch_seconds(turn: dict, epoch_steps: int) -> float:
    """Reference and steps; of a turn with fewer steps, what an epoch of its usual step would take."""
    steps = turn["steps_s"]
    share = len(steps) / epoch_steps
    return turn["reference_s"] / share + (sum(steps) if share == 1 else usual_step(turn) * epoch_steps)


def usual_step(turn: dict) -> float:
    """The first step pays for memory that the others find."""
    return statistics.median(turn["steps_s"][1:] or turn["steps_s"])


def difference_of_losses(ours: dict, theirs: dict) -> float:
    """Largest relative difference over the first steps: both learnt the same rows in the same way."""
    pairs = list(zip(ours["losses"], theirs["losses"]))[:3]
    return max(abs(our - their) / abs(their) for our, their in pairs)


class Training:
    """All of the workload. `result` is complete whatever failed."""

    def __init__(self, binary: Path, threads: int, quick: bool, cases: list[str] | None = None):
        self.binary, self.threads, self.quick = binary, threads, quick
        self.cases = {name: CASES[name] for name in cases or CASES}
        self.python = train_python()
        self.busy: list[float] = []
        self.result: dict = {"cases": {}, "failures": []}

    def measure(self) -> dict:
        code = ("import json, sys\nfrom importlib import metadata\n"
                "print(json.dumps({name: metadata.version(name) for name in sys.argv[1:]}))")
        self.result["versions"] = last_json(run([self.python, "-c", code, *PACKAGES]).out)
        self.prepare()
        for name, case in self.cases.items():
            found = self.attempt(case.what, lambda: self.one(case))  # noqa: B023
            if found:
                self.result["cases"][name] = found
        self.result["busy_share"] = statistics.median(self.busy) if self.busy else 0.0
        return self.result

    def prepare(self) -> None:
        """Model and rows, made once."""
        self.model = made_once("train-smollm2", stamp("smollm2").encode(), self.convert)
        script = SCRIPTS / "make_rows.py"
        made_of = script.read_bytes() + TEXT.read_bytes() + self.model.name.encode()
        self.rows = made_once("train-rows", made_of, lambda out: run(
            [self.python, script, "--model", self.model, "--text", TEXT, "--out", out]))

    def attempt(self, what: str, work) -> dict | None:
        try:
            return work()
        except (RuntimeError, OSError, KeyError, ValueError, IndexError) as error:
            self.result["failures"].append({"what": f"train: {what}", "why": f"{type(error).__name__}: {error}"})
            print(f"bench: train: {what}: {error}", file=sys.stderr, flush=True)
            return None

    def convert(self, folder: Path) -> None:
        run([self.binary, "convert", MODELS["smollm2"].path, folder, "--type", "f32"])

    def one(self, case: Case) -> dict:
        """Every form of both sides for a few steps, in turn; then, unless in a hurry, the epoch of the fastest."""
        probe = 2 if self.quick else 3
        forms = {"cupel": dict(case.ours), "trl": dict(case.theirs)}
        tried: dict = {"cupel": {}, "trl": {}}
        for index in range(max(map(len, forms.values()))):
            for side, named in forms.items():
                if index < len(named):
                    form = list(named)[index]
                    tried[side][form] = self.turn(case, side, named[form], probe)
        best = {side: min(made, key=lambda form: epoch_seconds(made[form], case.epoch_steps))
                for side, made in tried.items()}
        turns = {side: tried[side][form] for side, form in best.items()}
        if not self.quick:
            turns = {side: self.turn(case, side, forms[side][form], case.epoch_steps) for side, form in best.items()}
        return {"what": case.what, "epoch_steps": case.epoch_steps, "best": best, "tried": tried,
                "loss_difference": difference_of_losses(turns["cupel"], turns["trl"]),
                **{side: turn | {"step_s": usual_step(turn), "epoch_s": epoch_seconds(turn, case.epoch_steps)}
                   for side, turn in turns.items()}}

    def turn(self, case: Case, side: str, form, steps: int) -> dict:
        print(f"bench: train: {case.what}: {side}, {steps} steps …", file=sys.stderr, flush=True)
        with OthersMeter() as meter:
            finished = self.cupel(case, form, steps) if side == "cupel" else self.trl(case, form, steps)
        self.busy.append(meter.share)
        found = last_json(finished.out)
        if len(found["steps_s"]) != steps:
            raise RuntimeError(f"{side} made {len(found['steps_s'])} steps instead of {steps}")
        return found | {"peak_bytes": finished.peak_bytes}

    def cupel(self, case: Case, form: dict, steps: int):
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            rows = Path(folder) / "rows.jsonl"
            lines = (self.rows / f"{case.rows}.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
            rows.write_text("".join(lines[:steps * BATCH] if case.rows == "pairs" else lines), encoding="utf-8")
            keys = SHARED | {"model": str(self.model), "data.files": [str(rows)], "out": f"{folder}/run",
                             "max_steps": steps, "threads": self.threads} | case.keys | form
            recipe = write_recipe(Path(folder) / "recipe.toml", keys)
            return run([sys.executable, SCRIPTS / "cupel_turn.py", self.binary, recipe, f"{folder}/run"], TURN_LIMIT_S)

    def trl(self, case: Case, form: tuple, steps: int):
        return run([self.python, SCRIPTS / "trl_turn.py", case.method, "--model", self.model, "--rows",
                    self.rows / f"{case.rows}.jsonl", "--steps", steps, "--threads", self.threads, *form], TURN_LIMIT_S)


def measure(binary: Path, threads: int, quick: bool, cases: list[str] | None = None) -> dict:
    return Training(binary, threads, quick, cases).measure()


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]), True, sys.argv[3:] or None), indent=2))
