#!/usr/bin/env python3
"""The benchmark: Cupel against llama.cpp, OpenVINO GenAI, transformers, arena-rank, evalica and TRL, in one run. See README.md.

    bench/run.py [--quick] [--only WORKLOAD…] [--models smollm2 gemma3] [--peers PEER…] [--rounds 5] [--threads 2]
                 [--cupel build/release/cupel] [--lines 10000] [--python PATH]

Workloads: startup tokens quant rank train tuned behaviour decode prefill shared start memory context neighbour float.
Run it with the environment that bench/setup.sh makes, on an idle machine; `rank` needs no models. Prints tables and
writes bench/results/latest.json and latest.md. Without the binary only the peers are measured. Exit code: 0 all targets
met, 1 a target missed or not measured, the machine busy or a command failed, 2 usage, 3 a model or the binary is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

from harness import behaviour, prompts, quant, rank, table, targets, train, tuned, workloads
from harness.config import MODELS, RESULTS, ROOT
from harness.contenders import Cupel, all_contenders
from harness.processes import warm_page_cache
from harness.product import measure_startup, measure_tokens, read_bandwidth
from harness.statistics import summary
from harness.workloads import ALL, QUICK_PEERS, QUICK_WORKLOADS, WORKLOADS

CHOICES = ["startup", "tokens", "quant", "rank", "train", "tuned", "behaviour", *WORKLOADS]
WITHOUT_MODELS = {"startup", "rank"}
ROUNDS, QUICK_ROUNDS, BANDWIDTH_RUNS = 5, 1, 3
FLAGS = ("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "amx_bf16")
PACKAGES = ("xllamacpp", "openvino", "openvino-genai", "transformers", "torch", "gguf", "tokenizers")


def machine() -> dict:
    info = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    fields = dict(reversed([line.split("\t", 1) for line in info if "\t" in line]))
    present = fields.get("flags", "").split()
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {
        "cpu": fields.get("model name", "").strip(": \t") or platform.processor(),
        "cores": os.cpu_count(),
        "flags": [flag for flag in FLAGS if flag in present],
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
    }


def versions() -> dict:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cupel", type=Path, default=ROOT / "build" / "release" / "cupel")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--only", nargs="+", choices=CHOICES)
    parser.add_argument("--peers", nargs="*", choices=list(ALL[1:]))
    parser.add_argument("--quick", action="store_true", help="one round, fewer workloads, no transformers")
    parser.add_argument("--lines", type=int, default=10000, help="lines of the tokenizer's corpus")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the peers' packages")
    options = parser.parse_args()
    options.rounds = options.rounds if options.rounds is not None else QUICK_ROUNDS if options.quick else ROUNDS
    options.only = options.only or list(QUICK_WORKLOADS if options.quick else CHOICES)
    options.peers = options.peers if options.peers is not None else list(QUICK_PEERS if options.quick else ALL[1:])
    if options.rounds < 1 or options.lines < 1 or options.threads < 1:
        parser.error("--rounds, --lines and --threads must be at least 1")
    options.cupel = options.cupel.resolve()
    return options


class Run:
    """Fills the results; what fails is noted there, and the rest goes on."""

    def __init__(self, options: argparse.Namespace):
        self.options, self.began = options, time.perf_counter()
        self.binary = options.cupel if options.cupel.exists() else None
        self.contenders = all_contenders(self.binary, options.python, options.threads, options.peers)
        self.results: dict = {"machine": machine(), "versions": versions(), "threads": options.threads,
                              "rounds": options.rounds, "workloads": {}, "failures": []}

    def attempt(self, what: str, measure):
        """What `measure` returns, or None with the reason among the failures."""
        print(f"bench: {time.perf_counter() - self.began:5.0f} s  {what} …", file=sys.stderr, flush=True)
        try:
            return measure()
        except (RuntimeError, OSError, KeyError, ValueError) as error:
            self.results["failures"].append({"what": what, "why": f"{type(error).__name__}: {error}"})
            return None

    def bandwidth(self) -> None:
        if not self.binary:
            return
        found = self.attempt("read bandwidth",
                             lambda: [read_bandwidth(self.binary, self.options.threads) for _ in range(BANDWIDTH_RUNS)])
        if found:
            earlier = self.results.get("bandwidth", {"gb_s": {"values": []}})["gb_s"]["values"]
            self.results["bandwidth"] = {"source": found[0]["source"],
                                         "gb_s": summary(earlier + [each["gb_s"] for each in found])}

    def product(self) -> None:
        options = self.options
        if "startup" in options.only and (found := self.attempt("startup", lambda: measure_startup(self.binary))):
            self.results["startup"] = found
        for model in options.models if "tokens" in options.only else []:
            measure = lambda: measure_tokens(self.binary, options.python, options.lines, model)  # noqa: E731
            if found := self.attempt(f"{model} token ids", measure):
                self.results.setdefault("tokens", {})[model] = found
        if "quant" in options.only:
            measure = lambda: quant.measure(self.binary, options.python, ["trained", *options.models])  # noqa: E731
            if found := self.attempt("what quantising costs", measure):
                self.results["quant"], failures = found
                self.results["failures"] += failures

    def ranking(self) -> None:
        if found := self.attempt("rankings", lambda: rank.measure(self.binary, self.options.rounds)):
            self.results["failures"] += found.pop("failures")
            self.results["rank"] = found

    def training(self) -> None:
        options = self.options
        if found := self.attempt("training", lambda: train.measure(self.binary, options.threads, options.quick)):
            self.results["failures"] += found.pop("failures")
            self.results["train"] = found

    def tuned(self) -> None:
        options = self.options
        measure = lambda: tuned.measure(self.binary, options.python, options.threads)  # noqa: E731
        if found := self.attempt("tuned models", measure):
            self.results["tuned"] = found

    def behaviour(self) -> None:
        options = self.options
        measure = lambda: behaviour.measure(self.binary, options.threads)  # noqa: E731
        if found := self.attempt("behaviour of training", measure):
            self.results["behaviour"] = found

    def speed(self, model: str) -> None:
        wanted = [name for name, workload in WORKLOADS.items()
                  if name in self.options.only and model in workload.models]
        if not wanted:
            return
        made = self.attempt(f"{model} prompts", lambda: self.prompts(model))
        for name in wanted if made else []:
            series = workloads.Series(WORKLOADS[name], self.contenders, model, made, self.options.rounds)
            if found := self.attempt(f"{model} {name}", series.measure):
                self.results["workloads"].setdefault(name, {})[model] = found

    def prompts(self, model: str) -> dict:
        warm_page_cache(MODELS[model].path)
        made = prompts.load(model)
        if self.binary:
            made = workloads.choose_prompts(made, Cupel(self.binary, self.options.threads), model)
        return made

    def all(self) -> dict:
        speed_wanted = any(name in self.options.only for name in WORKLOADS)
        if speed_wanted:
            self.bandwidth()
        if self.binary:
            self.product()
            if "rank" in self.options.only:
                self.ranking()
            if "train" in self.options.only:
                self.training()
            if "tuned" in self.options.only:
                self.tuned()
            if "behaviour" in self.options.only:
                self.behaviour()
        for model in self.options.models:
            self.speed(model)
        if speed_wanted:
            self.bandwidth()
        self.results["seconds"] = time.perf_counter() - self.began
        self.results["targets"] = targets.all_checks(self.results)
        return self.results


def write(name: str, text: str) -> None:
    partial = RESULTS / f"{name}.tmp"
    partial.write_text(text, encoding="utf-8")
    partial.rename(RESULTS / name)


def main() -> int:
    options = parse_arguments()
    needed = options.models if set(options.only) - WITHOUT_MODELS else []
    absent = [path for path in (MODELS[name].path for name in needed) if not path.exists()]
    if absent:
        print(f"{absent[0].relative_to(ROOT)} is missing; fetch the models first", file=sys.stderr)
        return 3
    RESULTS.mkdir(parents=True, exist_ok=True)
    run = Run(options)
    if not run.binary:
        print(f"{options.cupel} is missing: only the peers are measured", file=sys.stderr)
    results = run.all()
    descriptions = {name: workload.what for name, workload in WORKLOADS.items()}
    write("latest.json", json.dumps(results, indent=2) + "\n")
    write("latest.md", table.document(results, descriptions, markdown=True))
    print(table.document(results, descriptions), end="")
    if not run.binary:
        return 3
    return 0 if all(check["verdict"] == "PASS" for check in results["targets"]) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ModuleNotFoundError as error:
        sys.exit(f"bench: this Python has no {error.name}; run bench/setup.sh, and this with the Python that it names")
