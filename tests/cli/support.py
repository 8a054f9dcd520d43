"""What the end-to-end tests of `cupel` share: running it, test files, a scripted endpoint.

ctest names the binary in CUPEL_BINARY. As in the C++ tests, CUPEL_MODELS and CUPEL_TEST_DATA name other places for the
models and the published data; what is absent skips its tests with a reason.
"""
import json
import os
import signal
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CUPEL = Path(os.environ.get("CUPEL_BINARY", ROOT / "build/dev/cupel")).resolve()
TINY_WRITER = Path(os.environ.get("CUPEL_TINY_WRITER", ROOT / "build/dev/tests/cli/write_tiny_model")).resolve()
MODELS = Path(os.environ.get("CUPEL_MODELS", ROOT / "models"))
DATA = Path(os.environ.get("CUPEL_TEST_DATA", ROOT.parent / "shared/data"))
TOUCHSTONE = ROOT / "benchmarks/touchstone"

SMOLLM2 = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
GEMMA = MODELS / "gemma-3-270m.Q4_K_M.gguf"

# Exit codes, see src/cli/README.md.
USAGE, MISSING, CORRUPT, ENDPOINT, EXHAUSTED, INTERRUPTED = 2, 3, 4, 5, 6, 130

ALL_SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def needs_model(path):
    return unittest.skipUnless(path.is_file(), f"{path.name} was not fetched: what it shows is not shown")


def needs_data(relative):
    return unittest.skipUnless((DATA / relative).exists(), f"the published data {relative} is absent")


class Outcome:
    """What a finished command left: exit code and both streams, as text."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out)

    def rows(self):
        return json_lines(self.out)

    def __repr__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out[-2000:]}\n--- stderr\n{self.err[-2000:]}"


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line]


def read_json_lines(path):
    return json_lines(Path(path).read_text(encoding="utf-8"))


def write_json_lines(path, rows):
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def without_measurements(report):
    """A report.json as far as it must not depend on the clock or on interruptions."""
    measured = ("seconds", "tokens_per_second")
    if isinstance(report, dict):
        return {key: without_measurements(value) for key, value in report.items() if key not in measured}
    if isinstance(report, list):
        return [without_measurements(value) for value in report]
    return report


class CupelTest(unittest.TestCase):
    """A test with a folder of its own, which is also HOME: no run sees another one's files, and no key is set."""

    maxDiff = 4000

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="cupel-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        kept = {key: value for key, value in os.environ.items()
                if not key.endswith("_API_KEY") and not key.lower().endswith("_proxy")}
        self.environment = {**kept, "HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder / ".cache")}

    def file(self, name, content=""):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def tiny_model(self, name="tiny.gguf"):
        """A model of a few thousand weights with a context of 512: its answers are noise, but all commands run it."""
        path = self.folder / name
        subprocess.run([TINY_WRITER, path], check=True)
        return path

    def start(self, *args, **options):
        """Starts `cupel ARGS` and returns the Popen, which does not outlive the test."""
        process = subprocess.Popen([CUPEL, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.environment,
                                   cwd=options.pop("cwd", self.folder), **options)
        self.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()

    def finish(self, process, stdin="", timeout=60):
        out, err = process.communicate(stdin.encode(), timeout=timeout)
        return Outcome(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    def run_cupel(self, *args, stdin="", timeout=60, **options):
        return self.finish(self.start(*args, **options), stdin, timeout)

    def ok(self, *args, **options):
        done = self.run_cupel(*args, **options)
        self.assertEqual(done.code, 0, f"cupel {' '.join(map(str, args))}: {done}")
        return done

    def fails(self, code, *args, says=(), **options):
        """The command fails with that code, says all of `says` in one line, and prints nothing else."""
        done = self.run_cupel(*args, **options)
        self.check_failure(done, code, says, args)
        return done

    def check_failure(self, done, code, says=(), args=()):
        where = f"cupel {' '.join(map(str, args))}: {done}"
        self.assertEqual(done.code, code, where)
        self.assertEqual(done.out, "", where)
        self.assertRegex(done.err, r"\Acupel: [^\n]+\n\Z", where)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, done.err, where)


def main():
    """Runs the tests of the calling file; exit code 77 when every one of them was skipped."""
    if not CUPEL.is_file():
        sys.exit(f"{CUPEL}: no such binary; build cupel, or name it in CUPEL_BINARY")
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(ALL_SKIPPED if result.testsRun and len(result.skipped) == result.testsRun else 0)
