#!/usr/bin/env python3
"""`cupel report` on the folder of a run of `cupel tune`: finished or going on, of every method, long and short."""
import json
import math
import random
import re
import resource

from support import CORRUPT, USAGE, CupelTest, main

RECIPE = """method = "{method}"
model = "models/base model.gguf"
out = "runs/x"
[data]
files = ["pairs.jsonl"]
eval_files = ["held-out.jsonl"]
[optim]
lr = 1e-5
"""


class RunFolder:
    """Files as `cupel tune` writes them."""

    def __init__(self, path, method):
        path.mkdir()
        self.path = path
        (path / "recipe.toml").write_text(RECIPE.format(method=method))
        (path / "run.json").write_text(json.dumps({"kind": "tune", "model": "9f31c2a45be1708d",
                                                   "data": ["00aa11bb22cc33dd", "44ee55ff66007711"]}))
        self.records, self.timings = [], []

    def step(self, step, loss, **more):
        self.records.append({"step": step, "epoch": 0, "tokens": 100 * step, "samples": 8 * step, "labels": 50,
                             "loss": loss, "lr": 1e-5, "grad_norm": 1.5, "skipped": 0, **more})
        self.timings.append({"step": step, "step_ms": 250.0, "tok_per_s": 400.0, "mem_bytes": (1 << 30) + step,
                             "time": 1.7e9})

    def evaluation(self, step, **numbers):
        self.records.append({"step": step, "eval": numbers})
        self.timings.append({"step": step, "step_ms": 9e9, "eval": True})

    def write(self, finished="model", tail=""):
        for name, rows in (("train", self.records), ("timing", self.timings)):
            (self.path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + tail)
        if finished:
            (self.path / finished).mkdir()
        return self.path

    def samples(self, *rows):
        (self.path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


class ReportTest(CupelTest):
    def folder_of(self, method="sft", name="run"):
        return RunFolder(self.folder / name, method)

    def page(self, run):
        done = self.ok("report", run)
        self.assertEqual(done.out, f"{run}/report.html\n")
        return (run / "report.html").read_text(encoding="utf-8")

    @staticmethod
    def charts(page):
        return re.findall(r"<figcaption>([^<]*)</figcaption>", page)

    @staticmethod
    def facts(page):
        return {name: (value.replace("\u00a0", " "), more) for name, value, more in
                re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)(?:<small>([^<]*)</small>)?", page)}

    def test_a_supervised_run(self):
        run = self.folder_of()
        run.evaluation(0, loss=2.5, **{"nll/completion": 2.5, "nll/instruction": 3.25})
        for step in range(1, 11):
            run.step(step, 2.5 - 0.1 * step, nll=2.5 - 0.1 * step)
        run.evaluation(10, loss=1.75, **{"nll/completion": 1.75, "nll/instruction": 3})
        page = self.page(run.write())
        self.assertEqual(self.charts(page), ["Loss", "Loss of answers and of instructions", "Norm of the gradient",
                                             "Learning rate", "Speed", "Memory"])
        facts = self.facts(page)
        self.assertEqual(facts["steps"], ("10", "80 samples"))
        self.assertEqual(facts["held-out loss"], ("1.75", "2.5 before the first step"))
        self.assertEqual(facts["tokens"], ("1,000", "400 a second"))  # of the steps, not of evaluations
        self.assertEqual(facts["time of the steps"][0], "2.50 s")
        self.assertEqual(facts["memory"], ("1.00 GiB", "at most"))
        # The running mean of the last step by hand, over an eighth of them: weights 0.2^k, corrected for the start.
        weights = [0.2 ** k for k in range(10)]
        mean = sum(w * (1.5 + 0.1 * k) for k, w in enumerate(weights)) / sum(weights)
        self.assertEqual(facts["training loss"], (f"{mean:.4g}", "running mean; 2.4 at first"))
        self.assertNotIn("not finished", page)
        self.assertIn("cupel tune " + str(run.path) + "/recipe.toml --out NEW_FOLDER", page)
        self.assertIn('<th scope="row">optim.lr</th><td>1e-05</td><td>not set</td>', page)
        self.assertIn('title="44ee55ff66007711"', page)

    def test_a_run_of_preferences(self):
        run = self.folder_of("dpo")
        for step in range(1, 21):
            run.step(step, 0.7 - 0.02 * step, skipped=int(step >= 7), **{
                "rewards/chosen": -0.1 * step, "rewards/rejected": -0.3 * step, "rewards/margins": 0.2 * step,
                "rewards/accuracies": 0.75, "logps/chosen": -90, "logps/rejected": -95, "log_odds_ratio": 0.5,
                "nll/chosen": 1.25, "clamped": 0})
        run.evaluation(20, loss=0.4, **{"rewards/accuracies": 0.625, "rewards/margins": 3})
        page = self.page(run.write("adapter"))
        self.assertEqual(self.charts(page), ["Loss", "Loss of chosen answers", "Log odds ratio", "Pairs told apart",
                                             "Margin of rewards", "Rewards", "Log-probability of answers",
                                             "Norm of the gradient", "Learning rate", "Speed", "Memory", "clamped"])
        self.assertEqual(self.facts(page)["pairs told apart"], ("62%", "of held-out ones"))
        self.assertIn("One step was skipped", page)
        self.assertEqual(page.count('class="event"'), 1)
        self.assertIn(f"{run.path}/adapter", page.replace("<wbr/>", "").replace("\u200b", ""))

    def test_a_reward_model(self):
        run = self.folder_of("reward-model")
        for step in range(1, 4):
            run.step(step, 0.6, **{"rewards/accuracies": 0.5 + 0.1 * step})
        page = self.page(run.write())
        self.assertIn("Pairs told apart", self.charts(page))
        self.assertEqual(self.facts(page)["pairs told apart"][1], "of training ones, running mean")

    def test_a_run_that_is_going_on_and_one_of_a_single_step(self):
        run = self.folder_of()
        run.step(1, 2.0)
        path = run.write(finished="", tail='{"step": 2, "los')
        page = self.page(path)
        self.assertIn("The run is not finished: this is what it did up to step 1.", page)
        self.assertEqual(self.facts(page)["steps"], ("1", "8 samples"))
        self.assertNotIn("held-out loss", self.facts(page))
        self.assertIn('class="dots"', page)  # one point is seen
        self.assertNotIn("NaN", page)
        # Nothing yet.
        (path / "train.jsonl").write_text("")
        self.fails(USAGE, "report", path, says="no step is done yet")

    def test_held_out_loss_that_rises_again_is_said(self):
        run = self.folder_of()
        for step, loss in ((0, 2.5), (100, 1.5), (200, 1.75)):
            run.evaluation(step, loss=loss)
        run.step(200, 2.0)
        self.assertIn("Held-out loss was lowest at step 100, 1.5, and is 1.75 at the end.", self.page(run.write()))

    def test_tiny_losses_are_as_wide_as_a_fact(self):
        run = self.folder_of()
        run.step(1, 0.0004409)
        run.evaluation(1, loss=0.0001207)
        facts = self.facts(self.page(run.write()))
        self.assertEqual(facts["training loss"][0], "4.41e-04")
        self.assertEqual(facts["held-out loss"][0], "1.21e-04")

    def test_answers_before_and_after(self):
        run = self.folder_of()
        run.step(1, 2.0)
        prompt = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "<script>alert(1)</script>"}]
        run.samples({"step": 0, "when": "before", "id": "a", "prompt": prompt, "text": "</pre><b>x</b>"},
                    {"step": 0, "when": "before", "id": "b", "prompt": "Name a river.", "text": ""},
                    {"step": 1, "when": "after", "id": "a", "prompt": prompt, "text": "fine"})
        page = self.page(run.write())
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", page)
        self.assertIn("&lt;/pre&gt;&lt;b&gt;x&lt;/b&gt;", page)
        self.assertEqual(page.count("<script>"), 1)  # the page's own
        self.assertIn("An empty answer.", page)
        self.assertIn("Not asked yet.", page)

    def test_json_says_first_and_last(self):
        run = self.folder_of()
        for step, loss, held_out in ((1, 2.0, 1.75), (2, 1.5, 1.875)):
            run.step(step, loss)
            run.evaluation(step, loss=held_out)
        summary = self.ok("report", run.write(), "--format", "json").json()
        self.assertEqual(summary["steps"], 2)
        self.assertEqual(summary["training"]["loss"], {"first": 2.0, "last": 1.5})
        self.assertEqual(summary["held_out"]["loss"], {"first": 1.75, "last": 1.875, "lowest": 1.75, "lowest_step": 1})

    def test_a_hundred_thousand_steps_are_a_small_page_soon(self):
        run = self.folder_of("dpo")
        source = random.Random(1)
        for step in range(1, 100_001):
            noise = source.random()
            run.step(step, math.exp(-step / 30_000) + noise, **{
                "rewards/chosen": noise, "rewards/rejected": -noise, "rewards/margins": 2 * noise,
                "rewards/accuracies": noise, "logps/chosen": -90 + noise, "logps/rejected": -95 + noise})
        run.records[31_415]["loss"] = 99.5
        path = run.write()
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        page = self.page(path)
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        print(f"{seconds:.2f} s of processor time, {len(page) / 1e6:.2f} MB", flush=True)
        self.assertLess(len(page), 2_000_000)
        # A second where the machine is ours; the tests share it.
        self.assertLess(seconds, 4)
        self.assertIn("99.5", page)  # the one spike is not thinned away

    def test_what_is_damaged_or_does_not_fit_is_one_line(self):
        run = self.folder_of()
        run.step(1, 2.0)
        path = run.write()
        self.fails(USAGE, "report", path, "--judge", "x", says="--judge")
        text = (path / "train.jsonl").read_text()
        (path / "train.jsonl").write_text("nonsense\n" + text)
        self.fails(CORRUPT, "report", path, says="train.jsonl:1")
        (path / "train.jsonl").write_text(text)
        (path / "recipe.toml").write_text('method = "sft"\nlearning = 3\n')
        self.fails(USAGE, "report", path, says=["recipe.toml:2", "learning"])
        self.assertFalse((path / "report.html").exists())


if __name__ == "__main__":
    main()
