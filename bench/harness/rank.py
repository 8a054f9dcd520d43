"""The workload `rank`: what `cupel rank` costs, beside arena-rank and evalica, and whether their numbers agree.

Votes are made by bench/rank/generate_votes.py with a fixed seed and kept in the cache folder. Every measurement is a
fresh process; ours and a peer's alternate. A failure is noted in its case, and the rest goes on.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .config import BENCH, CACHE, ROOT, STARTUP_RUNS
from .processes import OthersMeter, last_json, run, warm_page_cache
from .statistics import summary

SCRIPTS = BENCH / "rank"
PACKAGES = ("arena-rank", "evalica", "jax", "pandas", "numpy")
ELO_PER_LOGIT, ELO_MEAN, NORMAL_975 = 400 / math.log(10), 1000.0, 1.959963984540054
SETUP = "bench/setup.sh --rank installs what is needed"


@dataclass(frozen=True)
class Votes:
    """A generated file: its arguments for generate_votes.py."""

    rows: int
    models: int
    users: int = 0
    lengths: bool = False

    def arguments(self) -> list:
        return ["--rows", self.rows, "--models", self.models, "--users", self.users,
                *(["--lengths"] if self.lengths else [])]


FILES = {
    "200k": Votes(200_000, 200),
    "2M": Votes(2_000_000, 200),
    "20M": Votes(20_000_000, 200),
    "2M users": Votes(2_000_000, 200, 100_000),
    "10k models": Votes(2_000_000, 10_000),
    "20k with lengths": Votes(20_000, 30, lengths=True),
}


@dataclass(frozen=True)
class Case:
    """Seconds of ours, and of a peer's where there is one. With `fit` it is the fit alone, else the whole process."""

    what: str
    votes: str
    flags: tuple = ()
    fit: str = ""
    peer: str = ""  # arena_rank, or a function of evalica
    most_rounds: int | None = None

    @property
    def peer_label(self) -> str:
        return {"": "", "arena_rank": "arena-rank"}.get(self.peer, "evalica")


SANDWICH = ("--method", "bradley-terry", "--ci", "sandwich")
CASES = {
    "leaderboard": Case("CSV to leaderboard, sandwich intervals, whole process", "2M", SANDWICH, peer="arena_rank"),
    "bootstrap": Case("1,000 bootstrap rounds, whole process", "2M", ("--method", "bradley-terry", "--ci", "bootstrap:1000")),
    "clusters": Case("1,000 rounds of whole users (100,000), whole process", "2M users",
                     ("--method", "bradley-terry", "--ci", "bootstrap:1000", "--cluster", "user")),
    "bradley_terry": Case("Bradley-Terry from memory", "2M", fit="bradley_terry", peer="bradley_terry"),
    "elo": Case("online Elo from memory", "2M", fit="elo", peer="elo"),
    "10k none": Case("10,000 models, no intervals, whole process", "10k models", ("--method", "bradley-terry", "--ci", "none")),
    "10k diagonal": Case("10,000 models, diagonal intervals, whole process", "10k models",
                         ("--method", "bradley-terry", "--ci", "diagonal")),
    "200k votes": Case("0.2 M votes, sandwich intervals, whole process", "200k", SANDWICH),
    "20M votes": Case("20 M votes, sandwich intervals, whole process", "20M", SANDWICH),
    "200k fit": Case("0.2 M votes, Bradley-Terry from memory", "200k", fit="bradley_terry"),
    "20M fit": Case("20 M votes, Bradley-Terry from memory", "20M", fit="bradley_terry"),
}
# How evalica's scores become numbers that ours can be compared with, and whether it gets losers as winners: its eigen is
# that of the transposed matrix, so that its weakest item would come out first.
EVALICA = {"bradley_terry": ("bradley-terry", "log", False), "newman": ("newman", "log", False),
           "elo": ("elo", "as it is", False), "counting": ("counting", "as it is", False),
           "average_win_rate": ("average-win-rate", "as it is", False), "pagerank": ("pagerank", "as it is", False),
           "eigen": ("eigen", "as it is", True)}
