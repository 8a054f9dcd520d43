#!/usr/bin/env python3
"""Checks that `.ci/run` needs nothing that scripts/setup.sh has not installed before.

A bare Debian 12 has neither make nor git, and a checkout may belong to another user, for whom git answers nothing. So
set-up comes before the first `make`, with every group of `make test`; neither that target nor the checks that it runs
ask git.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GIT = re.compile(r"(^|[\s;|&({])git\s", re.MULTILINE)


def check_order():
    """Set-up stands before make in .ci/run and names the groups of `make test`."""
    lines = [line for line in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    makes = [i for i, line in enumerate(lines) if re.search(r"\bmake\b", line)]
    setups = [i for i, line in enumerate(lines) if "scripts/setup.sh" in line]
    if not setups or not makes or setups[0] > makes[0]:
        yield ".ci/run: calls make before scripts/setup.sh, which installs it"
        return
    wanted = re.search(r"^GROUPS_OF_setup-test := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for group in sorted(set(wanted.group(1).split()) - set(lines[setups[0]].split())):
        yield f".ci/run: set-up without the group {group}, which `make test` needs"


def check_git():
    """What `make test` would run names git nowhere, and the document check counts the same pages without it."""
    recipe = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    if GIT.search(recipe):
        yield "Makefile: `make test` calls git, which a bare machine lacks"
    for script in sorted((ROOT / "tests/house").glob("check_*.py")) + sorted((ROOT / "scripts").glob("check_*.py")):
        if re.search(r"""["']git["']""", script.read_text(encoding="utf-8")) and script != Path(__file__).resolve():
            yield f"{script.relative_to(ROOT)}: calls git"
    with tempfile.TemporaryDirectory() as empty:
        bare = subprocess.run([sys.executable, "-B", str(ROOT / "tests/house/check_docs.py")], capture_output=True,
                              text=True, env={**os.environ, "PATH": empty}, check=False)
    if not re.search(r"^docs: [0-9]{2,} pages", bare.stdout, re.MULTILINE):
        yield f"tests/house/check_docs.py: without any program it says {bare.stdout.strip()!r} {bare.stderr.strip()!r}"


def main():
    problems = list(check_order()) + list(check_git())
    for problem in problems:
        print(problem)
    print(f"bare machine: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
