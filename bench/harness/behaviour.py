"""The workload `behaviour`: what methods are made for, shown on SmolLM2's weights in f32.

Loss on instructions (Shi et al. 2024): 100 rows of long instructions and short answers, six epochs, three seeds. With the
loss on answers alone (IT) they are learnt by heart; with that on instructions as well (IM) the loss of answers ends higher
on these rows and lower on held-out ones. Held-out rows are evaluated during the run, both kinds by `cupel perplexity` of its
result, which must agree with the last evaluation.

SimPO without a reference: peak memory of two steps beside TRL's DPO, which holds one, and beside Cupel's DPO, which keeps
the reference's log-probs instead.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from .config import CACHE
from .processes import last_json, run
from .train import CASES, SCRIPTS, Case, Training, made_once, write_recipe

SEEDS, EPOCHS, ROWS, BATCH, LIMIT_S = (1, 2, 3), 6, 100, 10, 3600
LEARNT = {"IT": "completion", "IM": "instruction"}
TUNE = {"method": "sft", "precision": "bf16-mixed", "epochs": EPOCHS, "batch.size": BATCH, "batch.micro": BATCH,
        "data.packing": "none", "optim.lr": 1e-4, "sched.name": "linear", "sched.warmup_ratio": 0.03,
        "eval.every": ROWS // BATCH, "eval.at_start": True, "log.tensorboard": False, "log.report": False}
SIMPO = Case("SimPO, f32", "pairs", 2, CASES["dpo f32"].keys | {"method": "simpo", "preference.params.beta": 2.5,
                                                                "preference.params.gamma_beta_ratio": 0.55},
             CASES["dpo f32"].ours, "dpo", {})
STEPS = 2
FREE, KEPT, LIVE = "SimPO in Cupel", "DPO in Cupel, log-probs of the reference kept", "DPO in TRL, reference in memory"
# Of the seeds, how many must end with a lower loss of held-out answers; all end with a higher one of the rows learnt.
LEAST_SEEDS = 2
# Relative: evaluation is in bf16, reading in f32.
SAME_LOSS = 0.05


def curve(records: list[dict]) -> list[float]:
    """Loss of answers in nats a token: before the first epoch and after each."""
    found = [record["eval"]["nll/completion"] for record in records if "eval" in record]
    if len(found) != EPOCHS + 1:
        raise RuntimeError(f"a run left {len(found)} evaluations instead of {EPOCHS + 1}")
    return found


class Behaviour:
    def __init__(self, binary: Path, threads: int):
        self.binary, self.threads = binary, threads
        self.training = Training(binary, threads, quick=True)

    def measure(self) -> dict:
        self.training.prepare()
        return {"instructions": {str(seed): self.instructions(seed) for seed in SEEDS}, "memory": self.memory()}

    def instructions(self, seed: int) -> dict:
        """Learnt as → held-out loss of answers by epoch, and the loss of the rows learnt at the start and at the end."""
        script = SCRIPTS / "make_long_prompts.py"
        made_of = script.read_bytes() + self.training.model.name.encode() + str(seed).encode()
        rows = made_once(f"long-prompts-{seed}", made_of, lambda out: run(
            [self.training.python, script, "--model", self.training.model, "--seed", seed, "--out", out]))
        began = self.loss_of_answers(self.training.model, rows / "train.jsonl")
        return {name: self.tune(rows, seed, name, began) for name in LEARNT}

    def tune(self, rows: Path, seed: int, name: str, began: float) -> dict:
        self.say(f"{name}, seed {seed}")
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            keys = TUNE | {"model": str(self.training.model), "out": f"{folder}/run", "seed": seed, "threads": self.threads,
                           "data.files": [str(rows / "train.jsonl")], "data.eval_files": [str(rows / "held_out.jsonl")],
                           "data.loss_on": LEARNT[name]}
            run([self.binary, "tune", write_recipe(Path(folder) / "recipe.toml", keys)], LIMIT_S)
            lines = Path(folder, "run", "train.jsonl").read_text(encoding="utf-8").splitlines()
            held_out, model = curve([json.loads(line) for line in lines]), Path(folder, "run", "model")
            read = self.loss_of_answers(model, rows / "held_out.jsonl")
            if abs(read - held_out[-1]) > SAME_LOSS * held_out[-1]:
                raise RuntimeError(f"{name}, seed {seed}: evaluation says {held_out[-1]}, cupel perplexity {read}")
            return {"held_out": held_out, "train": [began, self.loss_of_answers(model, rows / "train.jsonl")]}

    def loss_of_answers(self, model: Path, rows: Path) -> float:
        """In nats a token."""
        return last_json(run([self.binary, "perplexity", "--model", model, "--rows", rows, "--activations", "f32",
                              "--threads", self.threads, "--format", "json"], LIMIT_S).out)["mean_nll"]

    def memory(self) -> dict:
        """Peak bytes of each process, and the bytes of a copy of the model."""
        case, live = CASES["dpo f32"], CASES["dpo f32"].theirs["f32, reference live"]
        turns = {FREE: (SIMPO, "cupel", SIMPO.ours["f32"]), KEPT: (case, "cupel", case.ours["f32"]), LIVE: (case, "trl", live)}
        found = {what: self.training.turn(*turn, STEPS)["peak_bytes"] for what, turn in turns.items()}
        copy = sum(file.stat().st_size for file in self.training.model.glob("*.safetensors"))
        return {"peaks": found, "copy_bytes": copy}

    @staticmethod
    def say(what: str) -> None:
        print(f"bench: behaviour: {what} …", file=sys.stderr, flush=True)


def measure(binary: Path, threads: int) -> dict:
    return Behaviour(binary, threads).measure()


def rows(found: dict) -> list[list[str]]:
    """Loss of answers of each run: of held-out rows at the start and after each epoch, of the rows learnt at the end."""
    table = [["loss of answers", "held-out: start", *(f"epoch {epoch}" for epoch in range(1, EPOCHS + 1)),
              "learnt: start", f"epoch {EPOCHS}"]]
    for seed, of_seed in found["instructions"].items():
        for name, of_name in of_seed.items():
            table.append([f"seed {seed}, {name}", *(f"{value:.3f}" for value in of_name["held_out"] + of_name["train"])])
    return table


def memory_rows(found: dict) -> list[list[str]]:
    return [["peak memory of two steps", "MB"]] + [[what, f"{peak / 1e6:.0f}"]
                                                   for what, peak in found["memory"]["peaks"].items()]


def seeds_in_which(found: dict, held: str, higher: str, lower: str) -> int:
    return sum(of_seed[higher][held][-1] > of_seed[lower][held][-1] for of_seed in found["instructions"].values())


def figures(found: dict) -> list[tuple[str, str, str, bool, bool]]:
    """Of each target: what, the figure, the bound, whether it holds, and whether it is a time."""
    listed, seeds = [], len(found["instructions"])
    for what, held, higher, lower, least in (("held-out answers", "held_out", "IT", "IM", LEAST_SEEDS),
                                             ("answers learnt", "train", "IM", "IT", seeds)):
        shown = seeds_in_which(found, held, higher, lower)
        listed.append((f"behaviour: loss of {what} after {EPOCHS} epochs, {lower} below {higher}", f"{shown}/{seeds} seeds",
                       f">= {least} seeds", shown >= least, False))
    peaks, copy = found["memory"]["peaks"], found["memory"]["copy_bytes"]
    saved = peaks[LIVE] - peaks[FREE]
    listed.append(("behaviour: peak memory of SimPO below that of DPO with its reference in memory (TRL)",
                   f"{saved / 1e6:.0f} MB", f">= {copy / 1e6:.0f} MB, a copy of the model", saved >= copy, False))
    return listed