# arena-rank as it comes stops when its loss no longer changes by a part in 1e9, and adds a ridge of 1e-5 a vote to its
# Hessian: nothing on a few models, more on many. Bounds on its ratings (points) and standard errors (relative).
ARENA_BOUNDS = {"simple": (2e-4, 2e-4), "food": (2e-4, 2e-4), "llmfao": (0.1, 1e-2), "2M": (0.1, 5e-2)}
ARENA_TIGHT_BOUNDS = (1e-3, 3e-5)
# Published votes, read in place where they are: file and its columns of names.
PUBLISHED = {"simple": ("left", "right"), "food": ("left", "right"), "llmfao": ("left", "right")}


class Absent(RuntimeError):
    """What is not installed or built here; the text says how to get it."""


def rank_python() -> Path:
    """The interpreter of the peers: this one, or that of the environment beside it."""
    here = Path(sys.prefix)
    name = here.name if here.name.endswith("-rank") else here.name + "-rank"
    python = Path(os.environ.get("CUPEL_BENCH_RANK_PYTHON", here.with_name(name) / "bin" / "python"))
    if not python.exists():
        raise Absent(f"the peers are not installed; {SETUP}")
    return python


def fit_program(binary: Path) -> Path:
    program = binary.parent / "bench" / "cupel_rank_fit_bench"
    if not program.exists():
        raise Absent(f"{program.name} is not built: `make bench` does, or configure with -DCUPEL_BUILD_BENCH=ON")
    return program


def votes_file(name: str, python: Path) -> Path:
    """Made once for a version of the generator; its name holds what it was made from."""
    script = SCRIPTS / "generate_votes.py"
    digest = hashlib.sha256(script.read_bytes() + repr(FILES[name]).encode()).hexdigest()[:12]
    stem = f"votes-{name.replace(' ', '-')}"
    path = CACHE / f"{stem}-{digest}.csv"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        for older in CACHE.glob(f"{stem}-{'?' * len(digest)}.csv"):
            older.unlink()
        partial = path.with_suffix(".tmp")
        run([python, script, *FILES[name].arguments(), "--out", partial])
        partial.rename(path)
    return path


def versions(python: Path) -> dict:
    code = ("import json, sys\nfrom importlib import metadata\n"
            "print(json.dumps({name: metadata.version(name) for name in sys.argv[1:]}))")
    return last_json(run([python, "-c", code, *PACKAGES]).out)


def leaderboard(text: str) -> dict[str, dict[str, float]]:
    """The table that `cupel rank --format csv` prints: item → rating and, where there are intervals, their half-width."""
    rows = {}
    for row in csv.DictReader(text.splitlines()):
        rows[row["item"]] = {"rating": float(row["rating"])}
        if row["ci_low"] and row["ci_high"]:
            rows[row["item"]]["half_width"] = (float(row["ci_high"]) - float(row["ci_low"])) / 2
    if not rows:
        raise RuntimeError("cupel rank printed no rows")
    return rows


def largest_difference(ours: dict[str, float], theirs: dict[str, float], unit: str = "of the largest") -> float:
    """Over the items, which must be the same: in points, relative to each of theirs, or to the largest of theirs."""
    if set(ours) != set(theirs):
        raise RuntimeError(f"{len(ours)} items against {len(theirs)}, not the same ones")
    largest = max(abs(value) for value in theirs.values())
    size = {"points": lambda item: 1.0, "relative": lambda item: abs(theirs[item]), "of the largest": lambda item: largest}[unit]
    return max(abs(ours[item] - theirs[item]) / size(item) for item in theirs)


def centred_logs(scores: dict[str, float]) -> dict[str, float]:
    mean = sum(math.log(score) for score in scores.values()) / len(scores)
    return {item: math.log(score) - mean for item, score in scores.items()}


