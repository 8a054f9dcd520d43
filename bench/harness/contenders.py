"""Who is measured. A contender runs the cases of one turn in fresh processes, so that nothing of it is alive, spinning
or holding memory, while the others have their turn."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from . import checkpoints
from .config import MODELS, PEERS
from .processes import Finished, last_json, run


class Unavailable(Exception):
    """This contender cannot run this model; the text says why and stands in the table."""


class Cupel:
    """One `cupel generate` per case. Prompts are checked to have as many tokens as the peers' ids."""

    most_rounds = None

    def __init__(self, binary: Path, threads: int, python: str = "", dtype: str | None = None):
        """With a `dtype`, its weights are the model's dequantised to that, and it is a contender of its own."""
        self.binary, self.threads, self.python, self.dtype = binary, threads, python, dtype
        self.name = f"cupel_{dtype}" if dtype else "cupel"
        self.label = f"Cupel {dtype}" if dtype else "Cupel"

    def settings(self, model: str) -> str:
        weights = f"; GGUF weights dequantised to {self.dtype}" if self.dtype else ""
        return f"cupel generate --raw, one process per case; its clocks start after loading{weights}"

    def model_path(self, model: str) -> Path:
        return checkpoints.float_gguf(model, self.dtype, self.python) if self.dtype else MODELS[model].path

    def turn(self, model: str, cases: list[dict]) -> dict:
        try:
            self.model_path(model)
        except checkpoints.Impossible as error:
            raise Unavailable(str(error)) from error
        measured, peak, load_s = {}, 0, None
        warm = any(case["name"] == "warm_up" for case in cases)
        for case in cases:
            if case["name"] == "warm_up":
                continue
            rows, finished = self.generate(model, case, warm=warm)
            measured[case["name"]] = {**self.measure(case, rows), "process_s": finished.wall_s}
            peak = max(peak, finished.peak_bytes)
            if load_s is None:
                load_s = finished.wall_s - max(row["timings"]["answered_s"] for row in rows)
        return {"cases": measured, "peak_bytes": peak, "load_s": load_s}

    def generate(self, model: str, case: dict, check: bool = True, warm: bool = False) -> tuple[list[dict], Finished]:
        prompts = case.get("prompts") or [case["prompt"]]
        tokens = case.get("tokens", 1)
        # What the peers run untimed before the case (protocol.py): a short decode, or a prompt of the same length.
        # That one is the same words in another order, since Cupel would remember the prompt itself.
        warm_up = [case["warm_up"].text] if "warm_up" in case else []
        if warm and case["kind"] == "prefill":
            warm_up = [reordered(prompts[0].text)]
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            file.write("".join(json.dumps({"prompt": text}) + "\n" for text in warm_up + [p.text for p in prompts]))
            file.flush()
            finished = run([self.binary, "generate", "--model", f"m={self.model_path(model)}", "--raw", "--input", file.name,
                            "--max-tokens", tokens, "--temperature", 0, "--threads", self.threads,
                            "--batch", 1 if warm_up else len(prompts), "--format", "json"])
        rows = [json.loads(line) for line in finished.out.splitlines() if line.strip()][len(warm_up):]
        if any("answered_s" not in row["timings"] for row in rows):
            raise RuntimeError(f"{self.binary} is too old to say when an answer came (answered_s); build it again")
        if check:
            check_counts(case["name"], prompts, tokens, rows)
        return rows, finished

    @staticmethod
    def measure(case: dict, rows: list[dict]) -> dict:
        count = sum(row["usage"]["completion_tokens"] for row in rows)
        if case["kind"] == "start":
            return {"tokens": count}
        if case["kind"] == "prefill":
            tokens, seconds = rows[0]["usage"]["prompt_tokens"], rows[0]["timings"]["prefill_s"]
            return {"tokens": tokens, "seconds": seconds, "tokens_per_s": tokens / seconds}
        if case["kind"] == "shared":
            seconds = wall_seconds(rows)
            return {"tokens": count, "seconds": seconds, "tokens_per_s": count / seconds}
        rate = sum((row["usage"]["completion_tokens"] - 1) / row["timings"]["decode_s"] for row in rows)
        return {"tokens": count, "seconds": max(row["timings"]["decode_s"] for row in rows), "tokens_per_s": rate}


