#!/usr/bin/env python3
# Proves: system 70
# Proves: system 94
"""`cupel tune` against TRL: the same tiny model, rows and order give the same curves and the same parameters.

The fixtures are of bench/oracles/trl_oracle.py: each has TRL's settings, the recipe keys that mean the same, and what
TRL logged at each of 20 optimiser steps in f32.
"""
import json
import math
import struct
import subprocess
from array import array

from support import ROOT, TINY_WRITER, CupelTest, main, read_json_lines, write_json_lines

ORACLES = ROOT / "tests/data/oracles/trl"
SHARED = {"precision": "fp32", "seed": 7, "threads": 1, "max_steps": 20, "epochs": 100, "data.shuffle": False,
          "data.max_length": 1024, "batch.size": 4, "batch.micro": 4, "optim.lr": 1e-3, "optim.clip": 1.0,
          "sched.warmup_steps": 0, "log.tensorboard": False, "log.report": False}
# Relative error of the loss and of the gradient's norm, at every step. A pair's loss is a difference of sums over some
# hundred tokens each, so that rounding in f32 shows more.
SFT, PAIRS = 1e-5, 1e-4
PARAMETERS = 1e-5
# What else TRL logs: Cupel's name for it, and how far apart the two may be, in units of max(1, |value|).
METRICS = {"rewards/chosen": "rewards/chosen", "rewards/rejected": "rewards/rejected",
           "rewards/margins": "rewards/margins", "rewards/accuracies": "rewards/accuracies", "kl": "kl",
           "logps/chosen": "logps/chosen", "logps/rejected": "logps/rejected",
           "margin": "rewards/margins", "accuracy": "rewards/accuracies", "log_odds_chosen": "log_odds_ratio",
           "mean_token_accuracy": "mean_token_accuracy"}
METRIC_BOUND = 1e-4
LOGGED_AS_MEANS = ("orpo", "simpo")  # TRL divides logps of these by the answers' lengths


def is_compared(metric, run):
    """Accuracies of tokens are Cupel's in supervised training alone, and TRL's a mean of micro-batches' means."""
    if metric == "mean_token_accuracy":
        return run.startswith("sft") and run != "sft_accumulated"
    return not (run in LOGGED_AS_MEANS and metric.startswith("logps/"))


def read_tensors(path):
    """{name: f32 numbers} of a safetensors file, read without a library."""
    data = path.read_bytes()
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:begin]).items():
        if name != "__metadata__":
            assert entry["dtype"] == "F32", f"{name} is {entry['dtype']}"
            first, last = entry["data_offsets"]
            tensors[name] = array("f", data[begin + first:begin + last])
    return tensors


def with_margin(record):
    """Without pairs Cupel logs no margin; TRL logs the difference of the means."""
    if "rewards/margins" not in record and {"rewards/chosen", "rewards/rejected"} <= record.keys():
        return record | {"rewards/margins": record["rewards/chosen"] - record["rewards/rejected"]}
    return record


def toml(keys):
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())


