#!/usr/bin/env python3
"""Training curves of TRL on a tiny model: what `cupel tune` is held to.

Usage: trl_oracle.py [--out DIR] [--only NAME…] [--keep DIR]      (in the environment of `bench/setup.sh --train`)

Writes tests/data/oracles/trl/: models.json (tiny folders for tests/support/seeded_checkpoint.cpp), rows.json and a
file for each run with TRL's settings, the recipe keys of Cupel that mean the same, what TRL does differently by
definition, and for 20 optimiser steps all that TRL logs, then a summary of the trained parameters; variants.json has
the losses of DPOTrainer's other kinds for 8 steps. f32, no dropout, no shuffling. --only writes the named runs (or
variants) alone; --keep leaves the model folders.
"""
from __future__ import annotations

import argparse
import json
import os
import tempfile
from importlib.metadata import version
from pathlib import Path

os.environ |= {"TRL_EXPERIMENTAL_SILENCE": "1", "TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1",
               "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
import torch  # noqa: E402
import transformers  # noqa: E402
from datasets import Dataset  # noqa: E402
from trl_model import KINDS, files_of, write_model  # noqa: E402
from trl_runs import RUNS, STEPS, VARIANTS, trainer_of, variant  # noqa: E402
from trl_texts import all_rows  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("trl", "transformers", "torch", "accelerate", "tokenizers", "datasets")
TRAINING = dict(seed=7, max_steps=STEPS, num_train_epochs=100, bf16=False, gradient_checkpointing=False,
                optim="adamw_torch", learning_rate=1e-3, weight_decay=0.0, max_grad_norm=1.0, warmup_steps=0,
                train_sampling_strategy="sequential")
HOUSEHOLD = dict(logging_steps=1, save_strategy="no", report_to="none", disable_tqdm=True, use_cpu=True,
                 dataloader_pin_memory=False)
LEFT_OUT = ("train_", "epoch", "total_flos", "num_tokens")


class Recorder(transformers.TrainerCallback):
    """What is logged at each step, at full precision."""

    def __init__(self):
        self.steps = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            self.steps.append({key: rounded(value) for key, value in logs.items() if not key.startswith(LEFT_OUT)})


def rounded(value):
    return float(f"{value:.9g}")


def summary(tensor):
    """Enough of a tensor to see that another one is the same: mean, norm, and 8 entries spread over it."""
    flat = tensor.detach().double().flatten()
    places = [i * (len(flat) - 1) // 7 for i in range(8)]
    return dict(size=len(flat), mean=rounded(flat.mean()), norm=rounded(flat.norm()),
                entries=[[place, rounded(flat[place])] for place in places])


def train(run, folder, rows):
    """The log of each step, and the trained parameters by name."""
    transformers.set_seed(7)
    recorder = Recorder()
    kept = [{key: value for key, value in row.items() if key not in run.get("without", ())} for row in rows]
    with tempfile.TemporaryDirectory() as out:
        steps = run.get("steps", STEPS)
        settings = TRAINING | HOUSEHOLD | dict(output_dir=out, max_steps=steps)
        trainer = trainer_of(run, str(folder), Dataset.from_list(kept), settings, recorder)
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    packed = list(trainer.train_dataset["seq_lengths"]) if run["trl"].get("packing") else None
    assert len(recorder.steps) == steps, f"{len(recorder.steps)} steps were logged"
    tensors = {name: summary(value) for name, value in trainer.model.named_parameters()}
    return recorder.steps, tensors, packed


def train_variant(name, folder, rows):
    """The other losses of pairs: the loss and the gradient's norm alone."""
    run = variant(name)
    steps, _, _ = train(run, folder / run["model"], rows[run["rows"]])
    print(f"{name}: loss {steps[0]['loss']:.6f} … {steps[-1]['loss']:.6f}")
    kept = [{key: step[key] for key in ("loss", "grad_norm", "learning_rate")} for step in steps]
    return run | dict(trl=TRAINING | run["trl"] | dict(max_steps=run["steps"]), steps=kept)


def write(path, content):
    path.write_text(json.dumps(content, separators=(",", ":")).replace('},{"', '},\n{"') + "\n")
    print(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}: {path.stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "tests/data/oracles/trl")
    parser.add_argument("--only", nargs="*", default=[*RUNS, "variants"])
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = all_rows()
    files = files_of(rows)
    made_with = {package: version(package) for package in PACKAGES}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        models = {kind: write_model(kind, files, folder / kind) for kind in KINDS}
        write(options.out / "models.json", dict(made_with=made_with, files=files, models=models))
        write(options.out / "rows.json", rows)
        if "variants" in options.only:
            runs = {name: train_variant(name, folder, rows) for name in VARIANTS}
            write(options.out / "variants.json", dict(made_with=made_with, runs=runs))
        for name in [name for name in options.only if name != "variants"]:
            run = RUNS[name]
            steps, tensors, packed = train(run, folder / run["model"], rows[run["rows"]])
            content = dict(made_with=made_with) | run | dict(trl=TRAINING | run["trl"])
            content |= dict(steps=steps, parameters=tensors)
            write(options.out / f"{name}.json", content | (dict(packed=packed) if packed else {}))
            print(f"{name}: loss {steps[0]['loss']:.6f} … {steps[-1]['loss']:.6f}")


if __name__ == "__main__":
    main()
