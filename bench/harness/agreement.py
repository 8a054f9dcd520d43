"""Whether llama.cpp reads a quantised file as Cupel does, and how much of a difference is llama.cpp's own rounding.

llama.cpp rounds activations to 8 bits where weights are quantised; Cupel is run with f32 here. Where their greedy paths
part, that alone tells nothing, so llama.cpp goes along Cupel's path twice: with the file, and with the same weights
dequantised by the gguf package, all in f32. The second says what the file holds. How far the first is from the second
is llama.cpp's rounding, in nats, and a near-tie is a gap that such rounding closes.
"""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

from .config import BENCH, PEERS
from .processes import UNTIMED_LIMIT_S, run

PROMPTS = ("The capital of France is", "Errors are", "Once upon a time", "To make bread, first", "def fibonacci(n):")
GREEDY_TOKENS = 32
RUNNERS_UP = 4  # tokens behind the likeliest whose distance to it shows the rounding


def cupel_paths(binary: Path, model: Path, folder: Path, texts: tuple = PROMPTS, tokens: int = GREEDY_TOKENS) -> list[dict]:
    """Greedy paths in f32: prompt, ids, and the log-probability of each id."""
    prompts = folder / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"prompt": prompt}) + "\n" for prompt in texts), encoding="utf-8")
    out = run([binary, "generate", "--model", model, "--raw", "--input", prompts, "--max-tokens", tokens,
               "--temperature", 0, "--activations", "f32", "--format", "json"], UNTIMED_LIMIT_S).out
    answers = [json.loads(line) for line in out.splitlines() if line.strip()]
    return [{"prompt": prompt, "ids": answer["ids"], "logprobs": answer["logprobs"]}
            for prompt, answer in zip(texts, answers, strict=True)]


def llama_cpp_along(python: str, model: Path, paths: Path, *flags: str) -> list:
    walk = [python, BENCH / "quant" / "path_llama_cpp.py", model, paths, *flags]
    return json.loads(run(walk, UNTIMED_LIMIT_S).out.splitlines()[-1])


def logprob_of(top: list, token: int) -> float:
    """Of a token that is not shown, that of the last one shown: it is that at most."""
    return dict(map(tuple, top)).get(token, top[-1][1])


def gap(top: list, chosen: int, other: int) -> float:
    """How much better `chosen` stands than `other`."""
    return logprob_of(top, chosen) - logprob_of(top, other)


def shifts(rounded: list, exact: list) -> list[float]:
    """By how much the distances of the runners-up to the likeliest token change from exact to rounded."""
    best, shown = exact[0][0], {token for token, _ in rounded}
    if best not in shown:
        return []
    return [gap(rounded, token, best) - gap(exact, token, best) for token, _ in exact[1:1 + RUNNERS_UP] if token in shown]


def compare(paths: list[dict], rounded: list, exact: list) -> dict:
    """Of all steps of all paths. `error`: the largest distance between Cupel's and llama.cpp's log-probability of Cupel's
    token, both in f32. `rounding`: root mean square of `shifts`, of the steps where both runs of llama.cpp choose alike.
    `differences`: the steps where llama.cpp, running the file, chooses another token than Cupel, with the gap between
    the two in both runs; `exact_gap`: the largest of a choice that is another one in f32 too, 0 where there is none."""
    changes, errors, differences, exact_gap, identical = [], [], [], 0.0, 0
    for path, by_file, by_f32 in zip(paths, rounded, exact, strict=True):
        before = len(differences)
        for step, (mine, logprob) in enumerate(zip(path["ids"], path["logprobs"], strict=True)):
            theirs, best = by_file[step][0][0], by_f32[step][0][0]
            errors.append(abs(logprob_of(by_f32[step], mine) - logprob))
            exact_gap = max(exact_gap, gap(by_f32[step], best, mine))
            if theirs == best:
                changes += shifts(by_file[step], by_f32[step])
            if theirs != mine:
                differences.append({"prompt": path["prompt"], "step": step, "gap": gap(by_file[step], theirs, mine),
                                    "f32_gap": gap(by_f32[step], mine, theirs)})
        identical += len(differences) == before
    if not changes:
        raise ValueError("llama.cpp never chooses the token that it chooses in f32: it reads the file as another one")
    return {"prompts": len(paths), "identical": identical, "steps": len(errors), "error": max(errors),
            "rounding": math.sqrt(sum(change * change for change in changes) / len(changes)),
            "largest_gap": max((max(each["gap"], each["f32_gap"]) for each in differences), default=0.0),
            "exact_gap": exact_gap, "differences": differences}


def measure(binary: Path, python: str, model: Path) -> dict:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = cupel_paths(binary, model, folder)
        (folder / "paths.json").write_text(json.dumps(paths), encoding="utf-8")
        run([python, PEERS / "dequantise_gguf.py", "--gguf", model, "--dtype", "f32", "--out", folder / "f32.gguf"],
            UNTIMED_LIMIT_S)
        rounded = llama_cpp_along(python, model, folder / "paths.json")
        return compare(paths, rounded, llama_cpp_along(python, folder / "f32.gguf", folder / "paths.json", "--exact"))
