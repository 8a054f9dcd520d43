#!/usr/bin/env python3
"""Checks which module includes what: the layers of docs/architecture.md as data.

Usage: check_layers.py [--root DIR]

Fails with file:line on an include that the table forbids, on a cycle between headers, on libtorch outside
its gateway, on a heavy library header outside the files that wrap it, and on a call of std::filesystem that throws.
Exit status: 0 all holds, 1 something does not, 2 usage.
"""
import argparse
import re
import sys
from pathlib import Path

# What a module may include besides itself.
MAY_INCLUDE = {
    "base": "",
    "core": "base",
    "numeric": "base",
    "report": "base core",
    "parquet": "base",
    "store": "base core",
    "flow": "base core store",
    "engine": "base core",
    "modal": "base core engine",
    "decode": "base core engine modal",
    "rank": "base core numeric report",
    "judge": "base core numeric report store flow rank",
    "compose": "base core numeric store flow judge",
    "curate": "base core numeric store flow judge rank compose",
    "serve": "base core",
    "arena": "base core numeric report store rank judge",
    "tensor": "base",
    "train": "base core store tensor engine",
    "align": "base core numeric report store flow tensor engine decode train judge curate",
    "cli": "base core numeric report store flow engine modal decode rank judge compose curate serve arena",
}
# Files of the cli that build cupel-train see these as well.
TRAIN_MODULES = {"tensor", "train", "align"}
TRAIN_CLI = re.compile(r"src/cli/train_[a-z0-9_]+\.(cpp|h)")
# The parts of `train` that know no libtorch, which all of the cli sees.
WITHOUT_TORCH = re.compile(r"train/(data|launch|metrics|recipe|schedule)/")

# Headers of libraries that cost compile time or that must stay behind one interface, and who may
# include them.
WRAPPED = [
    (r"<(nlohmann)/", "src/base/json.cpp"),
    (r"<(CLI)/", "src/cli/arguments.cpp"),
    (r"<(fmt|spdlog)/", "src/base/format.cpp src/base/log.cpp"),
    (r"<(curl)/", "src/base/curl_api.h"),
    (r"<(openssl)/", "src/base/hash.cpp"),
    (r"<(xxhash)\.h", "src/base/hash.cpp"),
    (r"<(pcre2)\.h", "src/base/regex.cpp"),
    (r"<(zlib|zstd|zstd_errors)\.h", "src/base/decompress.cpp"),
    (r"<(arrow|parquet)/", "src/parquet/module.cpp src/parquet/json_rows.cpp"),
    (r"<(toml\+\+)/", "src/base/toml.cpp"),
    (r"<(sqlite3)\.h", "src/store/sqlite.cpp"),
    (r"<(utf8proc)\.h",
     "src/engine/tokenizer/char_class.cpp src/engine/tokenizer/json/unicode_forms.cpp "
     "src/engine/template/unicode.cpp src/report/text_width.cpp src/judge/decider_text.cpp"),
    # The whole of libtorch in one header is allowed nowhere.
    (r"<(torch/torch\.h|ATen/ATen\.h|torch/extension\.h)", ""),
]
LIBTORCH = re.compile(r"<(torch|ATen|c10)/")
# Of libtorch, what joins processes; it stays inside one folder as well.
C10D = re.compile(r"<(torch/csrc/distributed|gloo)/")
C10D_FOLDER = "src/train/parallel/"
# Calls of std::filesystem throw unless they are given an error code, which we name `ec`; to walk a folder by a
# range-based for throws even then.
FILESYSTEM = re.compile(
    r"\b(?:fs|filesystem)::(absolute|canonical|weakly_canonical|relative|proximate|copy|copy_file|copy_symlink|"
    r"create_director(?:y|ies)|create_hard_link|create_symlink|current_path|exists|equivalent|file_size|"
    r"hard_link_count|is_[a-z_]+|last_write_time|permissions|read_symlink|remove|remove_all|rename|resize_file|space|"
    r"status|symlink_status|temp_directory_path|(?:recursive_)?directory_iterator(?:\s+\w+)?)\s*(?=\()")
