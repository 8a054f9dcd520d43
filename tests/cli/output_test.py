#!/usr/bin/env python3
"""Places that cannot be written, run folders of something else, damaged runs: one line, and nothing half written."""
import json
import os
import shutil
import subprocess
import unittest

from support import (CORRUPT, CUPEL, ENDPOINT, EXHAUSTED, MISSING, SMOLLM2, TOUCHSTONE, USAGE, CupelTest, main, needs_model,
                     read_json_lines)

JUDGE = "judge=null:Rating: [[7]]"  # a judge of protocol `single` that needs neither model nor network


class OutputTest(CupelTest):
    def arguments(self, out="run", *more, bench=TOUCHSTONE, model="null:a", judge=JUDGE):
        return ["eval", "--bench", bench, "--model", model, "--judge", judge, "--protocol", "single", "--out", out,
                "--quiet", *more]

    def mount(self, name, *options):
        """A small file system of its own; skips where mounting is not allowed."""
        folder = self.folder / name
        folder.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", folder],
                                 capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"no right to mount a small file system: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", folder], check=True)
        return folder


class PlaceTest(OutputTest):
    def test_places_where_no_folder_can_be(self):
        file = self.file("file")
        for out in (f"{file}/run", "/proc/cupel-run", file, "/dev/null/run"):
            with self.subTest(out):
                self.fails(USAGE if out == file else ENDPOINT, *self.arguments(out),
                           says=[str(out), "folder", "choose another place"])
        self.assertEqual(file.read_bytes(), b"")

    def test_a_read_only_file_system(self):
        folder = self.mount("fixed", "ro")
        self.fails(ENDPOINT, *self.arguments(folder / "run"), says=[str(folder / "run"), "Read-only"])

    @unittest.skipIf(os.geteuid() == 0, "permissions do not bind root")
    def test_a_folder_without_the_right_to_write(self):
        folder = self.folder / "fixed"
        folder.mkdir(0o555)
        self.fails(ENDPOINT, *self.arguments(folder / "run"), says=[str(folder / "run"), "Permission denied"])

    @needs_model(SMOLLM2)
    def test_quantize_onto_a_read_only_file_system(self):
        folder = self.mount("fixed", "ro")
        self.fails(ENDPOINT, "quantize", SMOLLM2, folder / "out.gguf", says=[str(folder / "out.gguf"), "Read-only"])

    @needs_model(SMOLLM2)
    def test_quantize_onto_a_full_file_system_leaves_nothing(self):
        folder = self.mount("small", "size=20m")
        self.fails(EXHAUSTED, "quantize", SMOLLM2, folder / "out.gguf", says=[str(folder / "out.gguf"), "No space left"])
        self.assertEqual(list(folder.iterdir()), [])

    def test_a_full_standard_output(self):
        for args in (["doctor"], ["--help"], ["eval", "--help"], ["--version"]):
            with self.subTest(args), open("/dev/full", "wb") as full:
                done = subprocess.run([CUPEL, *args], stdout=full,
                                      stderr=subprocess.PIPE, cwd=self.folder, check=False, text=True)
                self.assertEqual(done.returncode, EXHAUSTED)
                self.assertEqual(done.stderr, "cupel: cannot write to standard output: No space left on device\n")


class FullTest(OutputTest):
    def test_an_evaluation_goes_on_after_the_disk_was_full(self):
        folder = self.mount("small", "size=40k")
        run = folder / "run"
        self.fails(EXHAUSTED, *self.arguments(run), says=["No space left", "free some space", "same command"])
        rows = read_json_lines(run / "results.jsonl")  # whole lines only
        self.assertEqual(list(run.rglob("*.tmp")), [])
        subprocess.run(["mount", "-o", "remount,size=16m", folder], check=True)
        self.ok(*self.arguments(run))
        self.assertEqual(read_json_lines(run / "results.jsonl")[:len(rows)], rows)
        self.ok(*self.arguments("whole"))
        self.assertEqual(json.loads((run / "report.json").read_text())["leaderboard"][0]["score"],
                         json.loads((self.folder / "whole/report.json").read_text())["leaderboard"][0]["score"])


class RunFolderTest(OutputTest):
    """A run folder is what it was made for."""

    def setUp(self):
        super().setUp()
        self.ok(*self.arguments("run", "--limit", 1))
        self.before = self.contents()

    def contents(self):
        return {path: path.read_bytes() for path in (self.folder / "run").rglob("*") if path.is_file()}

    def refused(self, code, args, *says):
        with self.subTest(says):
            self.fails(code, *args, says=["run", *says])
            self.assertEqual(self.contents(), self.before)

    def test_other_settings(self):
        self.refused(USAGE, self.arguments("run", "--limit", 1, "--seed", 5), "seed 0, not 5", "another --out")
        self.refused(USAGE, self.arguments("run", "--limit", 1, "--max-tokens", 9), "max-tokens 160, not 9")

    def test_another_model_or_judge_of_the_same_name(self):
        self.refused(USAGE, self.arguments("run", "--limit", 1, model="null:b"), '"null" is another model', "null:a")
        self.refused(USAGE, self.arguments("run", "--limit", 1, judge="judge=null:[[8]]"), '"judge" is another')

    def test_another_benchmark(self):
        other = self.folder / "other"
        shutil.copytree(TOUCHSTONE, other)
        (other / "manifest.json").unlink()
        self.refused(USAGE, self.arguments("run", "--limit", 1, bench=other), "touchstone", str(other))

    def test_a_folder_of_something_else(self):
        self.file("photos/one.jpg", "x")
        self.fails(USAGE, *self.arguments("photos"), says=["photos", "is not empty and holds no run"])
        self.assertEqual([path.name for path in (self.folder / "photos").iterdir()], ["one.jpg"])
        for command in (["report", "photos"], ["compare", "photos", "a", "b"], ["report", "photos/one.jpg"]):
            self.fails(MISSING, *command, says="holds no run")

    def test_a_damaged_manifest(self):
        for text in ("{", "[]", '{"version": 99}', '{"version": 1}'):
            self.file("run/manifest.json", text)
            self.before = self.contents()
            self.refused(CORRUPT, self.arguments("run", "--limit", 1), "run/manifest.json")
            self.refused(CORRUPT, ["report", "run"], "run/manifest.json")

    def test_damaged_rows(self):
        path = self.folder / "run/results.jsonl"
        good = path.read_text(encoding="utf-8")
        first = good.splitlines()[0]
        for line in ("{\n", "[1]\n", '{"key": "a"}\n', first + "\n"):
            path.write_text(good + line, encoding="utf-8")
            self.before = self.contents()
            self.refused(CORRUPT, self.arguments("run", "--limit", 1), f"run/results.jsonl:{good.count(chr(10)) + 1}: ")
            self.refused(CORRUPT, ["report", "run"], "run/results.jsonl:")

    def test_a_benchmark_that_has_changed_since(self):
        bench = self.folder / "bench"
        shutil.copytree(TOUCHSTONE, bench)
        (bench / "manifest.json").unlink()
        self.ok(*self.arguments("mine", "--limit", 1, bench=bench))
        with (bench / "question.jsonl").open("a", encoding="utf-8") as file:
            file.write("\n")
        self.fails(USAGE, "report", "mine", says=["mine", "has changed", "another folder"])
        shutil.rmtree(bench)
        self.fails(MISSING, "report", "mine", says="bench")


if __name__ == "__main__":
    main()
