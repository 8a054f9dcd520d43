"""Child processes: run one to its end, keep a busy neighbour, ask how busy the machine is."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

TURN_LIMIT_S = 400
UNTIMED_LIMIT_S = 3600  # of work whose time is no result: a busy machine may take it
# Starts the command, waits, and leaves its exit code and peak memory (KiB) in a file. The system counts what the
# starting process held as the started one's peak: this one holds little, the harness holds checkpoints.
LAUNCH = ("import os, sys\n"
          "child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)\n"
          "_, status, usage = os.wait4(child, 0)\n"
          "open(sys.argv[1], 'w').write(str(usage.ru_maxrss))\n"
          "code = os.waitstatus_to_exitcode(status)\n"
          "sys.exit(code if code >= 0 else 128 - code)")
SPIN = ("import os\nos.sched_setaffinity(0, {{{cpu}}})\nprint('spinning', flush=True)\n"
        "while os.getppid() == {parent}: sum(range(10000))")


@dataclass(frozen=True)
class Finished:
    out: str
    peak_bytes: int
    wall_s: float


def run(command: list, limit_s: int = TURN_LIMIT_S) -> Finished:
    """Runs a command to its end; one that fails or outlasts its limit is a RuntimeError with its last words."""
    name = Path(command[1] if Path(command[0]).name.startswith("python") else command[0]).name
    with (tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err,
          tempfile.NamedTemporaryFile("r") as peak):
        began = time.perf_counter()
        process = subprocess.run([sys.executable, "-I", "-S", "-c", LAUNCH, peak.name, "timeout", "--kill-after=5",
                                  str(limit_s), *map(str, command)], stdout=out, stderr=err, check=False)
        wall_s = time.perf_counter() - began
        for stream in (out, err):
            stream.seek(0)
        if process.returncode == 124:
            raise RuntimeError(f"{name} did not end within {limit_s} s")
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


def processor_seconds() -> tuple[float, float, float]:
    """Since the machine started: busy time of all processors, their idle time, and the part of this process with its
    children that have ended."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    hertz = os.sysconf("SC_CLK_TCK")
    ours = sum(usage.ru_utime + usage.ru_stime
               for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
    return (sum(ticks) - idle) / hertz, idle / hertz, ours


def share_of_others(before: tuple[float, float, float], after: tuple[float, float, float]) -> float:
    """Share of the processors' time that went to programs other than ours, between two `processor_seconds`."""
    busy, idle, ours = (end - begin for begin, end in zip(before, after, strict=True))
    # The system counts in ticks and a process's own time is exact: a short turn could come out below nothing.
    return max(0.0, busy - ours) / max(1e-9, busy + idle)


class OthersMeter:
    """`with OthersMeter() as meter: …`, then `meter.share`: what others took of the processors meanwhile. Children
    count as ours once they have ended, so they must end inside the block."""

    share: float | None = None

    def __enter__(self) -> OthersMeter:
        self.before = processor_seconds()
        return self

    def __exit__(self, *_) -> None:
        self.share = share_of_others(self.before, processor_seconds())


@contextlib.contextmanager
def busy_neighbour(cpu: int | None = None):
    """A process that does nothing but occupy one of the cores that we may use; it ends with the block, or with this
    process. One that did not live through the block is a RuntimeError: nothing was measured beside it."""
    cpu = min(os.sched_getaffinity(0)) if cpu is None else cpu
    process = subprocess.Popen([sys.executable, "-c", SPIN.format(cpu=cpu, parent=os.getpid())], stdout=subprocess.PIPE,
                               text=True)
    try:
        if process.stdout.readline() != "spinning\n":
            raise RuntimeError(f"the busy neighbour could not start on core {cpu}")
        yield process
        if process.poll() is not None:
            raise RuntimeError(f"the busy neighbour ended early, with {process.returncode}: nothing ran beside it")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def warm_page_cache(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 22):
            pass
