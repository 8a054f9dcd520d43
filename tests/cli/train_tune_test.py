#!/usr/bin/env python3
"""`cupel tune`: a run, its folder, and what happens when it is stopped, killed, changed or fed with damaged things."""
import json
import math
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import time

from support import CORRUPT, CUPEL, EXHAUSTED, INTERRUPTED, MISSING, USAGE, CupelTest, main, read_json_lines, write_json_lines

KILLS = 20
KILLS_OF_ONE_RUN = 7
SEED = int(os.environ.get("CUPEL_TEST_SEED", "20240614"))
TEMPLATE = ("{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
WORDS = "ash birch cedar elm fir hazel larch maple oak pine rowan willow".split()


def sentence(random_source, most):
    return " ".join(random_source.choice(WORDS) for _ in range(random_source.randint(1, most)))


class TuneTest(CupelTest):
    def setUp(self):
        super().setUp()
        self.model = self.tiny_model()
        self.template = self.file("chatml.jinja", TEMPLATE)
        source = random.Random(5)
        self.dialogues = write_json_lines(self.folder / "dialogues.jsonl", [
            {"messages": [{"role": "user", "content": sentence(source, 8)},
                          {"role": "assistant", "content": sentence(source, 12)}]} for _ in range(24)])
        self.pairs = write_json_lines(self.folder / "pairs.jsonl", [
            {"prompt": [{"role": "user", "content": sentence(source, 6)}], "chosen": sentence(source, 6),
             "rejected": sentence(source, 6) + " no"} for _ in range(12)])

    def arguments(self, out, *more, method="sft", data=None):
        return ["tune", "--method", method, "--model", self.model, "--data", data or self.dialogues, "--out", out,
                "--data.chat_template", self.template, "--precision", "fp32", "--threads", "1", *more]

    def records(self, out):
        return read_json_lines(self.folder / out / "train.jsonl")

    def losses(self, out):
        return [record["loss"] for record in self.records(out) if "loss" in record]

    def bytes_of(self, *path):
        return self.folder.joinpath(*path).read_bytes()


class RunTest(TuneTest):
    def test_a_run_learns_and_leaves_a_model_that_runs(self):
        done = self.ok(*self.arguments("run", "--max_steps", "20", "--optim.lr", "1e-3", "--eval-data", self.dialogues,
                                       "--eval.at_start", "true", "--eval.every", "10", "--eval.samples", "2"))
        self.assertEqual(done.out, "run/model: trained 20 steps\n")
        self.assertRegex(done.err, r"(?m)^step 20/20  loss \S+  lr \S+  \|g\| \S+  [\d,]+ tok/s  \S+ [MG]iB$")
        losses = self.losses("run")
        self.assertEqual(len(losses), 20)
        self.assertLess(losses[-1], losses[0] - 1)
        held_out = [record["eval"]["loss"] for record in self.records("run") if "eval" in record]
        self.assertEqual(len(held_out), 3)
        self.assertLess(held_out[2], held_out[0])
        samples = read_json_lines(self.folder / "run/samples.jsonl")
        self.assertEqual([sample["when"] for sample in samples], ["before"] * 2 + ["after"] * 2)
        self.assertEqual(samples[0]["prompt"], samples[2]["prompt"])
        # It runs, with the template that it was trained with.
        self.ok("generate", "--model", "run/model", "--prompt", "oak", "--max-tokens", "4")
        self.ok("tune", "export", "run", "--out", "run.gguf")
        self.ok("generate", "--model", "run.gguf", "--prompt", "oak", "--max-tokens", "4")
        page = self.bytes_of("run", "report.html").decode()
        for text in ("Loss of answers and of instructions", "Answers before and after", "Learning rate", "optim.lr"):
            self.assertIn(text, page)
        summary = self.ok("report", "run", "--format", "json").json()
        self.assertEqual(summary["steps"], 20)
        self.assertEqual(summary["held_out"]["loss"]["last"], held_out[2])
        for name in ("recipe.toml", "run.json", "timing.jsonl", "checkpoints/step-20/state.json", "report.html"):
            self.assertTrue((self.folder / "run" / name).is_file(), name)

    def test_the_same_recipe_gives_the_same_bits(self):
        for out in ("a", "b"):
            self.ok(*self.arguments(out, "--max_steps", "3", "--sft.neftune_alpha", "5"))
        self.assertEqual(self.bytes_of("a", "train.jsonl"), self.bytes_of("b", "train.jsonl"))
        self.assertEqual(self.bytes_of("a", "model/model.safetensors"), self.bytes_of("b", "model/model.safetensors"))
        self.ok(*self.arguments("c", "--max_steps", "3", "--sft.neftune_alpha", "5", "--seed", "1"))
        self.assertNotEqual(self.bytes_of("a", "train.jsonl"), self.bytes_of("c", "train.jsonl"))

    def test_recipe_file_flags_and_set_in_that_order(self):
        recipe = self.file("r.toml", f'method = "sft"\nmodel = "{self.model}"\nout = "x"\nmax_steps = 1\nseed = 1\n'
                                     f'[data]\nfiles = ["{self.dialogues}"]\nchat_template = "{self.template}"\n'
                                     f'[optim]\nlr = 1e-3\n')
        for out, more in (("p", ("--preference.params.beta", "0.5")), ("q", ("--preference.params.beta=0.5",))):
            self.ok(*self.arguments(out, "--max_steps", "1", *more, method="dpo", data=self.pairs))
            self.assertIn("params.beta = 0.5\n", self.bytes_of(out, "recipe.toml").decode())
        self.fails(USAGE, "tune", "--preference.params.beta", says="needs a value")
        self.ok("tune", recipe, "--out", "y", "--seed", "2", "--set", "seed=3")
        text = self.bytes_of("y", "recipe.toml").decode()
        self.assertIn("seed = 3\n", text)
        self.assertIn("lr = 0.001\n", text)

    def test_every_method_trains(self):
        for method in ("dpo", "ipo", "orpo", "simpo", "cpo", "kto"):
            data = self.pairs
            if method == "kto":
                data = write_json_lines(self.folder / "labels.jsonl", [
                    {"prompt": row["prompt"], "completion": row[key], "label": key == "chosen"}
                    for row in read_json_lines(self.pairs) for key in ("chosen", "rejected")])
            self.ok(*self.arguments(method, "--max_steps", "8", "--optim.lr", "3e-4", "--batch.size", "4",
                                    method=method, data=data))
            losses = self.losses(method)
            self.assertLess(losses[-1], losses[0], method)
        self.ok(*self.arguments("pairs", "--max_steps", "8", "--optim.lr", "3e-4", "--batch.size", "4", method="kto",
                                data=self.pairs))
        self.assertEqual(self.bytes_of("pairs", "train.jsonl"), self.bytes_of("kto", "train.jsonl"), "taken apart")

    def test_adapters_are_trained_merged_and_exported(self):
        self.ok(*self.arguments("run", "--max_steps", "10", "--optim.lr", "1e-2", "--parameters", "lora",
                                "--batch.size", "4", method="dpo", data=self.pairs))
        names = {path.name for path in (self.folder / "run/adapter").iterdir()}
        self.assertEqual(names, {"adapter_config.json", "adapter_model.safetensors"})
        self.assertLess(self.losses("run")[-1], 0.6)
        self.ok("tune", "merge", "--model", self.model, "--adapter", "run/adapter", "--out", "merged.gguf")
        self.ok("tune", "export", "run", "--out", "exported.gguf")
        self.ok("tune", "export", "run", "--out", "folder")
        self.ok("tune", "export", "run", "--out", "small.gguf", "--type", "q8_0")
        texts = [self.ok("generate", "--model", model, "--prompt", "oak", "--raw", "--max-tokens", "8").out
                 for model in ("merged.gguf", "exported.gguf", "./folder")]
        self.assertEqual(len(set(texts)), 1, texts)

    def test_an_adapter_is_trained_further(self):
        lora = ("--parameters", "lora", "--lora.rank", "4", "--batch.size", "4", "--optim.lr", "1e-2")
        shown = ("--eval-data", self.pairs, "--eval.at_start", "true")
        self.ok(*self.arguments("first", "--max_steps", "10", *lora, *shown, method="dpo", data=self.pairs))
        further = (*lora, "--lora.adapter", "first/adapter", *shown)
        self.ok(*self.arguments("second", "--max_steps", "10", *further, method="dpo", data=self.pairs))
        # It begins as what it is held to …
        self.assertAlmostEqual(self.records("second")[0]["eval"]["loss"], math.log(2), places=5)
        self.assertLess(self.losses("second")[-1], 0.6)
        self.assertNotEqual(self.bytes_of("second/adapter", "adapter_model.safetensors"),
                            self.bytes_of("first/adapter", "adapter_model.safetensors"))
        # … or goes on from where it was, held to the model without it.
        self.ok(*self.arguments("off", "--max_steps", "1", *further, "--preference.reference", "adapter_off",
                                method="dpo", data=self.pairs))
        self.assertAlmostEqual(self.records("off")[0]["eval"]["loss"], self.records("first")[-1]["eval"]["loss"],
                               places=5)
        # Killed or finished, it is the same run; with another adapter in that place it is not.
        self.ok(*self.arguments("second", "--max_steps", "10", *further, method="dpo", data=self.pairs))
        shutil.rmtree(self.folder / "first/adapter")
        shutil.copytree(self.folder / "second/adapter", self.folder / "first/adapter")
        changed = self.run_cupel(*self.arguments("second", "--max_steps", "10", *further, method="dpo", data=self.pairs))
        self.assertIn("model: the files are not those of the run", changed.err)
        other = self.run_cupel(*self.arguments("other", *further, "--set", "lora.rank=8", method="dpo", data=self.pairs))
        self.assertEqual(other.code, USAGE, other)
        self.assertIn("lora.rank is 8, and the adapter first/adapter has 4", other.err)
        self.fails(MISSING, *self.arguments("other", *lora, "--lora.adapter", "first"), says="is no adapter")

    def test_adapters_of_the_modules_that_an_expression_names(self):
        expression = r"model\.layers\.\d+\.self_attn\.[qv]_proj"
        self.ok(*self.arguments("run", "--max_steps", "1", "--parameters", "lora", "--lora.target_regex", expression))
        self.assertEqual(json.loads(self.bytes_of("run/adapter", "adapter_config.json"))["target_modules"], expression)
        none = self.run_cupel(*self.arguments("none", "--parameters", "lora", "--lora.target_regex", "q_proj"))
        self.assertEqual(none.code, USAGE, none)
        self.assertIn('lora.target_regex "q_proj" fits no module', none.err)

    def test_json_is_one_object_a_step_and_evaluation(self):
        done = self.ok(*self.arguments("run", "--max_steps", "3", "--json", "--eval-data", self.dialogues))
        lines = done.rows()
        self.assertEqual([line["step"] for line in lines], [1, 2, 3, 3])
        self.assertIn("tok_per_s", lines[0])
        self.assertEqual(lines[3]["eval"], self.records("run")[3]["eval"])

    def test_off_a_terminal_progress_is_a_line_every_so_many_steps(self):
        done = self.ok(*self.arguments("run", "--max_steps", "5", "--log.every", "2"))
        steps = re.findall(r"^step (\d)/5  loss \d\.\d{4}  lr \S+  \|g\| \S+  [\d,]+ tok/s", done.err, re.MULTILINE)
        self.assertEqual(steps, ["2", "4", "5"], done.err)
        self.assertNotIn("\x1b", done.err)

    def test_held_out_texts_are_evaluated_to_their_last_token(self):
        """Rows that are cut over several bins, and a mixture that is of the training files alone."""
        source = random.Random(5)
        texts = [{"text": sentence(source, 60)} for _ in range(4)]
        data = write_json_lines(self.folder / "texts.jsonl", texts)
        labels = {}
        for packing in ("none", "bfd_split", "wrapped"):
            length = "4096" if packing == "none" else "32"
            self.ok(*self.arguments(packing, "--max_steps", "1", "--data.packing", packing, "--data.max_length", length,
                                    "--data.loss_on", "full", "--eval-data", data, "--data.mixture", "probability",
                                    "--set", "data.amounts=[0.5,0.5]", "--data", data, data=data))
            labels[packing] = self.records(packing)[-1]["eval"]["labels"]
        self.assertGreater(labels["none"], 4 * 60)
        self.assertEqual(labels["wrapped"], labels["bfd_split"])
        parts = 4 + labels["none"] // 32  # the first token of a part has none before it
        self.assertTrue(labels["none"] - parts <= labels["bfd_split"] <= labels["none"], labels)

    def test_the_best_checkpoint_stays_whenever_it_was(self):
        self.ok(*self.arguments("run", "--max_steps", "6", "--optim.lr", "1e-3", "--eval-data", self.dialogues,
                                "--eval.every", "2", "--checkpoint.best_by", "loss", "--checkpoint.keep", "1"))
        losses = {record["step"]: record["eval"]["loss"] for record in self.records("run") if "eval" in record}
        best = min(losses, key=losses.get)
        names = {path.name for path in (self.folder / "run/checkpoints").iterdir()}
        self.assertEqual(names, {"step-6", f"step-{best}"})

    def test_adafactor_keeps_a_mean_only_where_asked(self):
        for out, more in (("without", ()), ("with", ("--optim.beta1", "0.9"))):
            self.ok(*self.arguments(out, "--max_steps", "1", "--optim.name", "adafactor", *more))
            state = self.bytes_of(out, "checkpoints/step-1/optimizer-00001.safetensors")
            self.assertEqual(b".mean" in state, out == "with")

    def test_plan_and_validate_say_what_a_run_takes(self):
        plan = self.ok("tune", "plan", *self.arguments("run")[1:], "--format", "json").json()
        self.assertEqual(plan["rows"], 24)
        self.assertGreater(plan["memory"]["optimiser"], plan["memory"]["weights"])
        self.assertIn("24 rows", self.ok("tune", "validate", *self.arguments("run")[1:]).out)
        self.fails(USAGE, "tune", "validate", *self.arguments("run", method="dpo", data=self.dialogues)[1:],
                   says="needs a prompt and its answers")
        self.assertFalse((self.folder / "run").exists())


class StoppedTest(TuneTest):
    """Bits after an interruption are those of a run that was left alone."""

    # Packing, dropout of adapters, accumulation, noise: all that has a state or draws.
    HARD = ("--max_steps", "24", "--optim.lr", "3e-3", "--parameters", "lora", "--lora.dropout", "0.2", "--batch.size",
            "4", "--batch.micro", "2", "--data.packing", "bfd", "--data.max_length", "64", "--data.pack_window", "7",
            "--checkpoint.every", "1", "--checkpoint.keep", "2", "--sft.neftune_alpha", "5", "--eval.every", "5")

    def check_same(self, out, whole, result="adapter/adapter_model.safetensors", last=24):
        self.assertEqual(self.bytes_of(out, "train.jsonl"), self.bytes_of(whole, "train.jsonl"))
        for name in (result, f"checkpoints/step-{last}/optimizer-00001.safetensors",
                     f"checkpoints/step-{last}/state.json"):
            self.assertEqual(self.bytes_of(out, name), self.bytes_of(whole, name), name)
        self.assertEqual([path.name for path in (self.folder / out).rglob("*.partial")], [])
        self.assertEqual([record["step"] for record in self.records(out) if "loss" in record],
                         list(range(1, last + 1)))

    def kill_within(self, arguments, seconds):
        """Starts the run, waits until it trains and kills it after at most `seconds` more; whether it was running."""
        process = self.start(*arguments)
        log = self.folder / arguments[arguments.index("--out") + 1] / "train.jsonl"
        before = log.stat().st_size if log.exists() else 0
        while process.poll() is None and (not log.exists() or log.stat().st_size == before):
            time.sleep(0.002)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        self.finish(process)
        return process.returncode == -signal.SIGKILL

    def test_killed_at_random_moments(self):
        arguments = self.arguments("whole", *self.HARD, "--eval-data", self.dialogues)
        self.ok(*arguments)
        times = [row["time"] for row in read_json_lines(self.folder / "whole/timing.jsonl")]
        seconds = times[-1] - times[0]
        source = random.Random(SEED)
        kills = 0
        for number in range(10 * KILLS):
            if kills >= KILLS:
                break
            out = f"run-{number}"
            mine = self.arguments(out, *self.HARD, "--eval-data", self.dialogues)
            kills += sum(self.kill_within(mine, source.uniform(0, seconds / 2)) for _ in range(KILLS_OF_ONE_RUN))
            self.ok(*mine)
            self.check_same(out, "whole")
        self.assertGreaterEqual(kills, KILLS)

    def test_full_parameters_and_preferences_go_on_too(self):
        more = ("--max_steps", "12", "--checkpoint.every", "3", "--batch.size", "4", "--optim.lr", "1e-3")
        self.ok(*self.arguments("whole", *more, method="dpo", data=self.pairs))
        mine = self.arguments("run", *more, method="dpo", data=self.pairs)
        source = random.Random(SEED)
        for _ in range(3):
            self.kill_within(mine, source.uniform(0, 0.1))
        self.ok("tune", "resume", "run")
        self.check_same("run", "whole", "model/model.safetensors", last=12)

    def test_a_full_disk_ends_the_run_and_keeps_the_last_checkpoint(self):
        """The run's folder is a file system of its own that holds one checkpoint and a half."""
        more = ("--max_steps", "6", "--checkpoint.every", "3", "--optim.lr", "1e-3")
        arguments = " ".join(map(str, [CUPEL, *self.arguments("small/run", *more)]))
        (self.folder / "small").mkdir()
        script = self.file("small.sh", "mount -t tmpfs -o size=2200k none small || exit 77\n"
                                       f"{arguments}; code=$?\ncp -r small/run copy; exit $code\n")
        done = subprocess.run(["unshare", "-m", "sh", script], cwd=self.folder, env=self.environment, text=True,
                              capture_output=True, check=False)
        if done.returncode == 77 or "unshare failed" in done.stderr:
            self.skipTest("no file system can be mounted here: a full disk is not shown")
        self.assertEqual(done.returncode, EXHAUSTED, done.stderr)
        self.assertRegex(done.stderr, r"cupel: [^\n]*(full|space)[^\n]*\n\Z")
        self.assertEqual([path.name for path in (self.folder / "copy/checkpoints").iterdir()], ["step-3"])
        self.ok(*self.arguments("whole", *more))
        self.ok("tune", "resume", "copy")
        self.check_same("copy", "whole", "model/model.safetensors", last=6)

    def test_asked_to_stop_it_saves_and_goes_on(self):
        more = ("--max_steps", "400", "--optim.lr", "1e-3")
        for number in (signal.SIGTERM, signal.SIGINT):
            out = f"run-{number}"
            process = self.start(*self.arguments(out, *more))
            log = self.folder / out / "train.jsonl"
            while process.poll() is None and (not log.exists() or log.stat().st_size == 0):
                time.sleep(0.002)
            process.send_signal(number)
            done = self.finish(process)
            self.assertEqual(done.code, INTERRUPTED, done)
            self.assertRegex(done.out, rf"\Astopped after step \d+ of 400; go on with: cupel tune resume {out}\n\Z")
        self.ok(*self.arguments("whole", *more))
        self.ok("tune", "resume", "run-15")
        self.check_same("run-15", "whole", "model/model.safetensors", last=400)

    def test_a_finished_run_is_left_as_it_is(self):
        self.ok(*self.arguments("run", "--max_steps", "2"))
        before = self.bytes_of("run", "train.jsonl")
        self.assertEqual(self.ok("tune", "resume", "run").out, "run/model: trained 2 steps\n")
        self.assertEqual(self.bytes_of("run", "train.jsonl"), before)

    def test_what_does_not_change_the_numbers_may_change_and_is_kept(self):
        self.ok(*self.arguments("run", "--max_steps", "2"))
        self.ok("tune", "resume", "run", "--set", "checkpoint.keep=7", "--set", "log.every=3")
        recipe = (self.folder / "run/recipe.toml").read_text()
        self.assertRegex(recipe, r"(?m)^keep = 7$")
        self.assertRegex(recipe, r"(?m)^every = 3$")

    def test_a_run_that_goes_on_after_its_end_has_the_result_of_its_new_end(self):
        self.ok(*self.arguments("run", "--max_steps", "2", "--optim.lr", "1e-2", "--eval.samples", "2"))
        first = self.bytes_of("run", "model/model.safetensors")
        again = self.ok("tune", "resume", "run", "--set", "max_steps=4", "--allow-changed")
        self.assertEqual(again.out, "run/model: trained 4 steps\n")
        self.assertNotEqual(self.bytes_of("run", "model/model.safetensors"), first)
        self.assertEqual(self.bytes_of("run", "model/model.safetensors"),
                         self.bytes_of("run", "checkpoints/step-4/model/model.safetensors"))
        samples = self.bytes_of("run", "samples.jsonl")
        self.assertEqual([(row["when"], row["step"]) for row in read_json_lines(self.folder / "run/samples.jsonl")],
                         [("before", 0)] * 2 + [("after", 4)] * 2)
        self.ok("tune", "resume", "run")
        self.assertEqual(self.bytes_of("run", "samples.jsonl"), samples)

    def test_a_run_that_learnt_no_more_ends_there_whenever_it_is_asked(self):
        arguments = self.arguments("run", "--max_steps", "6", "--optim.lr", "0", "--eval-data", self.dialogues,
                                   "--eval.every", "1", "--eval.patience", "1", "--checkpoint.every", "1")
        done = self.ok(*arguments)
        self.assertIn("the held-out loss fell no further", done.out)
        before = self.bytes_of("run", "train.jsonl")
        self.assertEqual(self.ok(*arguments).out, done.out)
        self.assertEqual(self.bytes_of("run", "train.jsonl"), before)

    def test_killed_before_the_first_checkpoint_it_begins_anew(self):
        more = ("--max_steps", "3", "--eval-data", self.dialogues, "--eval.at_start", "true")
        self.ok(*self.arguments("whole", *more))
        self.ok(*self.arguments("run", *more))
        for name in ("checkpoints", "model"):
            shutil.rmtree(self.folder / "run" / name)
        self.ok(*self.arguments("run", *more))
        self.assertEqual(self.bytes_of("run", "train.jsonl"), self.bytes_of("whole", "train.jsonl"))

    def test_a_damaged_checkpoint_is_named_with_the_way_on(self):
        more = ("--max_steps", "6", "--checkpoint.every", "3", "--checkpoint.keep", "2")
        self.ok(*self.arguments("whole", *more))
        self.ok(*self.arguments("run", *more))
        damaged = self.folder / "run/checkpoints/step-6/optimizer-00001.safetensors"
        damaged.write_bytes(damaged.read_bytes()[:100])
        done = self.run_cupel("tune", "resume", "run")
        self.assertEqual(done.code, CORRUPT, done)
        self.assertRegex(done.err, r"the file is cut short or damaged; remove run/checkpoints/step-6 to go on after step 3\n\Z")
        shutil.rmtree(damaged.parent)
        self.ok("tune", "resume", "run")
        self.assertEqual(self.bytes_of("run", "train.jsonl"), self.bytes_of("whole", "train.jsonl"))

    def test_two_at_once_do_not_share_a_folder(self):
        process = self.start(*self.arguments("run", "--max_steps", "100000"))
        log = self.folder / "run" / "train.jsonl"
        while process.poll() is None and (not log.exists() or log.stat().st_size == 0):
            time.sleep(0.002)
        self.fails(USAGE, *self.arguments("run", "--max_steps", "100000"), says=["another process trains in this folder"])
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(process).code, INTERRUPTED)

    def test_a_changed_recipe_is_refused_with_the_difference(self):
        self.ok(*self.arguments("run", "--max_steps", "2"))
        self.fails(USAGE, *self.arguments("run", "--max_steps", "4", "--optim.lr", "0.5"),
                   says=("max_steps: 4, was 2", "optim.lr: 0.5, was not set", "--allow-changed"))
        self.ok(*self.arguments("run", "--max_steps", "4", "--allow-changed"))
        self.assertEqual(len(self.losses("run")), 4)
        self.dialogues.write_text(self.dialogues.read_text() + self.dialogues.read_text())
        self.fails(USAGE, *self.arguments("run", "--max_steps", "4"), says="data: the files are not those of the run")


