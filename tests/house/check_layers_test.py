#!/usr/bin/env python3
"""Checks scripts/check_layers.py itself: each kind of violation, planted in a small tree, is found with its line."""
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Planted file → its text, and what the checker must say about it ("" = nothing).
CASES = [
    ("src/base/a.cpp", '#include "base/a.h"\n', ""),
    ("src/base/b.cpp", '\n#include "core/c.h"\n', "src/base/b.cpp:2: base may not include core"),
    ("src/judge/d.cpp", '#include "engine/e.h"\n', "src/judge/d.cpp:1: judge may not include engine"),
    ("src/core/f.cpp", '#include "base/none.h"\n', 'src/core/f.cpp:1: "base/none.h" does not exist'),
    ("src/core/g.cpp", '#include "a.h"\n', 'src/core/g.cpp:1: "a.h" names no module'),
    ("src/core/h.cpp", "#include <nlohmann/json.hpp>\n", "may only be included by src/base/json.cpp"),
    ("src/base/json.cpp", "#include <nlohmann/json.hpp>\n", ""),
    ("src/engine/i.cpp", "#include <ATen/core/Tensor.h>\n", "libtorch stays inside src/tensor/"),
    ("src/tensor/tensor.h", "#include <ATen/core/Tensor.h>\n", ""),
    ("src/tensor/j.cpp", "#include <torch/torch.h>\n", "may only be included by nobody"),
    ("src/train/loop/s.cpp", "#include <torch/csrc/distributed/c10d/Store.hpp>\n",
     "src/train/loop/s.cpp:1: <torch/csrc/distributed/c10d/Store.hpp>: processes are joined inside src/train/parallel/"),
    ("src/tensor/t.cpp", "#include <torch/csrc/distributed/c10d/Store.hpp>\n", "processes are joined inside"),
    ("src/train/parallel/s.cpp", "#include <torch/csrc/distributed/c10d/Store.hpp>\n", ""),
    ("src/train/parallel/u.cpp", "#include <ATen/core/Tensor.h>\n", "libtorch stays inside src/tensor/"),
    ("src/cli/train_k.cpp", '#include "tensor/tensor.h"\n', ""),
    ("src/cli/cmd_k.cpp", '#include "tensor/tensor.h"\n', "src/cli/cmd_k.cpp:1: cli may not include tensor"),
    ("src/flowers/l.cpp", '#include "base/a.h"\n', "src/flowers is no module"),
    ("src/base/n.cpp", "\nbool a = fs::exists(path);\n", "src/base/n.cpp:2: exists throws"),
    ("src/base/o.cpp", "bool a = std::filesystem::is_directory(at(path, 1), ec);\nauto b = fs::path(c);\n", ""),
    ("src/base/p.cpp", "for (const auto& e : fs::directory_iterator(folder, ec)) {\n", "by a range-based for throws"),
    ("src/base/q.cpp", "for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {\n", ""),
    ("src/base/r.cpp", "fs::directory_iterator it(folder);\n", "src/base/r.cpp:1: directory_iterator throws"),
    ("tests/base/a_test.cpp", '#include "base/a.h"\n#include "support/m.h"\n', ""),
]
SUPPORT = {"src/base/a.h": "", "src/core/c.h": "", "src/engine/e.h": "", "tests/support/m.h": ""}
CYCLE = {"src/base/x.h": '#include "base/y.h"\n', "src/base/y.h": '#include "base/x.h"\n'}


def run_on(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return subprocess.run([sys.executable, ROOT / "scripts/check_layers.py", "--root", folder],
                              capture_output=True, text=True, check=False)


def main():
    problems = []
    for name, text, expected in CASES:
        done = run_on({**SUPPORT, "src/tensor/tensor.h": "", name: text})
        if expected and (done.returncode != 1 or expected not in done.stdout):
            problems.append(f"{name}: expected \"{expected}\", got: {done.stdout}")
        if not expected and done.returncode != 0:
            problems.append(f"{name}: expected no problem, got: {done.stdout}")
    done = run_on(CYCLE)
    if done.returncode != 1 or "include each other" not in done.stdout:
        problems.append(f"the cycle was not found: {done.stdout}")
    for problem in problems:
        print(problem)
    print(f"check_layers: {len(CASES) + 1} cases, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
