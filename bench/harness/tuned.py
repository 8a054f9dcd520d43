"""The workload `tuned`: what `cupel tune` made runs alike in Cupel, transformers, PEFT and llama.cpp.

SmolLM2 is tuned for a few steps, whole and with LoRA; the results and their exports continue prompts greedily in f32
arithmetic. Every peer goes along Cupel's path; where it would have gone elsewhere, it says how much better it likes that. Quantised exports are
held to the f32 export by KL divergence, and a reward model's rewards to those of transformers.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from . import agreement
from .config import BENCH, CACHE, TEXT
from .processes import last_json, run
from .quant import fit
from .train import Training, train_python, write_recipe

SCRIPTS = BENCH / "train"
PROMPTS = ("The capital of France is", "Errors are", "Once upon a time", "The usual remedy is to", "In winter the harbour",
           "A good measurement", "My grandmother used to say that", "To build a small boat you need")
TOKENS, STEPS, PAIRS, LIMIT_S = 64, 6, 16, 1800
TUNE = {"precision": "fp32", "seed": 1, "epochs": 100, "data.shuffle": False, "batch.size": 4, "batch.micro": 4,
        "max_steps": STEPS, "log.tensorboard": False, "log.report": False}
SUPERVISED = {"method": "sft", "data.loss_on": "full", "data.max_length": 256}
RUNS = {"full": SUPERVISED | {"optim.lr": 5e-5}, "lora": SUPERVISED | {"parameters": "lora", "optim.lr": 5e-4},
        "reward": {"method": "reward-model", "optim.lr": 1e-5}}
# A peer's gap in nats where paths part; mean divergence in nats a token of an export of that type; of rewards.
NEAR_TIE, DIVERGENCE, REWARDS = 2e-3, {"q8_0": 2e-3, "q4_k_m": 0.1}, 1e-4


def compare(paths: list[dict], tops: list) -> dict:
    """How many paths the peer would have gone itself, and by how much it liked another token better at most."""
    gaps = [[agreement.gap(top, top[0][0], mine) for mine, top in zip(path["ids"], shown, strict=True)]
            for path, shown in zip(paths, tops, strict=True)]
    return {"identical": sum(max(each) == 0 for each in gaps), "prompts": len(gaps), "tokens": sum(map(len, gaps)),
            "largest_gap": max(map(max, gaps))}


def largest_difference(ours: list[list[float]], theirs: list[list[float]]) -> float:
    return max(abs(our - their) for pair in zip(ours, theirs, strict=True) for our, their in zip(*pair, strict=True))


class Tuned:
    def __init__(self, binary: Path, python: str, threads: int):
        self.binary, self.python, self.threads = binary, python, threads
        self.train_python = train_python()
        self.paths: dict = {}

    def measure(self) -> dict:
        training = Training(self.binary, self.threads, quick=True)
        training.prepare()
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            self.folder, self.base, self.rows = Path(folder), training.model, training.rows
            for name, keys in RUNS.items():
                self.tune(name, keys)
            greedy = self.full() | self.lora()
            return {"greedy": greedy, "divergence": self.divergence(), "rewards": self.rewards()}

    def tune(self, name: str, keys: dict) -> None:
        self.say(f"tuning, {name}")
        rows, count = ("pairs", PAIRS) if name == "reward" else ("texts", STEPS * 4)
        lines = (self.rows / f"{rows}.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)[:count]
        (self.folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        keys = TUNE | {"model": str(self.base), "data.files": [str(self.folder / f"{name}.jsonl")],
                       "out": str(self.folder / name), "threads": self.threads} | keys
        run([self.binary, "tune", write_recipe(self.folder / f"{name}.toml", keys)], LIMIT_S)

    def export(self, name: str, out: str, *flags) -> Path:
        run([self.binary, "tune", "export", self.folder / name, "--out", self.folder / out, *flags], LIMIT_S)
        return self.folder / out

    def full(self) -> dict:
        self.full_gguf = self.export("full", "full-f32.gguf", "--type", "f32")
        return {"whole model, transformers": self.agree(self.folder / "full" / "model", self.transformers, "full/model"),
                "whole model, its GGUF in Cupel": self.agree(self.full_gguf, self.transformers, "full/model"),
                "whole model, its GGUF in llama.cpp": self.agree(self.full_gguf, self.llama_cpp, self.full_gguf)}

    def lora(self) -> dict:
        merged = self.export("lora", "lora-merged")
        gguf = self.export("lora", "lora-f32.gguf", "--type", "f32")
        return {"LoRA merged, transformers": self.agree(merged, self.transformers, "lora-merged"),
                "LoRA, adapter over the base in PEFT": self.agree(merged, self.transformers, self.base, "lora/adapter"),
                "LoRA merged, its GGUF in llama.cpp": self.agree(gguf, self.llama_cpp, gguf)}

    def agree(self, model: Path, peer, *arguments) -> dict:
        """A peer along the paths of Cupel with that model."""
        self.say(f"{model.name} beside {peer.__name__}")
        if model not in self.paths:
            self.paths[model] = agreement.cupel_paths(self.binary, model, self.folder, PROMPTS, TOKENS)
        (self.folder / "paths.json").write_text(json.dumps(self.paths[model]), encoding="utf-8")
        return compare(self.paths[model], peer(*arguments))

    def divergence(self) -> dict:
        found = {}
        for kind in DIVERGENCE:
            self.say(f"divergence of {kind}")
            found[kind] = fit(self.binary, self.export("full", f"full-{kind}.gguf", "--type", kind), self.full_gguf, TEXT)
        return found

    def rewards(self) -> dict:
        model, rows = self.folder / "reward" / "model", self.folder / "reward.jsonl"
        out = run([self.binary, "score", "--reward-model", model, "--input", rows, "--activations", "f32"]).out
        ours = [[json.loads(line)["rewards"][side] for side in ("chosen", "rejected")] for line in out.splitlines()]
        theirs = last_json(run([self.train_python, SCRIPTS / "rewards_transformers.py", model, rows]).out)
        return {"largest": largest_difference(ours, theirs), "rows": len(ours),
                "largest_reward": max(abs(value) for pair in theirs for value in pair)}

    def transformers(self, model, adapter: str | None = None) -> list:
        flags = ["--adapter", self.folder / adapter] if adapter else []
        return last_json(run([self.train_python, SCRIPTS / "path_transformers.py", self.folder / model,
                              self.folder / "paths.json", *flags], LIMIT_S).out)

    def llama_cpp(self, model: Path) -> list:
        return agreement.llama_cpp_along(self.python, model, self.folder / "paths.json", "--exact")

    @staticmethod
    def say(what: str) -> None:
        print(f"bench: tuned: {what} …", file=sys.stderr, flush=True)


def measure(binary: Path, python: str, threads: int) -> dict:
    return Tuned(binary, python, threads).measure()


def figures(found: dict) -> list[tuple[str, str, str, bool, bool]]:
    """Of each target: what, the figure, the bound, whether it holds, and whether it is a time."""
    listed = [(f"tuned: greedy text, {what}", f"{each['identical']}/{each['prompts']} identical ({each['tokens']} tokens), "
               f"gap {each['largest_gap']:.1e}", f"identical or gap <= {NEAR_TIE:.0e}",
               each["largest_gap"] <= NEAR_TIE, False) for what, each in found["greedy"].items()]
    for kind, each in found["divergence"].items():
        listed.append((f"tuned: KL divergence of the {kind} export from f32", f"{each['mean_kl']:.5f}",
                       f"<= {DIVERGENCE[kind]}", each["mean_kl"] <= DIVERGENCE[kind], False))
    rewards = found["rewards"]
    listed.append((f"tuned: rewards of {rewards['rows']} pairs, from transformers'", f"{rewards['largest']:.1e}",
                   f"<= {REWARDS:.0e}", rewards["largest"] <= REWARDS, False))
    return listed


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])), indent=2))
