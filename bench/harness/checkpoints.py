"""Checkpoints for peers that cannot read a GGUF file: made once from its dequantised weights, kept in the cache folder."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from .config import CACHE, MODELS, PEERS

SETUP_ALL = "bench/setup.sh --all installs what is needed"


class Impossible(Exception):
    """No checkpoint can be made here; the text says why."""


def stamp(model: str) -> str:
    state = MODELS[model].path.stat()
    return f"{state.st_size}-{state.st_mtime_ns}"


def dequantised(model: str, dtype: str, python: str) -> Path:
    if importlib.util.find_spec("transformers") is None:
        raise Impossible(f"transformers is not installed; {SETUP_ALL}")
    folder = CACHE / f"hf-{model}-{dtype}-{stamp(model)}"
    if not folder.exists():
        build([python, PEERS / "dequantise.py", "--model", model, "--dtype", dtype, "--out", folder])
    return folder


def float_gguf(model: str, dtype: str, python: str) -> Path:
    """The GGUF file with its weights dequantised to BF16 or F32: the same weights as `dequantised`, for Cupel."""
    if importlib.util.find_spec("gguf") is None:
        raise Impossible(f"gguf is not installed; {SETUP_ALL}")
    path = CACHE / f"{model}-{dtype}-{stamp(model)}.gguf"
    if not path.exists():
        build([python, PEERS / "dequantise_gguf.py", "--gguf", MODELS[model].path, "--dtype", dtype, "--out", path])
    return path


def for_openvino(model: str, python: str) -> tuple[Path, str]:
    """OpenVINO GenAI reads SmolLM2's GGUF; of Gemma's it knows neither the architecture nor Q5_0, so it gets int8."""
    if model == "smollm2":
        return MODELS[model].path, "the GGUF file"
    folder = CACHE / f"openvino-{model}-int8-{stamp(model)}"
    if not folder.exists():
        environment = Path(sys.prefix)
        exporter = environment.with_name(environment.name + "-export") / "bin" / "optimum-cli"
        if not exporter.exists():
            raise Impossible(f"its GGUF reader does not know this file, and there is no exporter; {SETUP_ALL}")
        source = dequantised(model, "f32", python)
        partial = folder.with_name(folder.name + ".tmp")
        shutil.rmtree(partial, ignore_errors=True)
        build([exporter, "export", "openvino", "--model", source, "--task", "text-generation-with-past",
               "--weight-format", "int8", partial])
        partial.rename(folder)
    return folder, "GGUF weights dequantised, then int8 per channel (optimum-intel)"


def build(command: list) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise Impossible(f"making its checkpoint failed: {lines[-1][:200]}")