class Ranking:
    """All of the workload. `result` is complete whatever failed."""

    def __init__(self, binary: Path, rounds: int, data: Path, cases: list[str] | None = None):
        self.binary, self.rounds, self.data = binary, rounds, data
        self.cases = {name: CASES[name] for name in cases or CASES}
        self.python = rank_python()
        self.busy: list[float] = []
        self.result: dict = {"rounds": rounds, "cases": {}, "agreement": [], "failures": []}

    def measure(self) -> dict:
        self.result["versions"] = versions(self.python)
        for case in self.cases.values():
            warm_page_cache(votes_file(case.votes, self.python))
        self.speed()
        self.attempt("parse", self.parse)
        self.attempt("start-up", self.startup)
        for name in PUBLISHED:
            self.agree(name, self.data / f"{name}.csv", PUBLISHED[name])
        self.agree("2M", votes_file("2M", self.python), ("model_a", "model_b"))
        self.attempt("style against arena-rank", lambda: self.agree_style("20k with lengths"))
        self.result["busy_share"] = sorted(self.busy)[len(self.busy) // 2] if self.busy else 0.0
        return self.result

    def attempt(self, what: str, work) -> object | None:
        try:
            return work()
        except (RuntimeError, OSError, KeyError, ValueError) as error:
            self.result["failures"].append({"what": f"rank: {what}", "why": f"{type(error).__name__}: {error}"})
            print(f"bench: rank: {what}: {error}", file=sys.stderr, flush=True)
            return None

    # Speed: ours, theirs, ours, theirs, …; a side that fails is out for the rest.

    def speed(self) -> None:
        turns: dict = {name: {} for name in self.cases}
        gone: set = set()
        for index in range(self.rounds):
            print(f"bench: rank: round {index + 1} of {self.rounds} …", file=sys.stderr, flush=True)
            for name, case in self.cases.items():
                for side in ("cupel", *([case.peer] if case.peer else [])):
                    if (name, side) in gone or index >= (case.most_rounds or self.rounds):
                        continue
                    with OthersMeter() as meter:
                        turn = self.attempt(f"{case.what}: {side}", lambda: self.turn(case, side))  # noqa: B023
                    self.busy.append(meter.share)
                    if turn is None:
                        gone.add((name, side))
                    else:
                        turns[name].setdefault(side, []).append(turn)
        for name, case in self.cases.items():
            values = {side: summary([turn["seconds"] for turn in made]) | {"turns": made}
                      for side, made in turns[name].items() if (name, side) not in gone}
            self.result["cases"][name] = {"what": case.what, "rows": FILES[case.votes].rows, "peer": case.peer,
                                          "peer_label": case.peer_label, "values": values}

    def turn(self, case: Case, side: str) -> dict:
        path = votes_file(case.votes, self.python)
        if side == "cupel" and case.fit:
            finished = run([fit_program(self.binary), path, case.fit])
            found = last_json(finished.out)
            return {"seconds": found["fit_s"], "read_s": found["read_s"], "peak_bytes": finished.peak_bytes}
        if side == "cupel":
            finished = run([self.binary, "rank", path, *case.flags, "--format", "csv"])
            if len(leaderboard(finished.out)) != FILES[case.votes].models:
                raise RuntimeError(f"cupel rank printed {len(leaderboard(finished.out))} models")
            return {"seconds": finished.wall_s, "peak_bytes": finished.peak_bytes}
        if side == "arena_rank":
            finished = run([self.python, SCRIPTS / "arena_rank_turn.py", path])
            return {"seconds": finished.wall_s, "peak_bytes": finished.peak_bytes, "parts": last_json(finished.out)["parts"]}
        finished = run([self.python, SCRIPTS / "evalica_turn.py", path, side])
        found = last_json(finished.out)[side]
        return {"seconds": found["seconds"], "peak_bytes": finished.peak_bytes, "iterations": found["iterations"]}

    def parse(self) -> None:
        """Reading alone, on one core."""
        program, path = fit_program(self.binary), votes_file("2M", self.python)
        rates = []
        for _ in range(self.rounds):
            found = last_json(run([program, path, "counting", "1"]).out)
            rates.append(path.stat().st_size / 1e6 / found["read_s"])
        self.result["parse"] = {"mb_s": summary(rates), "bytes": path.stat().st_size}

    def startup(self) -> None:
        times = []
        for _ in range(STARTUP_RUNS + 1):
            began = time.perf_counter()
            code = subprocess.run([self.binary, "rank", "--help"], stdout=subprocess.DEVNULL).returncode
            times.append((time.perf_counter() - began) * 1e3)
            if code != 0:
                raise RuntimeError(f"cupel rank --help exited with {code}")
        self.result["startup_ms"] = summary(times[1:])

    # Agreement.

    def agree(self, name: str, path: Path, columns: tuple[str, str]) -> None:
        if not path.exists():
            self.result["agreement"].append({"votes": name, "missing": "the published votes are not here"})
            return
        for swapped in (False, True):
            scores = self.attempt(f"{name}: evalica", lambda: self.evalica_scores(path, columns, swapped))  # noqa: B023
            for function in scores or {}:
                self.attempt(f"{name}: {EVALICA[function][0]} against evalica",
                             lambda: self.agree_evalica(name, path, function, scores[function]))  # noqa: B023
        for tight in (False, True):
            self.attempt(f"{name}: bradley-terry against arena-rank",
                         lambda: self.agree_arena_rank(name, path, columns, tight))  # noqa: B023

    def rank(self, path: Path, method: str, ci: str) -> dict[str, dict[str, float]]:
        return leaderboard(run([self.binary, "rank", path, "--method", method, "--ci", ci, "--format", "csv"]).out)

    def evalica_scores(self, path: Path, columns: tuple[str, str], swapped: bool) -> dict[str, dict[str, float]]:
        functions = [function for function, (_, _, needs) in EVALICA.items() if needs == swapped]
        found = last_json(run([self.python, SCRIPTS / "evalica_turn.py", path, *functions, "--columns", *columns,
                               "--tolerance", 1e-12, *(["--swap"] if swapped else [])]).out)
        return {function: found[function]["scores"] for function in functions}

    def agree_evalica(self, name: str, path: Path, function: str, theirs: dict[str, float]) -> None:
        method, form, _ = EVALICA[function]
        ours = {item: row["rating"] for item, row in self.rank(path, method, "none").items()}
        if form == "log":
            theirs = centred_logs(theirs)
            ours = {item: (rating - ELO_MEAN) / ELO_PER_LOGIT for item, rating in ours.items()}
        self.note(name, method, "evalica", "of the largest", largest_difference(ours, theirs), 1e-6)

    def agree_arena_rank(self, name: str, path: Path, columns: tuple[str, str], tight: bool) -> None:
        theirs = last_json(run([self.python, SCRIPTS / "arena_rank_turn.py", path, "--columns", *columns,
                                *(["--tight"] if tight else [])]).out)
        peer = "arena-rank" + (", run to its end, little ridge" if tight else "")
        self.compare_errors(name, "", peer, self.rank(path, "bradley-terry", "sandwich"), theirs,
                            ARENA_TIGHT_BOUNDS if tight else ARENA_BOUNDS[name])

    def agree_style(self, name: str) -> None:
        """Length as the one feature, no penalty on either side."""
        path = votes_file(name, self.python)
        theirs = last_json(run([self.python, SCRIPTS / "arena_rank_turn.py", path, "--style", "length", "--tight"]).out)
        ours = leaderboard(run([self.binary, "rank", path, "--method", "style", "--style", "length", "--ci", "sandwich",
                                "--format", "csv"]).out)
        self.compare_errors(name, "style: ", "arena-rank, run to its end, little ridge", ours, theirs, ARENA_TIGHT_BOUNDS)

    def compare_errors(self, name: str, what: str, peer: str, rows: dict, theirs: dict, bounds: tuple[float, float]) -> None:
        ratings = {item: row["rating"] for item, row in rows.items()}
        errors = {item: row["half_width"] / NORMAL_975 for item, row in rows.items()}
        self.note(name, f"{what}ratings", peer, "points", largest_difference(ratings, theirs["ratings"], "points"), bounds[0])
        self.note(name, f"{what}standard errors", peer, "relative",
                  largest_difference(errors, theirs["errors"], "relative"), bounds[1])

    def note(self, votes: str, what: str, peer: str, unit: str, difference: float, bound: float) -> None:
        self.result["agreement"].append({"votes": votes, "what": what, "peer": peer, "unit": unit,
                                         "largest": difference, "bound": bound})


def measure(binary: Path, rounds: int, cases: list[str] | None = None) -> dict:
    data = Path(os.environ.get("CUPEL_TEST_DATA", ROOT.parent / "shared" / "data")) / "votes"
    return Ranking(binary, rounds, data, cases).measure()


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or None), indent=2))
