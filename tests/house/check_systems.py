#!/usr/bin/env python3
"""Holds docs/systems.md to the truth.

Usage: check_systems.py [--root DIR] [--build DIR] [--page FILE]

All of 1 to 98 stand there once; a row that claims something names a command of the product, files that
exist, and a number under which ctest lists at least one test of the build directory (rows of what needs libtorch
where that directory was built with it).
"""
import argparse
import re
import subprocess
import sys
from pathlib import Path

SYSTEMS = 98
STATUS = ("planned", "partly", "works")


def read_rows(page):
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if re.match(r"\|\s*\d", line):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            yield number, cells


def check_claim(cells, root, commands):
    system, _, _, command, source = cells
    name = re.match(r"`cupel (\w+)", command)
    if not name or name.group(1) not in commands:
        yield f"system {system} names no command of src/cli/commands.def: \"{command}\""
    files = re.findall(r"`([^`]+)`", source)
    if not files:
        yield f"system {system} claims something but names no source file"
    for file in files:
        if not (root / file).is_file():
            yield f"system {system} names {file}, which does not exist"
    if f"- **{system}** " not in (root / "docs/systems.md").read_text(encoding="utf-8"):
        yield f"system {system} has no note that says which part is done"



def is_trained(cells):
    """Whether the tests of a row are of what needs libtorch."""
    return bool(re.search(r"`src/align/", cells[4]))


def tests_of(system, build):
    listed = subprocess.run(["ctest", "--test-dir", build, "-N", "-L", f"^system_{system}$"],
                            capture_output=True, text=True, check=False).stdout
    match = re.search(r"Total Tests: (\d+)", listed)
    return int(match.group(1)) if match else 0


def check(page, root, build):
    commands = {name.rstrip("_") for name in
                re.findall(r"CUPEL_COMMAND\((\w+)\)", (root / "src/cli/commands.def").read_text())}
    seen = []
    for line, cells in read_rows(page):
        if len(cells) != 5 or cells[2] not in STATUS:
            yield f"{page}:{line}: expected | n | system | {' or '.join(STATUS)} | command | source |"
            continue
        seen.append(int(cells[0]))
        if cells[2] == "planned":
            if cells[3] or cells[4]:
                yield f"{page}:{line}: a planned system claims no command and no file"
            continue
        for problem in check_claim(cells, root, commands):
            yield f"{page}:{line}: {problem}"
        if build is None or (is_trained(cells) and not (build / "cupel-train").is_file()):
            continue  # not built here: its tests cannot be listed
        if not tests_of(cells[0], build):
            yield f"{page}:{line}: no test has the label system_{cells[0]}"
    if sorted(seen) != list(range(1, SYSTEMS + 1)):
        missing = sorted(set(range(1, SYSTEMS + 1)) - set(seen))
        double = sorted({n for n in seen if seen.count(n) > 1})
        yield f"{page}: missing numbers {missing}, numbers that stand twice {double}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--build", type=Path, help="build directory with tests; without it no label is checked")
    parser.add_argument("--page", type=Path)
    args = parser.parse_args()
    problems = list(check(args.page or args.root / "docs/systems.md", args.root, args.build))
    for problem in problems:
        print(problem)
    print(f"systems: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