class MistakesTest(TuneTest):
    def test_what_is_missing_or_wrong_is_named(self):
        self.fails(USAGE, "tune", says="RECIPE.toml")
        self.fails(MISSING, "tune", "absent.toml", says="absent.toml")
        self.fails(USAGE, "tune", "--method", "sft", "--out", "x", says="no model")
        self.fails(USAGE, "tune", "--method", "sft", "--model", self.model, "--out", "x", says="no training data")
        self.fails(USAGE, *self.arguments("x", method="dpoo"), says=("dpoo", 'did you mean "dpo"'))
        self.fails(USAGE, *self.arguments("x", "--optim.lrr", "1"), says=("--optim.lrr", "--optim.lr"))
        self.fails(USAGE, *self.arguments("x", "--optim.lr", "-1"), says="optim.lr is -1")
        self.fails(USAGE, *self.arguments("x", "--batch.size", "3", "--batch.micro", "2"), says="batch.size")
        self.fails(USAGE, *self.arguments("x", "--set", "preference.params.betta=1", method="dpo", data=self.pairs),
                   says=('no parameter "betta"', "beta"))
        self.fails(USAGE, *self.arguments("x", method="sigmoid", data=self.pairs), says='"sigmoid" is dpo here')
        self.fails(USAGE, *self.arguments("x", "--set", "preference.params.variant=hinge", "--set",
                                          "preference.params.label_smoothing=0.1", method="simpo", data=self.pairs),
                   says=("preference.params", "label_smoothing is read only with variant sigmoid"))
        self.fails(USAGE, *self.arguments("x", method="dpo"), says="dialogues.jsonl:1")
        self.fails(MISSING, "tune", "resume", "nothing", says="no run of cupel tune")
        self.assertFalse((self.folder / "x").exists())


    def test_a_folder_of_something_else_is_left_alone(self):
        self.file("mine/notes.txt", "keep me")
        self.fails(USAGE, *self.arguments("mine"), says="not empty")
        self.assertEqual(self.bytes_of("mine", "notes.txt"), b"keep me")

    def test_damaged_rows_name_their_line(self):
        text = self.dialogues.read_text().splitlines()
        damaged = self.file("damaged.jsonl", "\n".join([*text[:2], '{"messages": [', *text[2:]]))
        self.fails(CORRUPT, *self.arguments("x", data=damaged), says="damaged.jsonl:3")
        done = self.ok(*self.arguments("run", "--data.skip_bad", "true", "--max_steps", "1", data=damaged))
        self.assertIn("25 rows, 1 of them left out (1 malformed)", done.err)

    def test_rows_without_anything_to_learn_are_counted(self):
        rows = read_json_lines(self.dialogues)
        rows[3]["messages"][1]["content"] = ""
        rows[5]["messages"][0]["content"] = " ".join(WORDS * 20)
        data = write_json_lines(self.folder / "some.jsonl", rows)
        done = self.ok(*self.arguments("run", "--max_steps", "1", "--data.max_length", "128", data=data))
        self.assertIn("24 rows, 2 of them left out (1 with an empty answer, 1 with nothing to learn)", done.err)

    def test_names_of_other_trainers_are_answered_with_ours(self):
        self.fails(USAGE, *self.arguments("x", "--learning_rate", "1e-5"), says="(here it is --optim.lr)")
        self.fails(USAGE, *self.arguments("x", "--set", "lora.target_modules=all"), says='(here it is "lora.targets")')
        self.fails(MISSING, "tune", "dpo", says="a method is set by --method dpo")

    def test_what_is_no_model_that_writes_is_not_trained_to(self):
        self.ok(*self.arguments("rm", "--max_steps", "1", method="reward-model", data=self.pairs))
        for method, data in (("sft", self.dialogues), ("dpo", self.pairs)):
            arguments = [word if word != self.model else "rm/model" for word in
                         self.arguments("x", method=method, data=data)]
            self.fails(USAGE, *arguments, says="rm/model: is a reward model, which has no head that writes")
        self.fails(USAGE, *self.arguments(self.dialogues), says="is a file; out (--out) names the folder of the run")
        self.fails(USAGE, "generate", "--model", "./rm", "--prompt", "x", says="its model is ./rm/model")
        self.ok(*self.arguments("lo", "--max_steps", "1", "--parameters", "lora"))
        self.fails(USAGE, "generate", "--model", "lo/adapter", "--prompt", "x", says="cupel tune merge --model BASE")

    def test_a_loss_that_was_driven_up_is_said(self):
        rate = ("--max_steps", "12", "--sched.name", "constant", "--sched.warmup_steps", "0", "--optim.lr", "3")
        self.assertRegex(self.ok(*self.arguments("run", *rate)).err,
                         r"warning: the loss went from \S+ up to \S+; the learning rate is likely too high\n")
        self.assertIn("The loss went from", self.bytes_of("run", "report.html").decode())

    def test_pairs_of_an_answer_with_itself_are_warned_of(self):
        rows = read_json_lines(self.pairs)
        rows[1]["rejected"] = rows[1]["chosen"]
        data = write_json_lines(self.folder / "equal.jsonl", rows)
        done = self.ok(*self.arguments("run", "--max_steps", "1", method="simpo", data=data))
        says = f"warning: in 1 rows of {len(rows)} chosen and rejected are the same tokens"
        self.assertIn(says, done.err)
        self.assertIn(says, self.ok("tune", "validate", "run/recipe.toml").out)

    def test_no_template_no_conversation(self):
        arguments = [word for word in self.arguments("x") if word not in ("--data.chat_template", self.template)]
        self.fails(USAGE, *arguments, says=("dialogues.jsonl:1", "no chat template", "data.chat_template"))

    def test_a_loss_that_is_not_finite_is_skipped_counted_and_ends_the_run(self):
        self.ok(*self.arguments("good", "--max_steps", "2"))
        weights = self.folder / "good/model/model.safetensors"
        content = bytearray(weights.read_bytes())
        size = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8:8 + size])
        begin = 8 + size + header["model.norm.weight"]["data_offsets"][0]
        content[begin:begin + 4] = struct.pack("<f", float("nan"))
        weights.write_bytes(content)
        done = self.run_cupel(*self.arguments("bad", "--optim.max_skipped", "3", "--max_steps", "9")[:3], "--model",
                              "good/model", "--data", self.dialogues, "--out", "bad", "--data.chat_template",
                              self.template, "--optim.max_skipped", "3", "--max_steps", "9", "--precision", "fp32")
        self.assertEqual(done.code, USAGE, done)
        self.assertIn("not finite for 3 steps in a row", done.err)
        bad = json.loads(self.bytes_of("bad", "bad_batch.json"))
        self.assertEqual(bad["step"], 3)
        self.assertTrue(all(row.startswith(str(self.dialogues)) for row in bad["rows"]), bad)
        self.assertEqual([record["skipped"] for record in self.records("bad")], [1, 2])



if __name__ == "__main__":
    main()
