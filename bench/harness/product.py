"""What is measured on Cupel alone: start-up of the binary, token ids, and the machine's read bandwidth by its own word."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from pathlib import Path

from .config import CACHE, MODELS, ORACLES, RESULTS, STARTUP_CASES, STARTUP_RUNS
from .processes import OthersMeter, last_json, run
from .statistics import summary

# Commands that know the read bandwidth, best first, and the field of their JSON, in GB/s.
BANDWIDTH_SOURCES = ((("bench", "--membw"), "bandwidth_gb_s"), (("doctor",), "read_bandwidth_gb_s"))


def read_bandwidth(binary: Path, threads: int) -> dict:
    """GB/s with `threads` threads, and which command said so; `doctor` uses all processors."""
    problems = []
    for arguments, field in BANDWIDTH_SOURCES:
        flags = ["--threads", threads] if arguments[0] == "bench" else []
        try:
            value = find_field(last_json(run([binary, *arguments, *flags, "--format", "json"]).out), field)
        except (RuntimeError, ValueError, IndexError) as error:
            problems.append(f"{arguments[0]}: {error}")
            continue
        if value is not None:
            return {"gb_s": value, "source": "cupel " + " ".join(arguments)}
        problems.append(f"{arguments[0]}: no field {field}")
    raise RuntimeError("the read bandwidth is not known: " + "; ".join(problems))


def find_field(document, field: str) -> float | None:
    """The first number of that name, however deep."""
    if isinstance(document, dict):
        if isinstance(document.get(field), (int, float)):
            return float(document[field])
        document = list(document.values())
    if isinstance(document, list):
        return next((found for item in document if (found := find_field(item, field)) is not None), None)
    return None


def measure_startup(binary: Path) -> dict:
    with OthersMeter() as meter:
        cases = {argument: startup_case(binary, argument, expected) for argument, expected in STARTUP_CASES.items()}
    return {"busy_share": meter.share, "cases": cases}


def startup_case(binary: Path, argument: str, expected: int) -> dict:
    times, codes = [], set()
    for _ in range(STARTUP_RUNS + 1):
        started = time.perf_counter()
        code = subprocess.run([binary, argument], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
        times.append((time.perf_counter() - started) * 1e3)
        codes.add(code)
    return {"ms": summary(times[1:]), "exit_codes": sorted(codes), "exit_code_right": codes == {expected}}


def corpus_and_oracle(python: str, lines: int, name: str) -> tuple[Path, Path]:
    """The corpus and the reference ids; both are kept until a script or the model changes."""
    scripts = [ORACLES / script for script in ("make_token_corpus.py", "gguf_tokenizers.py", "tokens_oracle.py")]
    path = MODELS[name].path
    digest = hashlib.sha256(b"".join(script.read_bytes() for script in scripts))
    digest.update(f"{lines} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    CACHE.mkdir(parents=True, exist_ok=True)
    corpus = CACHE / f"corpus-{lines}.jsonl"
    oracle = CACHE / f"tokens-{name}-{digest.hexdigest()[:16]}.jsonl"
    run([python, ORACLES / "make_token_corpus.py", "--lines", lines, "--out", corpus])
    if not oracle.exists():
        partial = oracle.with_suffix(".tmp")
        run([python, ORACLES / "tokens_oracle.py", "--model", name, "--gguf", path, "--input", corpus, "--out", partial])
        partial.rename(oracle)
    return corpus, oracle


def measure_tokens(binary: Path, python: str, lines: int, name: str) -> dict:
    """Runs `cupel tokenize`, which reads the corpus' lines and prints one {"ids": [...]} for each."""
    corpus, oracle = corpus_and_oracle(python, lines, name)
    expected = [json.loads(line) for line in oracle.read_text(encoding="utf-8").split("\n") if line]
    finished = run([binary, "tokenize", "--model", MODELS[name].path, "--input", corpus, "--format", "jsonl"])
    got = [json.loads(line)["ids"] for line in finished.out.split("\n") if line]
    if len(got) != len(expected):
        raise RuntimeError(f"cupel tokenize printed {len(got)} lines for {len(expected)}")
    different = [dict(record, got=ids) for record, ids in zip(expected, got) if record["ids"] != ids]
    (RESULTS / f"different-{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in different), encoding="utf-8")
    special = sum("parse_special" in row for row in different)
    return {
        "model": MODELS[name].path.name,
        "lines": len(expected),
        "equal": len(expected) - len(different),
        "different_plain": len(different) - special,
        "different_parse_special": special,
        "first_different": different[:5],
        "seconds": finished.wall_s,
    }
