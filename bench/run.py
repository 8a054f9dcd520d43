#!/usr/bin/env python3
"""The benchmark: Cupel against llama.cpp, start-up times, tokenizer agreement.

    bench/run.py [--cupel build/release/cupel] [--rounds 5] [--threads 2] [--models smollm2 gemma3]
                 [--only speed startup tokens] [--lines 10000] [--python PATH]

speed    Cupel and llama.cpp take turns (A B A B ...), one process per turn, after one untimed turn each.
         Reported: the medians of the rounds in tokens/s, and their ratio. Prefill: about 512 prompt
         tokens. Decode: 64 tokens at batch 1 after a short prompt, greedy; the rate is (n - 1) / time on
         both sides, since both clocks start when the first token is known.
startup  Wall time of `cupel --help`, `--version` and an unknown flag; medians of 20.
tokens   `cupel tokenize` on a generated corpus, against the reference tokenizer.

Run it with the environment that bench/setup.sh makes, on an idle machine. Prints a table, writes
bench/results/latest.json. Without the binary only the peer is measured. Exit code: 0 all targets met,
1 a target missed, the machine busy or a command failed, 2 usage, 3 a model or the binary is missing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
RESULTS = BENCH / "results"
ORACLES = BENCH / "oracles"
MODELS = {
    "smollm2": ROOT / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf",
    "gemma3": ROOT / "models" / "gemma-3-270m.Q4_K_M.gguf",
}
DECODE_PROMPT = "The lighthouse keeper climbed the stairs every evening, carrying a small brass lamp and"
DECODE_TOKENS, PREFILL_TOKENS, STARTUP_RUNS = 64, 512, 20
# Least ratio to llama.cpp; most milliseconds; least share of equal lines.
TARGETS = {"decode": 0.8, "prefill": 1.5, "startup_ms": 20.0, "tokens": 1.0}
# Arguments of `cupel`, and the exit code that is right for them.
STARTUP_CASES = {"--help": 0, "--version": 0, "--no-such-flag": 2}
# With more than this share of the processors taken by others, times say nothing: llama.cpp's spinning threads
# suffer most, so ratios flatter Cupel. Such figures are shown, but neither pass nor miss.
BUSY_SHARE, BUSY_SAMPLE_S = 0.15, 0.5


def run(command: list, **streams) -> tuple[str, int]:
    """Runs a command to its end: its standard output and its peak resident bytes."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=err, **streams)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        for stream in (out, err):
            stream.seek(0)
        if process.returncode != 0:
            raise RuntimeError(f"{Path(command[0]).name} exited with {process.returncode}: {err.read().strip()[-500:]}")
        return out.read(), usage.ru_maxrss * 1024


def last_json(text: str) -> dict:
    """A whole JSON document, or the one on the last line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return json.loads(text.strip().splitlines()[-1])


def summary(values: list[float]) -> dict:
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "values": values}


def busy_share() -> float:
    """Share of the processors' time that others take, while this process sleeps."""

    def idle_and_all() -> tuple[int, int]:
        ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return ticks[3] + ticks[4], sum(ticks)

    idle_before, all_before = idle_and_all()
    time.sleep(BUSY_SAMPLE_S)
    idle_after, all_after = idle_and_all()
    return 1 - (idle_after - idle_before) / max(1, all_after - all_before)


# ---- speed


