"""What each type of `cupel quantize` costs: bits, error, perplexity, KL divergence, and whether llama.cpp agrees.

Sources: a small model that is trained in f32 (bench/quant/train_model.py), its error and KL against itself; the weights
of all-MiniLM-L6-v2, for errors alone; and the models of the benchmark, which were quantised before.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from . import agreement
from .config import BENCH, CACHE, MODELS, TEXT
from .processes import UNTIMED_LIMIT_S, run

TYPES = ("q4_0", "q4_k", "q4_k_m", "q4_1", "q5_0", "q5_k", "q5_1", "q6_k", "q8_0")
SCRIPTS = BENCH / "quant"
WINDOW = 512
SOURCES = ("trained", *MODELS)


def nominal_bits(kind: str) -> int:
    """4 of q4_k_m: the class in which types compete."""
    return int(kind[1])


def trained_model(python: str) -> Path:
    folder = CACHE / "quant-trained"
    if not (folder / "held-out.txt").exists():
        run([python, SCRIPTS / "train_model.py", "--out", folder], UNTIMED_LIMIT_S)
    return folder


def minilm_file(python: str) -> Path:
    path = CACHE / "quant-minilm" / "minilm.gguf"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".tmp")
        run([python, SCRIPTS / "minilm_gguf.py", "--out", partial], UNTIMED_LIMIT_S)
        partial.rename(path)
    return path


def quantize(binary: Path, source: Path, kind: str, out: Path) -> dict:
    report = json.loads(run([binary, "quantize", source, out, "--type", kind, "--format", "json"],
                            UNTIMED_LIMIT_S).out)
    changed = [tensor for tensor in report["tensors"] if tensor["rms"] > 0]
    elements = sum(tensor["elements"] for tensor in report["tensors"])
    worst = max(changed, key=lambda tensor: tensor["rmse"] / tensor["rms"], default=None)
    return {"bits_per_weight": 8 * report["output_bytes"] / elements, "relative_error": report["relative_error"],
            "fell_back": "_k" in kind and any("_k" not in tensor["to"].lower() for tensor in changed),
            "worst_tensor": worst and worst["name"], "worst_error": worst and worst["rmse"] / worst["rms"],
            "tensors": [{"name": tensor["name"], "to": tensor["to"], "error": tensor["rmse"] / tensor["rms"]}
                        for tensor in changed]}


def fit(binary: Path, model: Path, source: Path, text: Path) -> dict:
    """Activations in f32, so that nothing but the weights differs."""
    found = json.loads(run([binary, "perplexity", "--model", model, "--against", source, "--text", text, "--window", WINDOW,
                            "--activations", "f32", "--format", "json"], UNTIMED_LIMIT_S).out)
    return {"tokens": found["tokens"], "perplexity": found["perplexity"], "source_perplexity": found["against"]["perplexity"],
            "mean_kl": found["against"]["mean_kl"], "max_kl": found["against"]["max_kl"],
            "same_top": found["against"]["same_top"]}


def note(failures: list, what: str, measure):
    try:
        return measure()
    except (RuntimeError, OSError, KeyError, ValueError) as error:
        failures.append({"what": what, "why": f"{type(error).__name__}: {error}"})
        return None


def measure_source(binary: Path, python: str, name: str, failures: list) -> dict:
    source = trained_model(python) if name == "trained" else MODELS[name].path
    text = source / "held-out.txt" if name == "trained" else TEXT
    types = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in TYPES:
            print(f"bench: quant {name} {kind} …", file=sys.stderr, flush=True)
            out = Path(folder) / f"{kind}.gguf"
            made = note(failures, f"{name} {kind}", lambda: quantize(binary, source, kind, out))
            if made is None:
                continue
            types[kind] = made
            made["fit"] = note(failures, f"{name} {kind} perplexity", lambda: fit(binary, out, source, text))
            made["llama_cpp"] = note(failures, f"{name} {kind} in llama.cpp", lambda: agreement.measure(binary, python, out))
            out.unlink()
    return {"source": source.name, "text": text.name, "types": types}


def measure_minilm(binary: Path, python: str) -> dict:
    source = minilm_file(python)
    with tempfile.TemporaryDirectory() as folder:
        types = {kind: quantize(binary, source, kind, Path(folder) / f"{kind}.gguf") for kind in TYPES}
    return {"source": "all-MiniLM-L6-v2, f32", "types": types}


def measure(binary: Path, python: str, sources: list[str]) -> tuple[dict, list]:
    CACHE.mkdir(parents=True, exist_ok=True)
    failures: list = []
    results = {}
    for name in sources:
        if found := note(failures, f"quant {name}", lambda: measure_source(binary, python, name, failures)):
            results[name] = found
    if found := note(failures, "quant MiniLM", lambda: measure_minilm(binary, python)):
        results["minilm"] = found
    return results, failures


def classes(types: dict, figure) -> list[tuple[int, list[float]]]:
    """Figures by nominal bits, ascending. Types without one are left out, and K types of rows that they do not fit,
    which became others of more bits."""
    by_bits: dict[int, list[float]] = {}
    for kind, found in types.items():
        if not found.get("fell_back") and (value := figure(found)) is not None:
            by_bits.setdefault(nominal_bits(kind), []).append(value)
    return sorted(by_bits.items())


def falls_with_bits(types: dict, figure) -> bool | None:
    """Whether every type of more bits is below every type of fewer; None for fewer than two classes."""
    ordered = classes(types, figure)
    if len(ordered) < 2:
        return None
    return all(max(more) < min(fewer) for (_, fewer), (_, more) in zip(ordered, ordered[1:]))