class TrlTest(CupelTest):
    def model(self, kind):
        """The folder that TRL trained, made again from the fixture."""
        fixture = json.loads((ORACLES / "models.json").read_text())
        path = self.file(f"{kind}.json", json.dumps(fixture["models"][kind] | {"files": fixture["files"]}))
        folder = self.folder / kind
        folder.mkdir(exist_ok=True)
        subprocess.run([TINY_WRITER, path, folder], check=True)
        return folder

    def rows(self, oracle):
        every = json.loads((ORACLES / "rows.json").read_text())[oracle["rows"]]
        left_out = oracle.get("without", [])
        kept = [{key: value for key, value in row.items() if key not in left_out} for row in every]
        return write_json_lines(self.folder / "rows.jsonl", kept)

    def tune(self, oracle, name="run", **more):
        """The records of the run's steps, and its folder."""
        out = self.folder / name
        keys = SHARED | {"model": str(self.model(oracle["model"])), "data.files": [str(self.rows(oracle))],
                         "out": str(out)} | oracle["cupel"] | more
        self.ok("tune", self.file("recipe.toml", toml(keys)), timeout=300)
        return [record for record in read_json_lines(out / "train.jsonl") if "eval" not in record], out

    def check_near(self, found, expected, bound, what):
        self.assertLessEqual(abs(found - expected), bound, f"{what}: {found} instead of {expected}")

    def check_curve(self, records, steps, bound, metrics):
        self.assertEqual(len(records), len(steps))
        for record, step in zip(records, steps):
            at = f"step {record['step']}, "
            for ours, theirs in (("loss", "loss"), ("grad_norm", "grad_norm"), ("lr", "learning_rate")):
                self.check_near(record[ours], step[theirs], bound * abs(step[theirs]), at + ours)
            record = with_margin(record)
            for theirs in step.keys() & metrics:
                ours = METRICS[theirs]
                self.check_near(record[ours], step[theirs], METRIC_BOUND * max(1, abs(step[theirs])), at + ours)

    def check_parameters(self, folder, expected):
        found = read_tensors(folder / "model" / "model.safetensors")
        self.assertEqual(set(found), set(expected))
        for name, summary in expected.items():
            numbers = found[name]
            self.assertEqual(len(numbers), summary["size"], name)
            self.check_near(math.fsum(numbers) / len(numbers), summary["mean"], PARAMETERS, f"mean of {name}")
            self.check_near(math.sqrt(math.fsum(x * x for x in numbers)), summary["norm"],
                            PARAMETERS * summary["norm"], f"norm of {name}")
            for place, value in summary["entries"]:
                self.check_near(numbers[place], value, PARAMETERS, f"{name}[{place}]")

    def check_run(self, name):
        oracle = json.loads((ORACLES / f"{name}.json").read_text())
        records, folder = self.tune(oracle)
        metrics = {each for each in METRICS if is_compared(each, name)}
        self.check_curve(records, oracle["steps"], SFT if oracle["trainer"] == "sft" else PAIRS, metrics)
        self.check_parameters(folder, oracle["parameters"])

    def test_other_losses_of_pairs(self):
        runs = json.loads((ORACLES / "variants.json").read_text())["runs"]
        self.assertGreater(len(runs), 15)
        for name, oracle in runs.items():
            with self.subTest(name):
                records, _ = self.tune(oracle, name, max_steps=len(oracle["steps"]))
                self.check_curve(records, oracle["steps"], PAIRS, ())

    def test_sft_full(self):
        self.check_run("sft_full")

    def test_sft_assistant_turns_by_template(self):
        self.check_run("sft_assistant")

    def test_sft_completion(self):
        self.check_run("sft_completion")

    def test_sft_accumulated(self):
        self.check_run("sft_accumulated")

    def test_sft_packed(self):
        self.check_run("sft_packed")

    def test_sft_split(self):
        self.check_run("sft_split")

    def test_dpo(self):
        self.check_run("dpo")

    def test_dpo_accumulated(self):
        self.check_run("dpo_accumulated")

    def test_ipo(self):
        self.check_run("ipo")

    def test_kto(self):
        self.check_run("kto")

    def test_orpo(self):
        self.check_run("orpo")

    def test_cpo(self):
        self.check_run("cpo")

    def test_simpo(self):
        self.check_run("simpo")

    def test_reward_model(self):
        self.check_run("reward")

    def test_reward_model_with_margins_and_centring(self):
        self.check_run("reward_margin")

    def test_every_oracle_is_compared(self):
        oracles = {path.stem for path in ORACLES.glob("*.json")} - {"models", "rows", "variants"}
        source = (ROOT / "tests/cli/train_trl_test.py").read_text()
        self.assertEqual({name for name in oracles if f'check_run("{name}")' in source}, oracles)


if __name__ == "__main__":
    main()