class CupelSpeed:
    """One turn of Cupel: a prefill process and a decode process."""

    def __init__(self, binary: Path, model: Path, threads: int, prefill_prompt: str):
        self.binary, self.model, self.threads, self.prefill_prompt = binary, model, threads, prefill_prompt

    def generate(self, prompt: str, tokens: int) -> tuple[dict, int]:
        out, peak = run([
            self.binary, "generate", "--model", f"m={self.model}", "--raw", "--prompt", prompt, "--max-tokens", tokens,
            "--temperature", 0, "--threads", self.threads, "--format", "json",
        ])
        return last_json(out), peak

    def turn(self) -> dict:
        prefill, prefill_peak = self.generate(self.prefill_prompt, 1)
        decode, decode_peak = self.generate(DECODE_PROMPT, DECODE_TOKENS)
        prompt_tokens = prefill["usage"]["prompt_tokens"]
        completion_tokens = decode["usage"]["completion_tokens"]
        if completion_tokens < DECODE_TOKENS // 2:
            raise RuntimeError(f"only {completion_tokens} tokens were decoded, too few to time")
        return {
            "prefill": prompt_tokens / prefill["timings"]["prefill_s"],
            "decode": (completion_tokens - 1) / decode["timings"]["decode_s"],
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "peak_bytes": max(prefill_peak, decode_peak),
        }


class PeerSpeed:
    """One turn of llama.cpp: one process that measures both."""

    def __init__(self, python: str, model: Path, threads: int):
        self.command = [
            python, BENCH / "peers" / "llama_cpp.py", "--model", model, "--threads", threads, "--decode-prompt", DECODE_PROMPT,
            "--decode-tokens", DECODE_TOKENS, "--prefill-tokens", PREFILL_TOKENS, "--print-prompt",
        ]

    def turn(self) -> dict:
        report = last_json(run(self.command)[0])
        return {
            "prefill": report["prefill"]["tokens_per_s"],
            "decode": report["decode"]["tokens_per_s"],
            "prompt_tokens": report["prefill"]["prompt_tokens"],
            "completion_tokens": report["decode"]["completion_tokens"],
            "peak_bytes": report["peak_bytes"],
            "prompt": report["prefill"]["prompt"],
            "package": report["package"],
            "system": report["system"],
        }


def measure_speed(options: argparse.Namespace, name: str) -> dict:
    model = MODELS[name]
    peer = PeerSpeed(options.python, model, options.threads)
    warm_up = peer.turn()
    contenders = {"llama_cpp": peer}
    if options.cupel.exists():
        cupel = CupelSpeed(options.cupel, model, options.threads, warm_up["prompt"])
        cupel.turn()
        contenders = {"cupel": cupel, **contenders}
    turns: dict[str, list[dict]] = {contender: [] for contender in contenders}
    busy = []
    for _ in range(options.rounds):
        busy.append(busy_share())
        for contender, speed in contenders.items():
            turns[contender].append(speed.turn())

    result: dict = {"model": model.name, "threads": options.threads, "rounds": options.rounds,
                    "busy_share": statistics.median(busy), "peer_package": warm_up["package"], "peer_system": warm_up["system"]}
    for contender, rows in turns.items():
        result[contender] = {phase: summary([row[phase] for row in rows]) for phase in ("prefill", "decode")}
        for field in ("prompt_tokens", "completion_tokens"):
            result[contender][field] = rows[0][field]
        result[contender]["peak_bytes"] = max(row["peak_bytes"] for row in rows)
    if "cupel" in turns:
        for phase in ("prefill", "decode"):
            result[f"{phase}_ratio"] = result["cupel"][phase]["median"] / result["llama_cpp"][phase]["median"]
    return result


# ---- start-up