RANGE_FOR = re.compile(r"\bfor\s*\([^;()]*:\s*(?:std::)?(?:fs|filesystem)::(?:recursive_)?directory_iterator\b")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"][^">]+[">])')


def includes_of(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def module_of(relative):
    return relative.split("/")[1] if relative.startswith("src/") else None


def check_own(relative, number, target, root):
    """An include in quotes: a path below src/ (tests also see tests/)."""
    inner = target.strip('"')
    here = f"{relative}:{number}"
    owner = module_of(relative)
    module = inner.split("/")[0]
    in_tests = owner is None and ((root / "tests" / inner).is_file() or
                                  (root / relative).parent.joinpath(inner).is_file())
    if in_tests:
        return
    if module not in MAY_INCLUDE:
        yield f"{here}: {target} names no module; write the path from src/"
        return
    if not (root / "src" / inner).is_file():
        yield f"{here}: {target} does not exist below src/"
    if owner is None or module == owner:
        return
    allowed = set(MAY_INCLUDE[owner].split())
    if owner == "cli" and TRAIN_CLI.fullmatch(relative):
        allowed |= TRAIN_MODULES
    if owner == "cli" and WITHOUT_TORCH.match(inner):
        allowed.add("train")
    if module not in allowed:
        yield (f"{here}: {owner} may not include {module} ({target}); it may include: "
               f"{', '.join(sorted(allowed)) or 'nothing'}")


def check_library(relative, number, target):
    here = f"{relative}:{number}"
    for pattern, owners in WRAPPED:
        match = re.match(pattern, target)
        if match and relative not in owners.split():
            yield f"{here}: {target} may only be included by {owners or 'nobody'}"
    if C10D.match(target):
        if not relative.startswith(C10D_FOLDER):
            yield f"{here}: {target}: processes are joined inside {C10D_FOLDER}"
    elif LIBTORCH.match(target) and module_of(relative) != "tensor":
        yield f"{here}: {target}: libtorch stays inside src/tensor/"


def call_text(text, begin):
    """The parenthesised arguments that begin there."""
    depth = 0
    for end in range(begin, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            return text[begin:end]
    return text[begin:]


def check_filesystem(relative, text):
    for match in RANGE_FOR.finditer(text):
        yield (f"{relative}:{text.count(chr(10), 0, match.start()) + 1}: walking a folder by a range-based for throws; "
               "use list_folder of base/io.h")
    for match in FILESYSTEM.finditer(text):
        if not re.search(r"\bec$", call_text(text, match.end())):
            yield (f"{relative}:{text.count(chr(10), 0, match.start()) + 1}: {match.group(1).split()[0]} throws; give it "
                   "an error code `ec`, or use path_exists, is_folder, … of base/io.h")


def find_cycle(graph):
    """A list of files that include each other in a circle, or None."""
    state = {}
    for start in sorted(graph):
        stack = [(start, iter(graph[start]))]
        if start in state:
            continue
        state[start] = "open"
        while stack:
            node, rest = stack[-1]
            child = next(rest, None)
            if child is None:
                state[node] = "done"
                stack.pop()
            elif state.get(child) == "open":
                path = [name for name, _ in stack]
                return path[path.index(child):] + [child]
            elif child not in state:
                state[child] = "open"
                stack.append((child, iter(graph.get(child, ()))))
    return None


def check(root):
    problems = []
    graph = {}
    for folder in ("src", "tests", "bench"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".cpp", ".h", ".def") or "node_modules" in path.parts:
                continue
            relative = path.relative_to(root).as_posix()
            owner = module_of(relative)
            if owner is not None and owner not in MAY_INCLUDE:
                problems.append(f"{relative}:1: src/{owner} is no module of the table")
                continue
            if folder == "src":
                problems.extend(check_filesystem(relative, path.read_text(encoding="utf-8")))
            for number, target in includes_of(path):
                if target.startswith('"'):
                    problems.extend(check_own(relative, number, target, root))
                    graph.setdefault(relative, []).append("src/" + target.strip('"'))
                elif folder == "src":
                    problems.extend(check_library(relative, number, target))
    cycle = find_cycle(graph)
    if cycle:
        problems.append(f"{cycle[0]}:1: these files include each other: {' -> '.join(cycle)}")
    return problems, len(graph)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    root = parser.parse_args().root
    if not (root / "src").is_dir():
        parser.error(f"{root} has no src folder")
    problems, files = check(root)
    for problem in problems:
        print(problem)
    print(f"layers: {files} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
