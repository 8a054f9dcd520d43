#!/usr/bin/env python3
"""Checks `make new`: run for every kind in a copy of the registries.

Usage: check_new.py [--root DIR] [--compiler CXX]

Each kind must write its three pieces, keep the registry sorted where it is sorted, refuse an id twice, and give
sources and tests that compile (with CXX, syntax only; those that see libtorch only where it is set up).
"""
import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def load_new(root):
    spec = importlib.util.spec_from_file_location("new", root / "scripts/new.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_new(root, copy, kind, name):
    return subprocess.run([sys.executable, root / "scripts/new.py", "--kind", kind, "--id", name, "--root", copy],
                          capture_output=True, text=True, check=False)


def entries(copy, kind):
    lines = (copy / kind.registry).read_text(encoding="utf-8").split()
    return [line for line in lines if line.startswith(kind.macro)]


def check_kind(root, copy, name, kind, compiler):
    before = entries(copy, kind)
    done = run_new(root, copy, name, "made_by_test")
    if done.returncode != 0:
        yield f"{name}: exit {done.returncode}: {done.stderr.strip()}"
        return
    after = entries(copy, kind)
    line = f"{kind.macro}(made_by_test)"
    if sorted(before + [line]) != sorted(after):
        yield f"{name}: the registry has {after}"
    if kind.is_sorted and after != sorted(after):
        yield f"{name}: the registry is not sorted: {after}"
    if not kind.is_sorted and after != before + [line]:
        yield f"{name}: the order of the registry changed: {after}"
    sources = [copy / path.format(name="made_by_test") for path in (kind.source, kind.test)]
    for path in sources:
        if not path.is_file():
            yield f"{name}: {path.relative_to(copy)} was not written"
        elif compiler:
            yield from compile_errors(root, path, compiler, kind.torch)
    again = run_new(root, copy, name, "made_by_test")
    if again.returncode != 2 or "exists" not in again.stderr:
        yield f"{name}: an id that exists was not refused: {again.stderr.strip()}"
    if entries(copy, kind) != after:
        yield f"{name}: the refused call changed the registry"


def compile_errors(root, path, compiler, torch):
    headers = root / ".torch/torch/include"
    if torch and not headers.is_dir():
        print(f"new: {path.name} was not compiled: no libtorch in .torch")
        return
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
               "-Wno-missing-field-initializers", "-I", root / "src", "-I", root / "tests", path]
    if torch:
        command[1:1] = ["-DAT_PER_OPERATOR_HEADERS", "-isystem", headers]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        yield f"{path.name} does not compile:\n{done.stderr[:2000]}"


def check_refusals(root, copy):
    for kind, name, word in (("flower", "rose", "KIND"), ("rating", "Rose", "ID"), ("rating", "", "ID"),
                             ("rating", "../rose", "ID"), ("rating", "elo", "exists")):
        done = run_new(root, copy, kind, name)
        if done.returncode != 2 or word not in done.stderr:
            yield f"kind \"{kind}\", id \"{name}\": exit {done.returncode}, \"{done.stderr.strip()}\""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--compiler")
    args = parser.parse_args()
    new = load_new(args.root)
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for kind in new.KINDS.values():
            (copy / kind.registry).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(args.root / kind.registry, copy / kind.registry)
        problems += check_refusals(args.root, copy)
        for name, kind in new.KINDS.items():
            problems += check_kind(args.root, copy, name, kind, args.compiler)
    for problem in problems:
        print(problem)
    print(f"new: {len(new.KINDS)} kinds, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
