#!/usr/bin/env python3
"""Checks what bench/harness computes from turns of training: epochs, ratios, targets and the table."""
import random
import re
import sys
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "bench" / "train")]

import make_long_prompts  # noqa: E402
from harness import behaviour, table, targets, train, train_figures, tuned  # noqa: E402


def side(step_s=1.0, epoch_s=16.0, peak_bytes=1e9):
    return {"step_s": step_s, "epoch_s": epoch_s, "peak_bytes": peak_bytes}


def training(name="dpo f32", cupel=None, trl=None, busy=0.0, difference=0.0):
    case = {"what": train.CASES[name].what, "epoch_steps": 16, "best": {"cupel": "f32", "trl": "f32, reference live"},
            "loss_difference": difference, "cupel": cupel or side(), "trl": trl or side()}
    return {"versions": {"trl": "1.16.0"}, "busy_share": busy, "cases": {name: case}, "failures": []}


def verdicts(found):
    return [check.verdict for check in targets.training_checks({"train": found})]


class Epochs(unittest.TestCase):
    def test_whole_epoch_is_the_sum(self):
        turn = {"steps_s": [5.0, 2.0, 2.0, 3.0], "reference_s": 1.5}
        self.assertEqual(train.epoch_seconds(turn, 4), 13.5)

    def test_part_of_one_leaves_the_first_step_out_of_the_estimate(self):
        # 2 of 16 steps: the reference of all rows takes 8 times as long; each step the usual 3 s.
        turn = {"steps_s": [9.0, 3.0], "reference_s": 0.5}
        self.assertEqual(train.epoch_seconds(turn, 16), 0.5 * 8 + 3.0 * 16)

    def test_usual_step(self):
        self.assertEqual(train.usual_step({"steps_s": [9.0, 3.0, 1.0, 2.0]}), 2.0)
        self.assertEqual(train.usual_step({"steps_s": [9.0]}), 9.0)

    def test_losses_are_compared_over_three_steps(self):
        ours, theirs = {"losses": [1.0, 2.0, 3.0, 9.0]}, {"losses": [1.0, 2.5, 3.0, 1.0]}
        self.assertAlmostEqual(train.difference_of_losses(ours, theirs), 0.2)


class Forms(unittest.TestCase):
    def test_every_precision_is_tried_with_both_references(self):
        self.assertEqual(list(train.CASES["dpo bf16"].theirs),
                         ["pure, reference live", "pure, reference precomputed", "autocast, reference live",
                          "autocast, reference precomputed"])
        self.assertEqual(train.CASES["dpo f32"].theirs["f32, reference live"],
                         ("--precision", "f32", "--reference", "live"))

    def test_targets_are_of_known_cases(self):
        for names in (train_figures.SPEED, train_figures.MEMORY, train_figures.SAME_LOSS_CASES):
            self.assertLessEqual(set(names), set(train.CASES))


class Verdicts(unittest.TestCase):
    def test_speed_memory_and_losses(self):
        fast = training(cupel=side(epoch_s=8.0, peak_bytes=0.6e9), difference=1e-4)
        self.assertEqual(verdicts(fast), ["PASS", "PASS", "PASS"])
        slow = training(cupel=side(epoch_s=8.1, peak_bytes=0.61e9), difference=2e-3)
        self.assertEqual(verdicts(slow), ["MISS", "MISS", "MISS"])

    def test_busy_machine_spoils_times_alone(self):
        self.assertEqual(verdicts(training(cupel=side(epoch_s=1.0, peak_bytes=1.0), busy=0.5)), ["BUSY", "PASS", "PASS"])

    def test_lora_has_a_speed_alone(self):
        self.assertEqual(verdicts(training("lora dpo", cupel=side(epoch_s=8.0))), ["PASS"])

    def test_packed_has_a_speed_and_losses(self):
        self.assertEqual(verdicts(training("sft packed", cupel=side(epoch_s=11.0))), ["MISS", "PASS"])

    def test_no_training_no_targets(self):
        self.assertEqual(targets.training_checks({}), [])


class TunedModels(unittest.TestCase):
    def found(self, gap=0.0, divergence=1e-4, rewards=1e-6):
        greedy = {"identical": 7, "prompts": 8, "tokens": 512, "largest_gap": gap}
        return {"greedy": {"whole model, transformers": greedy}, "divergence": {"q8_0": {"mean_kl": divergence}},
                "rewards": {"rows": 16, "largest": rewards}}

    def verdicts(self, found):
        return [check.verdict for check in targets.training_checks({"tuned": found})]

    def test_near_tie_is_no_difference(self):
        self.assertEqual(self.verdicts(self.found(gap=2e-3)), ["PASS", "PASS", "PASS"])
        self.assertEqual(self.verdicts(self.found(gap=2.1e-3)), ["MISS", "PASS", "PASS"])

    def test_divergence_and_rewards(self):
        self.assertEqual(self.verdicts(self.found(divergence=1.0, rewards=2e-4)), ["PASS", "MISS", "MISS"])

    def test_a_peer_along_the_paths(self):
        top = [[[5, -0.1], [6, -0.5]], [[7, -0.2], [8, -0.25]]]
        found = tuned.compare([{"ids": [5, 8]}, {"ids": [5]}], [top, top[:1]])
        self.assertEqual((found["identical"], found["prompts"], found["tokens"]), (1, 2, 3))
        self.assertAlmostEqual(found["largest_gap"], 0.05)

    def test_rewards_pair_by_pair(self):
        self.assertAlmostEqual(tuned.largest_difference([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.5], [3.1, 4.0]]), 0.5)
        with self.assertRaises(ValueError):
            tuned.largest_difference([[1.0, 2.0]], [])


