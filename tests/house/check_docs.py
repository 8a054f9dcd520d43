#!/usr/bin/env python3
"""Checks that the documents are current.

Links between the documents lead somewhere; README.md has one row for each command; each module has a README of at
most 40 lines; targets named as `make x` exist; no document names a machine's own path.
"""
import argparse
import os
import re
import sys
from pathlib import Path

MODULE_README_LINES = 40


# What the build, the benchmarks and npm put below the repository.
NOT_OURS = {"build", "models", "runs", "results", "node_modules"}


def documents(root):
    pages = []
    for folder, below, files in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith(".") and name not in NOT_OURS)
        pages += [Path(folder) / name for name in sorted(files) if name.endswith(".md")]
    return pages


def check_links(path, root):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", line):
            if "://" not in target and not (path.parent / target).exists():
                yield f"{path.relative_to(root)}:{number}: {target} does not exist"


def check_commands(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"CUPEL_COMMAND\((\w+?)_?\)", (root / "src/cli/commands.def").read_text(encoding="utf-8"))
    # A command of two words has an underscore between them as an identifier.
    rows = [re.sub(r"\W", "_", row) for row in re.findall(r"^\| `cupel (\w+(?: [\w-]+)?)`", text, re.MULTILINE)]
    for name in sorted(set(commands) ^ set(rows)):
        where = "is missing in" if name in commands else "is no command but stands in"
        yield f"README.md: {name} {where} the table of commands"


def check_modules(root):
    for module in sorted(path.parent for path in (root / "src").glob("*/CMakeLists.txt")):
        readme = module / "README.md"
        if not readme.is_file():
            yield f"{module.relative_to(root)}: no README.md"
        elif len(readme.read_text(encoding="utf-8").splitlines()) > MODULE_README_LINES:
            yield f"{readme.relative_to(root)}: more than {MODULE_README_LINES} lines"


def check_targets(path, root):
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for name in re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8")):
        if name not in targets:
            yield f"{path.relative_to(root)}: `make {name}` is no target of the Makefile"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    root = parser.parse_args().root
    problems = list(check_commands(root)) + list(check_modules(root))
    pages = documents(root)
    for path in pages:
        problems += list(check_links(path, root)) + list(check_targets(path, root))
    for problem in problems:
        print(problem)
    print(f"docs: {len(pages)} pages, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
