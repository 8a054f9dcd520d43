#!/usr/bin/env python3
"""`cupel tune` in several processes: the same numbers as in one, and no process that waits for a dead one."""
import json
import math
import os
import signal
import socket
import time

from support import CUPEL, main, read_json_lines
from train_tune_test import TuneTest
from train_trl_test import read_tensors

STEPS = 10


class ParallelTest(TuneTest):
    def setUp(self):
        super().setUp()
        self.environment["OMP_NUM_THREADS"] = "1"

    def run_of(self, out, *more, method="sft", data=None, **options):
        return self.ok(*self.arguments(out, "--max_steps", str(STEPS), "--optim.lr", "1e-3", "--batch.size", "4",
                                       "--checkpoint.every", "5", *more, method=method, data=data), **options)

    def check_same(self, one, other):
        for a, b in zip(self.records(one), self.records(other), strict=True):
            self.assertEqual((a["step"], a["tokens"], a["labels"]), (b["step"], b["tokens"], b["labels"]))
            for key in ("loss", "grad_norm"):
                self.assertTrue(math.isclose(a[key], b[key], rel_tol=1e-5, abs_tol=1e-6), (key, a, b))
        a, b = (read_tensors(self.folder / out / "model/model.safetensors") for out in (one, other))
        self.assertEqual(a.keys(), b.keys())
        for name in a:
            self.assertLess(max(abs(x - y) for x, y in zip(a[name], b[name], strict=True)), 1e-5, name)

    def test_two_processes_train_as_one(self):
        self.run_of("one", "--batch.micro", "4")
        self.run_of("two", "--batch.micro", "2", "--nproc", "2")
        self.check_same("one", "two")

    def test_preferences_and_reference_points_too(self):
        self.run_of("one", method="dpo", data=self.pairs)
        self.run_of("two", "--nproc", "2", method="dpo", data=self.pairs)
        self.check_same("one", "two")

    def test_what_compares_all_pairs_of_a_step(self):
        self.run_of("one", "--batch.micro", "4", method="aot", data=self.pairs)
        self.run_of("two", "--batch.micro", "1", "--nproc", "2", method="aot", data=self.pairs)
        self.check_same("one", "two")

    def test_a_run_goes_on_with_another_number_of_processes(self):
        self.run_of("one")
        self.run_of("many", "--nproc", "2")
        for step in (10,):
            (self.folder / "many/checkpoints" / f"step-{step}").rename(self.folder / f"gone-{step}")
        os.system(f"rm -rf {self.folder / 'many/model'}")
        self.ok("tune", "resume", "many")
        self.check_same("one", "many")
        os.system(f"rm -rf {self.folder / 'many/model'} {self.folder / 'many/checkpoints/step-10'}")
        self.ok("tune", "resume", "many", "--nproc", "2")
        self.check_same("one", "many")

    def start_rank(self, rank, port, *more):
        self.environment.update({"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
                                 "MASTER_PORT": str(port)})
        return self.start(*self.arguments("run", "--optim.lr", "1e-3", "--batch.size", "4", *more))

    def free_port(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def test_variables_of_torchrun_are_enough(self):
        self.run_of("one")
        port = self.free_port()
        processes = [self.start_rank(rank, port, "--max_steps", str(STEPS)) for rank in (0, 1)]
        for process in processes:
            done = self.finish(process)
            self.assertEqual(done.code, 0, done)
        self.check_same("one", "run")

    def test_a_process_that_dies_ends_the_others(self):
        port = self.free_port()
        processes = [self.start_rank(rank, port, "--max_steps", "100000") for rank in (0, 1)]
        log = self.folder / "run/train.jsonl"
        while not log.exists() or log.stat().st_size == 0:
            self.assertIsNone(processes[0].poll(), "it ended early")
            time.sleep(0.02)
        processes[1].send_signal(signal.SIGKILL)
        begin = time.monotonic()
        done = self.finish(processes[0])
        self.assertLess(time.monotonic() - begin, 30)
        self.assertNotEqual(done.code, 0)
        self.assertRegex(done.err, r"cupel: [^\n]*rank 0[^\n]*\n\Z")

    def test_half_an_environment_is_refused(self):
        self.environment["RANK"] = "0"
        done = self.run_cupel(*self.arguments("x"))
        self.assertEqual(done.code, 2, done)
        self.assertIn("WORLD_SIZE", done.err)


if __name__ == "__main__":
    main()