def measure_startup(binary: Path) -> dict:
    result: dict = {"busy_share": busy_share(), "cases": {}}
    for argument, expected in STARTUP_CASES.items():
        times, codes = [], set()
        for _ in range(STARTUP_RUNS + 1):
            started = time.perf_counter()
            code = subprocess.run([binary, argument], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
            times.append((time.perf_counter() - started) * 1e3)
            codes.add(code)
        result["cases"][argument] = {"ms": summary(times[1:]), "exit_codes": sorted(codes), "exit_code_right": codes == {expected}}
    return result


# ---- tokens


def corpus_and_oracle(options: argparse.Namespace, name: str) -> tuple[Path, Path]:
    """The corpus and the reference ids; both are kept until a script or the model changes."""
    scripts = [ORACLES / script for script in ("make_token_corpus.py", "gguf_tokenizers.py", "tokens_oracle.py")]
    digest = hashlib.sha256(b"".join(script.read_bytes() for script in scripts))
    digest.update(f"{options.lines} {MODELS[name].stat().st_size} {MODELS[name].stat().st_mtime_ns}".encode())
    corpus = RESULTS / f"corpus-{options.lines}.jsonl"
    oracle = RESULTS / f"tokens-{name}-{digest.hexdigest()[:16]}.jsonl"
    run([options.python, ORACLES / "make_token_corpus.py", "--lines", options.lines, "--out", corpus])
    if not oracle.exists():
        partial = oracle.with_suffix(".tmp")
        run([options.python, ORACLES / "tokens_oracle.py", "--model", name, "--gguf", MODELS[name], "--input", corpus,
             "--out", partial])
        partial.rename(oracle)
    return corpus, oracle


def measure_tokens(options: argparse.Namespace, name: str) -> dict:
    """Runs `cupel tokenize`, which reads the corpus' lines and prints one {"ids": [...]} for each."""
    corpus, oracle = corpus_and_oracle(options, name)
    expected = [json.loads(line) for line in oracle.read_text(encoding="utf-8").split("\n") if line]
    started = time.perf_counter()
    out, _ = run([options.cupel, "tokenize", "--model", MODELS[name], "--input", corpus, "--format", "jsonl"])
    seconds = time.perf_counter() - started
    got = [json.loads(line)["ids"] for line in out.split("\n") if line]
    if len(got) != len(expected):
        raise RuntimeError(f"cupel tokenize printed {len(got)} lines for {len(expected)}")
    different = [dict(record, got=ids) for record, ids in zip(expected, got) if record["ids"] != ids]
    (RESULTS / f"different-{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in different), encoding="utf-8")
    special = sum("parse_special" in row for row in different)
    return {
        "model": MODELS[name].name,
        "lines": len(expected),
        "equal": len(expected) - len(different),
        "different_plain": len(different) - special,
        "different_parse_special": special,
        "first_different": different[:5],
        "seconds": seconds,
    }


# ---- report


def machine() -> dict:
    info = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    fields = dict(reversed([line.split("\t", 1) for line in info if "\t" in line]))
    wanted = ("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8")
    flags = fields.get("flags", "").split()
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {
        "cpu": fields.get("model name", "").strip(": \t") or platform.processor(),
        "cores": os.cpu_count(),
        "flags": [flag for flag in wanted if flag in flags],
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
    }


def verdict(good: bool, busy: float = 0.0) -> str:
    return "BUSY" if busy > BUSY_SHARE else "PASS" if good else "MISS"


def table_rows(results: dict) -> list[list[str]]:
    """Rows of: what, Cupel, llama.cpp, ratio, target, verdict."""
    rows = []
    for name, speed in results.get("speed", {}).items():
        for phase in ("prefill", "decode"):
            peer = f"{speed['llama_cpp'][phase]['median']:.1f} tok/s"
            target = f">= {TARGETS[phase]} x"
            if "cupel" not in speed:
                rows.append([f"{name} {phase}", "-", peer, "-", target, "n/a"])
                continue
            ratio = speed[f"{phase}_ratio"]
            rows.append([f"{name} {phase}", f"{speed['cupel'][phase]['median']:.1f} tok/s", peer, f"{ratio:.2f} x", target,
                         verdict(ratio >= TARGETS[phase], speed["busy_share"])])
    startup = results.get("startup", {"cases": {}})
    for argument, case in startup["cases"].items():
        good = case["ms"]["median"] <= TARGETS["startup_ms"] and case["exit_code_right"]
        note = "" if case["exit_code_right"] else f" (exit {case['exit_codes']})"
        rows.append([f"cupel {argument}", f"{case['ms']['median']:.1f} ms{note}", "-", "-", f"<= {TARGETS['startup_ms']:.0f} ms",
                     verdict(good, startup["busy_share"] if case["exit_code_right"] else 0.0)])
    for name, tokens in results.get("tokens", {}).items():
        good = tokens["equal"] >= TARGETS["tokens"] * tokens["lines"]
        rows.append([f"{name} token ids", f"{tokens['equal']}/{tokens['lines']} lines", "-", "-", "all equal",
                     verdict(good)])
    for failure in results["failures"]:
        rows.append([failure["what"], "failed", "-", "-", "-", "MISS"])
    return rows


def print_table(results: dict) -> None:
    rows = [["", "cupel", "llama.cpp", "ratio", "target", ""]] + table_rows(results)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    for failure in results["failures"]:
        print(f"{failure['what']}: {failure['why']}")
    for name, speed in results.get("speed", {}).items():
        ours, theirs = speed.get("cupel"), speed["llama_cpp"]
        if ours and ours["prompt_tokens"] != theirs["prompt_tokens"]:
            print(f"note: {name}: prompt of {ours['prompt_tokens']} tokens for Cupel, {theirs['prompt_tokens']} for llama.cpp")
        for contender in (ours, theirs):
            if contender:
                label = "cupel" if contender is ours else "llama.cpp"
                spread = ", ".join(f"{phase} {contender[phase]['min']:.1f}-{contender[phase]['max']:.1f}"
                                   for phase in ("prefill", "decode"))
                print(f"{name} {label}: {spread} tok/s, peak {contender['peak_bytes'] / 2**20:.0f} MiB")
    host = results["machine"]
    print(f"{host['cpu']}, {host['cores']} cores, {' '.join(host['flags'])}")
    if any(row[-1] == "BUSY" for row in rows):
        print("BUSY: other programs were running, so these times prove nothing; run again on an idle machine")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cupel", type=Path, default=ROOT / "build" / "release" / "cupel")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--only", nargs="+", choices=["speed", "startup", "tokens"], default=["speed", "startup", "tokens"])
    parser.add_argument("--lines", type=int, default=10000)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has xllamacpp, tokenizers and gguf")
    options = parser.parse_args()
    if options.rounds < 1 or options.lines < 1 or options.threads < 1:
        parser.error("--rounds, --lines and --threads must be at least 1")

    options.cupel = options.cupel.resolve()
    absent = [path for path in (MODELS[name] for name in options.models) if not path.exists()]
    if absent:
        print(f"{absent[0].relative_to(ROOT)} is missing; fetch the models first", file=sys.stderr)
        return 3
    RESULTS.mkdir(parents=True, exist_ok=True)
    results: dict = {"machine": machine(), "targets": TARGETS, "failures": []}

    def attempt(what: str, group: str, key: str | None, measure) -> None:
        try:
            value = measure()
            results[group] = value if key is None else {**results.get(group, {}), key: value}
        except (RuntimeError, OSError, KeyError, ValueError) as error:
            results["failures"].append({"what": what, "why": f"{type(error).__name__}: {error}"})

    have_cupel = options.cupel.exists()
    if not have_cupel:
        print(f"{options.cupel} is missing: only the peer is measured", file=sys.stderr)
    if "startup" in options.only and have_cupel:
        attempt("startup", "startup", None, lambda: measure_startup(options.cupel))
    for name in options.models:
        if "tokens" in options.only and have_cupel:
            attempt(f"{name} token ids", "tokens", name, lambda: measure_tokens(options, name))
        if "speed" in options.only:
            attempt(f"{name} speed", "speed", name, lambda: measure_speed(options, name))

    partial = RESULTS / "latest.json.tmp"
    partial.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    partial.rename(RESULTS / "latest.json")
    print_table(results)
    if not have_cupel:
        return 3
    return 0 if all(row[-1] == "PASS" for row in table_rows(results)) else 1


if __name__ == "__main__":
    sys.exit(main())
