#!/usr/bin/env python3
"""Checks that the table of docs/models.md is what the program says of its families; --write makes it so."""
import argparse
import json
import subprocess
import sys
from pathlib import Path

BEGIN = "<!-- the families, made by tests/house/check_models.py --write -->\n"
END = "<!-- end of the families -->\n"


def table(cupel):
    found = subprocess.run([cupel, "inspect", "--families", "--format", "json"], capture_output=True, text=True,
                           check=True)
    lines = ["| models | GGUF architecture | `model_type` of a folder | what is computed |", "|---|---|---|---|"]
    for family in json.loads(found.stdout)["families"]:
        types = ", ".join(f"`{name}`" for name in family["model_types"])
        lines.append(f"| {family['models']} | `{family['gguf_architecture']}` | {types} | {family['features']} |")
    return "\n".join(lines) + "\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cupel", default="build/dev/cupel")
    arguments.add_argument("--root", type=Path, default=Path("."))
    arguments.add_argument("--write", action="store_true")
    options = arguments.parse_args()
    page = options.root / "docs/models.md"
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        print(f"{page}: the marks around the table of families are missing", file=sys.stderr)
        return 1
    head, rest = text.split(BEGIN)
    old, tail = rest.split(END)
    new = table(options.cupel)
    if options.write:
        page.write_text(head + BEGIN + new + END + tail, encoding="utf-8")
        return 0
    if old != new:
        print(f"{page}: the table of families is not what `cupel inspect --families` says; "
              f"run tests/house/check_models.py --write", file=sys.stderr)
        return 1
    print("models: the table is what the program says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