class Behaviour(unittest.TestCase):
    def found(self, ends=((1.0, 2.0, 0.5, 0.4),) * 3, simpo=2e9, live=4e9):
        """`ends`: of each seed, last losses of IM held out, IT held out, IM train, IT train; they began at 3."""
        def curve(end):
            return [3.0] * behaviour.EPOCHS + [end]
        return {"instructions": {str(seed): {"IT": {"train": [3.0, it_train], "held_out": curve(it)},
                                             "IM": {"train": [3.0, im_train], "held_out": curve(im)}}
                                 for seed, (im, it, im_train, it_train) in enumerate(ends)},
                "memory": {"copy_bytes": 538e6, "peaks": {behaviour.FREE: simpo, behaviour.KEPT: 2e9, behaviour.LIVE: live}}}

    def verdicts(self, found):
        return [check.verdict for check in targets.training_checks({"behaviour": found})]

    def test_two_of_three_seeds_must_show_the_gain_and_all_the_cost(self):
        good, no_gain, no_cost = (1.0, 2.0, 0.5, 0.4), (2.0, 1.0, 0.5, 0.4), (1.0, 2.0, 0.4, 0.5)
        self.assertEqual(self.verdicts(self.found((good, good, no_gain))), ["PASS", "PASS", "PASS"])
        self.assertEqual(self.verdicts(self.found((good, no_gain, no_gain))), ["MISS", "PASS", "PASS"])
        self.assertEqual(self.verdicts(self.found((good, good, no_cost))), ["PASS", "MISS", "PASS"])

    def test_a_copy_of_the_model_is_saved(self):
        self.assertEqual(self.verdicts(self.found(simpo=3.462e9))[2], "PASS")
        self.assertEqual(self.verdicts(self.found(simpo=3.463e9))[2], "MISS")

    def test_curves_are_whole(self):
        records = [{"step": 0, "eval": {"nll/completion": 2.0}}, {"step": 1, "loss": 9.0}]
        with self.assertRaises(RuntimeError):
            behaviour.curve(records)
        self.assertEqual(behaviour.curve(records * (behaviour.EPOCHS + 1)), [2.0] * (behaviour.EPOCHS + 1))

    def test_tables(self):
        found = self.found()
        self.assertRegex(table.render(behaviour.rows(found)), r"seed 2, IM +(3\.000 +){6}1\.000 +3\.000 +0\.500")
        self.assertRegex(table.render(behaviour.memory_rows(found)), r"DPO in TRL, reference in memory +4000")


class LongPrompts(unittest.TestCase):
    def test_the_answer_follows_from_the_passage(self):
        source = random.Random(1)
        for _ in range(300):
            prompt, answer = (message["content"] for message in make_long_prompts.conversation(source)["messages"])
            *told, question, _ = re.split(r"(?<=[.?]) ", prompt)
            counts = {next(trade for trade in make_long_prompts.TRADES if f" the {trade} " in f" {sentence.lower()[:-1]} "):
                      int(re.search(r"\d+", sentence)[0]) for sentence in told[1:]}
            self.assertEqual(len(counts), make_long_prompts.PEOPLE)
            if near := re.search(r"nearest to (\d+)", question):
                order = sorted(counts, key=lambda who: abs(counts[who] - int(near[1])))  # noqa: B023
                self.assertLess(*(abs(counts[who] - int(near[1])) for who in order[:2]))
            else:
                order = sorted(counts, key=counts.get, reverse="most" in question)
            self.assertEqual(answer, f"The {order[0]}.")

    def test_rows_are_long_enough_and_none_comes_twice(self):
        source, seen = random.Random(1), set()
        words = lambda text: len(text.split())  # noqa: E731
        made = make_long_prompts.rows(lambda text: 2 * words(text), source, 40, seen)
        again = make_long_prompts.rows(lambda text: 2 * words(text), source, 40, seen)
        prompts = [row["messages"][0]["content"] for row in made + again]
        self.assertEqual(len(set(prompts)), 80)
        self.assertGreaterEqual(min(map(words, prompts)), 75)
        with mock.patch.object(make_long_prompts, "TRIALS", 20), self.assertRaises(SystemExit):
            make_long_prompts.rows(words, source, 1, seen)  # all are shorter


class Table(unittest.TestCase):
    def test_row(self):
        found = training(cupel=side(2.5, 44.0, 1.5e9), trl=side(7.25, 132.0, 3e9))
        text = table.render(train_figures.rows(found))
        self.assertRegex(text, r"DPO, f32 +2\.50 +7\.25 +44 +132 +3\.00 x +1500 +3000 +0\.50 x +f32; f32, reference live")

    def test_document_has_it(self):
        run = {"workloads": {}, "failures": [], "threads": 2, "rounds": 1, "train": training(),
               "machine": {"cpu": "C", "cores": 2, "flags": [], "commit": "abc"}}
        run["targets"] = targets.all_checks(run)
        text = table.document(run, {})
        self.assertIn("Training: seconds", text)
        self.assertIn("train: trl 1.16.0", text)


if __name__ == "__main__":
    unittest.main()