def reordered(text: str) -> str:
    return " ".join(reversed(text.split(" ")))


def wall_seconds(rows: list[dict]) -> float:
    """From the first prompt's submission to the last answer, by the wall clock, as the peers are timed."""
    return max(row["timings"]["answered_s"] for row in rows) - min(row["timings"]["submitted_s"] for row in rows)


def check_counts(name: str, prompts: list, tokens: int, rows: list[dict]) -> None:
    for prompt, row in zip(prompts, rows, strict=True):
        got, made = row["usage"]["prompt_tokens"], row["usage"]["completion_tokens"]
        if got != len(prompt.ids):
            raise RuntimeError(f"{name}: Cupel sees {got} prompt tokens where the peers get {len(prompt.ids)}")
        if made != tokens:
            raise RuntimeError(f"{name}: Cupel ended after {made} of {tokens} tokens, so the work is not the same")


class Peer:
    """One process of a script in bench/peers per turn."""

    def __init__(self, name: str, label: str, script: str, python: str, threads: int, *, dtype: str | None = None,
                 most_rounds: int | None = None, options: dict | None = None):
        self.name, self.label, self.script, self.python, self.threads = name, label, PEERS / script, python, threads
        self.dtype, self.most_rounds, self.options = dtype, most_rounds, options or {}
        self.reported: dict[str, str] = {}

    def settings(self, model: str) -> str:
        """What the last turn said about itself: package, settings, and the weights it ran."""
        return self.reported.get(model, "not run")

    def model_path(self, model: str) -> tuple[Path, str]:
        """What the peer loads, and in words which weights these are."""
        if self.dtype:
            return checkpoints.dequantised(model, self.dtype, self.python), f"GGUF weights dequantised to {self.dtype}"
        if self.name == "openvino":
            return checkpoints.for_openvino(model, self.python)
        return MODELS[model].path, "the GGUF file"

    def turn(self, model: str, cases: list[dict]) -> dict:
        try:
            path, weights = self.model_path(model)
        except checkpoints.Impossible as error:
            raise Unavailable(str(error)) from error
        job = {**self.options, "model": str(path), "threads": self.threads, "dtype": self.dtype,
               "cases": [with_ids(case) for case in cases]}
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump({**job, "started": time.time()}, file)
            file.flush()
            finished = run([self.python, self.script, file.name])
        report = last_json(finished.out)
        self.reported[model] = f"{report['package']}; {report['settings']}; {weights}"
        for case in cases:
            expected = case.get("tokens", 0) * len(case.get("prompts", []))
            if expected and report["cases"][case["name"]]["tokens"] != expected:
                raise RuntimeError(f"{case['name']}: {self.label} made {report['cases'][case['name']]['tokens']} of "
                                   f"{expected} tokens, so the work is not the same")
        return {"cases": report["cases"], "peak_bytes": finished.peak_bytes, "load_s": report["load_s"]}


def with_ids(case: dict) -> dict:
    """The case as the peers read it: ids in place of prompts."""
    changed = dict(case)
    for key in ("prompt", "prefix", "warm_up"):
        if key in case:
            changed[key] = case[key].ids
    if "prompts" in case:
        changed["prompts"] = [prompt.ids for prompt in case["prompts"]]
    return changed


def all_contenders(cupel: Path | None, python: str, threads: int, peers: list[str]) -> list:
    known = [
        Peer("llama_cpp", "llama.cpp", "llama_cpp.py", python, threads, options={"unified": False}),
        Peer("llama_cpp_unified", "llama.cpp unified", "llama_cpp.py", python, threads, options={"unified": True}),
        Peer("openvino", "OpenVINO", "openvino_genai_peer.py", python, threads),
        # Many times slower than the rest; two rounds tell that, and five would double the whole run.
        Peer("transformers_bf16", "HF bf16", "transformers_peer.py", python, threads, dtype="bf16", most_rounds=2),
        Peer("transformers_f32", "HF f32", "transformers_peer.py", python, threads, dtype="f32", most_rounds=2),
    ]
    ours = [Cupel(cupel, threads, python, dtype) for dtype in (None, "bf16", "f32")] if cupel else []
    # A form of a peer is measured where the peer is.
    return ours + [peer for peer in known if peer.name.removesuffix("_unified") in peers]
