#!/usr/bin/env python3
"""`cupel bench` on a tiny model. Nothing here depends on how fast the machine is."""
import json
import os
import signal
import time
from pathlib import Path

from support import INTERRUPTED, MISSING, ROOT, USAGE, CupelTest, main

PARTS = ("bandwidth", "load", "first-token", "memory", "prefill", "decode", "context", "streams", "cost")
SIZE_OF = {"first-token": "tokens", "memory": "positions", "prefill": "tokens", "decode": "sequences",
           "context": "positions", "streams": "sequences", "cost": "rows"}
UNITS = {"bandwidth": "GB/s", "load": "s", "first-token": "s", "memory": "bytes", "cost": "ms"}


class BenchTest(CupelTest):
    def setUp(self):
        super().setUp()
        self.model = self.tiny_model()
        self.quick = ("bench", "--model", self.model, "--threads", 1, "--rounds", 1, "--decode", 2)

    def sizes(self, run, part):
        return [figure[SIZE_OF[part]] for figure in run["figures"] if figure["part"] == part]

    def test_every_part_has_its_rows(self):
        done = self.ok(*self.quick)
        lines = done.out.splitlines()
        for begin in ("machine  ", "model    ", "weights  ", "cache    ", "engine   ", "memory read ", "load  ",
                      "load to first token, prompt of 5 ", "peak memory ", "prefill, 128 tokens ",
                      "prefill, 512 tokens ", "decode, 1 sequence ", "decode, 4 sequences ", "decode, 16 sequences ",
                      "decode at context 128 ", "decode at context 512 ", "16 streams, shared prefix of 300 ",
                      "step with 1 row ", "step with 64 rows "):
            self.assertEqual(sum(line.startswith(begin) for line in lines), 1, begin)
        for beyond in ("prefill, 2048", "context 1024"):
            self.assertNotIn(beyond, done.out)

    def test_json_has_the_documented_keys(self):
        done = self.ok("bench", "--model", f"a={self.model}", "--threads", 1, "--rounds", 2, "--decode", 2,
                       "--format", "json")
        report = done.json()
        self.assertEqual(report["schema"], "cupel.bench/1")
        self.assertEqual(list(report), ["schema", "version", "machine", "rounds", "busy", "runs", "advice"])
        self.assertEqual(list(report["machine"]),
                         ["cpu", "flags", "cpus", "cores", "last_level_cache_bytes", "memory_bytes"])
        self.assertEqual((report["rounds"], report["busy"]), (2, "warning: other programs" in done.err))
        run, = report["runs"]
        self.assertEqual(list(run), ["model", "threads", "cpu_level", "activations", "bandwidth_gb_s", "others_share",
                                     "figures"])
        self.assertEqual((run["threads"], run["activations"]), (1, "int8"))
        model = run["model"]
        self.assertEqual((model["name"], model["file"], model["architecture"]), ("a", str(self.model), "llama"))
        self.assertEqual((model["context_length"], model["file_bytes"]), (512, self.model.stat().st_size))
        self.assertEqual(sum(entry["tensors"] for entry in model["types"]), len(
            self.ok("inspect", self.model, "--format", "json").json()["tensors"]))
        self.assertEqual([part for part in PARTS if any(f["part"] == part for f in run["figures"])], list(PARTS))
        for figure in run["figures"]:
            self.check_figure(figure)
        documented = (ROOT / "docs/bench-json.md").read_text(encoding="utf-8")
        for key in {*report, *report["machine"], *run, *model, *(key for f in run["figures"] for key in f)}:
            self.assertIn(f"`{key}`", documented, "is not documented")

    def check_figure(self, figure):
        part = figure["part"]
        self.assertEqual(figure["unit"], UNITS.get(part, "tokens/s"), figure)
        self.assertEqual(len(figure["values"]), 1 if part == "memory" else 2, figure)
        self.assertLessEqual(figure["min"], figure["median"])
        self.assertLessEqual(figure["median"], figure["max"])
        limited = part in ("decode", "context")
        self.assertEqual((figure["limit"] is not None, figure["share"] is not None), (limited, limited), figure)
        if limited:
            self.assertAlmostEqual(figure["share"], figure["median"] / figure["limit"])

    def test_sizes_and_parts_are_chosen(self):
        run, = self.ok(*self.quick, "--only", "decode,prefill,context", "--prefill", "3,7", "--batch", "2",
                       "--context", "40,20", "--format", "json").json()["runs"]
        self.assertEqual({figure["part"] for figure in run["figures"]}, {"prefill", "decode", "context"})
        self.assertEqual(self.sizes(run, "prefill"), [3, 7])
        self.assertEqual(self.sizes(run, "decode"), [2])
        self.assertEqual(self.sizes(run, "context"), [40, 20])

    def test_several_models_and_numbers_of_threads_stand_side_by_side(self):
        other = self.tiny_model("other.gguf")
        args = ("bench", "--model", f"a={self.model}", "--model", other, "--threads", "1,2", "--rounds", 1, "--only",
                "load,decode", "--batch", 1, "--decode", 2)
        text = self.ok(*args).out
        for word in ("a, 1 thread", "a, 2 threads", "other, 1 thread", "other, 2 threads",
                     "a: decoding is fastest with "):
            self.assertIn(word, text)
        report = self.ok(*args, "--format", "json").json()
        self.assertEqual([(run["model"]["name"], run["threads"]) for run in report["runs"]],
                         [("a", 1), ("a", 2), ("other", 1), ("other", 2)])

    def test_kernels_and_arithmetic_are_chosen(self):
        run, = self.ok(*self.quick, "--only", "memory", "--cpu-level", "scalar", "--activations", "f32", "--format",
                       "json").json()["runs"]
        self.assertEqual((run["cpu_level"], run["activations"]), ("scalar", "f32"))

    def test_the_memory_alone_needs_no_model(self):
        for args in (("--membw",), ("--only", "bandwidth")):
            run, = self.ok("bench", *args, "--threads", 1, "--rounds", 1, "--format", "json").json()["runs"]
            self.assertIsNone(run["model"])
            self.assertEqual([figure["part"] for figure in run["figures"]], ["bandwidth"])
            self.assertGreater(run["bandwidth_gb_s"], 0)
        self.assertIn("memory read", self.ok("bench", "--membw", "--rounds", 1).out)

    def test_json_goes_to_a_file_too(self):
        out = self.folder / "bench.json"
        self.assertIn("memory read", self.ok("bench", "--membw", "--rounds", 1, "--out", out).out)
        self.assertEqual(json.loads(out.read_text())["schema"], "cupel.bench/1")
        self.fails(MISSING, "bench", "--membw", "--out", "nowhere/bench.json", says=["nowhere/bench.json", "folder"])
        self.fails(USAGE, "bench", "--membw", "--out", self.folder, says="is a folder")

    def test_mistakes_are_one_line(self):
        model = ("--model", self.model)
        for args, says in (((), "--membw"),
                           (("--membw", *model), "leave out --model"),
                           (("--membw", "--only", "load"), "leave out --only"),
                           ((*model, "--only", "decod"), 'did you mean "decode"?')):
            self.fails(USAGE, "bench", *args, says=says)
        for flag, value in (("--threads", "two"), ("--threads", "1,,2"), ("--threads", "2000"), ("--prefill", "0"),
                            ("--batch", "1,300"), ("--context", "1"), ("--batch", "4,4"), ("--rounds", "-1"),
                            ("--decode", "0"), ("--cpu-level", "sse"), ("--activations", "int4")):
            self.fails(USAGE, "bench", *model, flag, value, says=flag)
        self.fails(USAGE, "bench", *model, "--prefill", 513, says=["513", "tiny.gguf holds 512"])
        self.fails(USAGE, "bench", *model, "--decode", 512, says=["512", "tiny.gguf"])
        self.fails(USAGE, "bench", "--model", "null:hello", says="needs a model file")
        self.fails(MISSING, "bench", *model, "--model", "tiny2.gguf", says='did you mean "')

    def test_ctrl_c_stops_at_once_and_leaves_nothing(self):
        out = self.folder / "bench.json"
        process = self.start("bench", "--model", self.model, "--threads", 1, "--rounds", 1000, "--out", out)
        # The measuring has begun once the process has used some time of its own.
        stat = Path(f"/proc/{process.pid}/stat")
        while int(stat.read_text(encoding="ascii").rsplit(")", 1)[1].split()[11]) < 20:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        done = self.finish(process, timeout=20)
        self.check_failure(done, INTERRUPTED, says="interrupted")
        self.assertEqual(sorted(os.listdir(self.folder)), ["tiny.gguf"])


if __name__ == "__main__":
    main()
