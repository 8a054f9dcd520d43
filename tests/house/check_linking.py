#!/usr/bin/env python3
"""Checks which libraries `cupel` is linked with: none that it must start without.

Usage: check_linking.py --cupel FILE [--train FILE]

libtorch is for cupel-train alone; Arrow and libcurl are loaded by the first call that needs them. That the look at a
program sees libtorch at all is shown by cupel-train, where that is built.
"""
import argparse
import re
import subprocess
import sys

LEFT_OUT = re.compile(r"lib(torch|c10|gomp|iomp|arrow|parquet|curl)")


def libraries(program):
    found = subprocess.run(["readelf", "--dynamic", "--wide", program], capture_output=True, text=True, check=True,
                           env={"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin"})
    return re.findall(r"\(NEEDED\)\s+Shared library: \[([^\]]+)\]", found.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cupel", required=True)
    parser.add_argument("--train")
    args = parser.parse_args()
    linked = libraries(args.cupel)
    problems = [f"{args.cupel} is linked with {name}" for name in linked if LEFT_OUT.match(name)]
    if not any(name.startswith("libc.so") for name in linked):
        problems.append(f"{args.cupel}: the libraries {linked} lack that of C")
    if args.train and not any(name.startswith("libtorch") for name in libraries(args.train)):
        problems.append(f"{args.train} is linked without libtorch")
    for problem in problems:
        print(problem)
    print(f"linking: {len(linked)} libraries, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
