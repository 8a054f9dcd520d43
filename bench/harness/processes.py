"""Child processes: run one to its end, keep a busy neighbour, ask how busy the machine is."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .config import BUSY_SAMPLE_S

TURN_LIMIT_S = 400
# Starts the command, waits, and leaves its exit code and peak memory (KiB) in a file. The system counts what the
# starting process held as the started one's peak: this one holds little, the harness holds checkpoints.
LAUNCH = ("import os, sys\n"
          "child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)\n"
          "_, status, usage = os.wait4(child, 0)\n"
          "open(sys.argv[1], 'w').write(str(usage.ru_maxrss))\n"
          "code = os.waitstatus_to_exitcode(status)\n"
          "sys.exit(code if code >= 0 else 128 - code)")
SPIN = "import os\nos.sched_setaffinity(0, {{{cpu}}})\nwhile os.getppid() == {parent}: sum(range(10000))"


@dataclass(frozen=True)
class Finished:
    out: str
    peak_bytes: int
    wall_s: float


def run(command: list) -> Finished:
    """Runs a command to its end; one that fails or outlasts TURN_LIMIT_S is a RuntimeError with its last words."""
    name = Path(command[1] if Path(command[0]).name.startswith("python") else command[0]).name
    with (tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err,
          tempfile.NamedTemporaryFile("r") as peak):
        began = time.perf_counter()
        process = subprocess.run([sys.executable, "-I", "-S", "-c", LAUNCH, peak.name, "timeout", "--kill-after=5",
                                  str(TURN_LIMIT_S), *map(str, command)], stdout=out, stderr=err, check=False)
        wall_s = time.perf_counter() - began
        for stream in (out, err):
            stream.seek(0)
        if process.returncode == 124:
            raise RuntimeError(f"{name} did not end within {TURN_LIMIT_S} s")
        if process.returncode != 0:
            raise RuntimeError(f"{name} exited with {process.returncode}: {err.read().strip()[-500:]}")
        # `timeout` waits for its child, so that the usage that it hands up includes the child's peak.
        return Finished(out.read(), int(peak.read()) * 1024, wall_s)


def last_json(text: str) -> dict:
    """A whole JSON document, or the one on the last line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return json.loads(text.strip().splitlines()[-1])


def busy_share() -> float:
    """Share of the processors' time that others take, while this process sleeps."""

    def idle_and_all() -> tuple[int, int]:
        ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return ticks[3] + ticks[4], sum(ticks)

    idle_before, all_before = idle_and_all()
    time.sleep(BUSY_SAMPLE_S)
    idle_after, all_after = idle_and_all()
    return 1 - (idle_after - idle_before) / max(1, all_after - all_before)


@contextlib.contextmanager
def busy_neighbour(cpu: int = 0):
    """A process that does nothing but occupy one core; it ends with the block, or with this process."""
    process = subprocess.Popen([sys.executable, "-c", SPIN.format(cpu=cpu, parent=os.getpid())])
    time.sleep(0.3)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def warm_page_cache(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 22):
            pass
