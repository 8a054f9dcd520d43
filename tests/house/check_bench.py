#!/usr/bin/env python3
"""Checks the parts of bench/harness that need no package, model or binary: statistics, limits, targets, tables, clocks
and the busy neighbour."""
import os
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from harness import agreement, processes, product, prompts, rank, table, targets, workloads  # noqa: E402
from harness.config import MODELS  # noqa: E402
from harness.contenders import Cupel, with_ids  # noqa: E402
from harness.statistics import paired_ratio, summary  # noqa: E402


def series(case, values, busy=0.0, missing=None, positions=50.0, sequences=1):
    """The result of one workload on one model with the given contender → list of values."""
    about = {name: {"label": name, "settings": "as they come"} for name in values}
    for name, reason in (missing or {}).items():
        about[name] = {"label": name, "settings": "not run", "missing": reason}
    found = {"mean_positions": positions, "sequences": sequences, "values": {name: summary(list(each)) for name, each in values.items()}}
    return {"rounds": 5, "busy_share": busy, "cases": {case: found}, "contenders": about}


def results(**workloads):
    return {"workloads": workloads, "failures": [], "machine": {"cpu": "C", "cores": 2, "flags": [], "commit": "abc"},
            "threads": 2, "rounds": 5}


class Statistics(unittest.TestCase):
    def test_summary(self):
        self.assertEqual(summary([3.0, 1.0, 2.0]), {"median": 2.0, "min": 1.0, "max": 3.0, "n": 3, "values": [3.0, 1.0, 2.0]})

    def test_ratio_is_paired_by_round(self):
        # Both sides of the second round ran on a machine half as fast.
        self.assertEqual(paired_ratio([4.0, 2.0, 4.0], [2.0, 1.0, 2.0]), 2.0)

    def test_ratio_uses_rounds_in_common(self):
        self.assertEqual(paired_ratio([4.0, 6.0, 100.0], [2.0, 2.0]), 2.5)
        with self.assertRaises(ValueError):
            paired_ratio([1.0], [])


class Limits(unittest.TestCase):
    def test_cache_of_full_attention_grows(self):
        self.assertEqual(MODELS["smollm2"].cache_bytes(1), 23040)
        self.assertEqual(MODELS["smollm2"].cache_bytes(8192), 23040 * 8192)

    def test_sliding_layers_stop_at_their_window(self):
        self.assertEqual(MODELS["gemma3"].cache_bytes(1), 18432)
        self.assertEqual(MODELS["gemma3"].cache_bytes(1512) - MODELS["gemma3"].cache_bytes(512), 3 * 1024 * 1000)

    def test_limit(self):
        self.assertAlmostEqual(targets.decode_limit("gemma3", 0, 24.66), 100.0)

    def test_a_step_of_many_sequences_reads_weights_once_and_every_cache(self):
        self.assertAlmostEqual(targets.decode_limit("gemma3", 0, 24.66, 16), 1600.0)
        # 96.44 MB of weights and 4 caches of 1,000 positions, 23,040 bytes each: 188.6 MB make 4 tokens.
        self.assertAlmostEqual(targets.decode_limit("smollm2", 1000, 18.86, 4), 400.0)


class Verdicts(unittest.TestCase):
    def only(self, checks, part):
        found = [check for check in checks if part in check["what"]]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_ratio_pass_miss_busy(self):
        for ours, busy, expected in ((2.5, 0.0, "PASS"), (2.4, 0.0, "MISS"), (9.0, 0.5, "BUSY")):
            run = results(decode={"smollm2": series("batch 1", {"cupel": [ours] * 5, "llama_cpp": [1.0] * 5}, busy)})
            self.assertEqual(self.only(targets.all_checks(run), "to llama_cpp")["verdict"], expected)

    def test_absent_peer_is_said(self):
        run = results(shared={"gemma3": series("16 streams", {"cupel": [1.0]}, missing={"openvino": "not available: why"})})
        check = self.only(targets.all_checks(run), "to openvino")
        self.assertEqual((check["verdict"], check["figure"]), ("n/a", "not measured on both sides"))

    def test_limit_share(self):
        run = results(decode={"gemma3": series("batch 1", {"cupel": [80.0]}, positions=0.0)})
        self.assertEqual(self.only(targets.all_checks(run), "bandwidth limit")["verdict"], "n/a")
        run["bandwidth"] = {"gb_s": summary([24.66]), "source": "cupel doctor"}
        check = self.only(targets.all_checks(run), "bandwidth limit")
        self.assertEqual((check["figure"], check["verdict"]), ("80.0%", "PASS"))

    def test_neighbour_against_a_tenth_and_against_llama_cpp(self):
        for ours, theirs, expected in ((0.6, 0.5, ["PASS", "PASS"]), (0.4, 0.5, ["PASS", "MISS"]),
                                       (0.09, 0.05, ["MISS", "PASS"]), (0.6, None, ["PASS", "n/a"])):
            measured = series("batch 1", {"cupel": [9.0]} | ({"llama_cpp": [9.0]} if theirs else {}))
            for name, kept in (("cupel", ours), ("llama_cpp", theirs)):
                if kept:
                    measured["cases"]["batch 1"]["values"][name]["share_kept"] = summary([kept])
            checks = targets.neighbour_checks(results(neighbour={"smollm2": measured}))
            self.assertEqual([check.verdict for check in checks], expected)

    def test_float_weights_against_transformers_on_the_same(self):
        values = {"cupel_bf16": [10.0], "transformers_bf16": [10.0], "cupel_f32": [9.0], "transformers_f32": [10.0]}
        checks = targets.float_checks(results(float={"smollm2": series("batch 1", values)}))
        self.assertEqual([(check.figure, check.verdict) for check in checks], [("1.00 x", "PASS"), ("0.90 x", "MISS")])
        checks = targets.float_checks(results(float={"smollm2": series("batch 1", {"cupel_f32": [9.0]})}))
        self.assertEqual([check.verdict for check in checks], ["n/a", "n/a"])

    def test_long_prefill(self):
        for long, expected in ((870.0, "PASS"), (860.0, "MISS")):
            measured = series("512 tokens", {"cupel": [1000.0]})
            measured["cases"]["2048 tokens"] = series("x", {"cupel": [long]})["cases"]["x"]
            checks = targets.all_checks(results(prefill={"smollm2": measured}))
            self.assertEqual(self.only(checks, "2048 over 512")["verdict"], expected)

    def test_memory_counts_weights_and_cache(self):
        measured = series("512 + 64 tokens", {"cupel": [1.0]}, positions=544.0)
        measured["contenders"]["cupel"]["peak_bytes"] = 1.2 * (96.44e6 + 23040 * 576)
        checks = targets.all_checks(results(memory={"smollm2": measured}))
        self.assertEqual(checks[0]["verdict"], "PASS")
        self.assertTrue(checks[0]["figure"].startswith("1.20 x"))

    def test_wrong_exit_code_is_a_miss_even_when_busy(self):
        run = results()
        run["startup"] = {"busy_share": 0.9, "cases": {"--help": {"ms": summary([1.0]), "exit_codes": [1],
                                                                  "exit_code_right": False}}}
        self.assertEqual(targets.all_checks(run)[0]["verdict"], "MISS")

    def test_tokens_and_failures(self):
        run = results()
        run["tokens"] = {"smollm2": {"equal": 9, "lines": 10}}
        run["failures"] = [{"what": "gemma3 shared", "why": "RuntimeError: no"}]
        self.assertEqual([check["verdict"] for check in targets.all_checks(run)], ["MISS", "MISS"])


def quantised(error, kl=None, **agreed):
    """The result of one type."""
    found = {"bits_per_weight": 5.0, "relative_error": error, "worst_tensor": "t", "worst_error": error}
    if kl is not None:
        found["fit"] = {"perplexity": 2.0, "source_perplexity": 1.9, "mean_kl": kl, "same_top": 1.0}
        found["llama_cpp"] = {"identical": 3, "prompts": 3, "steps": 96, "error": 0.0002, "rounding": 0.1,
                              "largest_gap": 0.0, "exact_gap": 0.0, "differences": []} | agreed
    return found


class Quantising(unittest.TestCase):
    def verdicts(self, **types):
        run = results()
        run["quant"] = {"trained": {"types": types}}
        return {check["what"]: check["verdict"] for check in targets.all_checks(run)}

    def test_figures_must_fall_between_classes_of_bits(self):
        # Types of one class may stand in any order, those of another must all be below.
        got = self.verdicts(q4_0=quantised(0.08, 0.02), q4_k=quantised(0.09, 0.01), q5_0=quantised(0.04, 0.02))
        self.assertEqual(got["trained: error falls as bits rise"], "PASS")
        self.assertEqual(got["trained: KL divergence falls as bits rise"], "MISS")

    def test_types_that_fell_back_to_others_do_not_count(self):
        wider = quantised(0.01) | {"fell_back": True}  # 384 columns: Q4_K became Q5_0
        got = self.verdicts(q4_0=quantised(0.08), q4_k=wider, q5_0=quantised(0.04))
        self.assertEqual(got["trained: error falls as bits rise"], "PASS")

    def test_one_class_shows_nothing(self):
        self.assertEqual(self.verdicts(q4_0=quantised(0.08))["trained: error falls as bits rise"], "n/a")

    def test_a_gap_is_measured_by_the_rounding(self):
        parted = {"identical": 2, "differences": [{}]}
        for gap, expected in ((0.29, "PASS"), (0.31, "MISS")):
            got = self.verdicts(q4_0=quantised(0.1, 0.01, largest_gap=gap, **parted))
            self.assertEqual(got["trained q4_0: greedy text of llama.cpp"], expected)
            self.assertEqual(got["trained q4_0: greedy text of llama.cpp in f32"], "PASS")

    def test_rounding_does_not_excuse_a_file_that_is_read_wrongly(self):
        got = self.verdicts(q4_0=quantised(0.1, 0.01, identical=0, rounding=9.0, largest_gap=8.0, differences=[{}] * 10))
        self.assertEqual(got["trained q4_0: greedy text of llama.cpp"], "MISS")

    def test_in_f32_nothing_is_excused(self):
        got = self.verdicts(q4_0=quantised(0.1, 0.01, exact_gap=0.002))
        self.assertEqual(got["trained q4_0: greedy text of llama.cpp in f32"], "MISS")
        self.assertEqual(got["trained q4_0: greedy text of llama.cpp"], "PASS")


class Agreement(unittest.TestCase):
    # One path of three steps: the same, a near-tie that rounding turns, and a token that is not shown.
    PATHS = [{"prompt": "p", "ids": [1, 7, 9], "logprobs": [-0.1, -0.5, -3.0]}]
    F32 = [[[[1, -0.11], [2, -2.0]], [[7, -0.5], [2, -0.52]], [[9, -3.0], [4, -3.5]]]]
    FILE = [[[[1, -0.1], [2, -2.29]], [[2, -0.4], [7, -0.7]], [[4, -2.0], [5, -3.2]]]]

    def test_steps_of_a_path(self):
        got = agreement.compare(self.PATHS, self.FILE, self.F32)
        self.assertEqual((got["identical"], got["prompts"], got["steps"], got["exact_gap"]), (0, 1, 3, 0.0))
        self.assertAlmostEqual(got["error"], 0.01)
        # Only the first step counts: 2 stands 1.89 behind 1 in f32, 2.19 with the file.
        self.assertAlmostEqual(got["rounding"], 0.3)
        tie, far = got["differences"]
        self.assertEqual((tie["step"], far["step"]), (1, 2))
        self.assertAlmostEqual(tie["gap"], 0.3)
        self.assertAlmostEqual(tie["f32_gap"], 0.02)
        self.assertAlmostEqual(far["gap"], 1.2)  # at least as far as the last token that is shown
        self.assertAlmostEqual(got["largest_gap"], 1.2)

    def test_the_same_everywhere(self):
        got = agreement.compare(self.PATHS, self.F32, self.F32)
        self.assertEqual((got["identical"], got["largest_gap"], got["rounding"], got["differences"]), (1, 0.0, 0.0, []))

    def test_another_choice_in_f32_is_a_gap_of_its_own(self):
        other = [[self.F32[0][0], [[2, -0.5], [7, -0.53]], self.F32[0][2]]]
        self.assertAlmostEqual(agreement.compare(self.PATHS, other, other)["exact_gap"], 0.03)

    def test_a_file_that_is_read_as_another_one(self):
        with self.assertRaisesRegex(ValueError, "another one"):
            agreement.compare(self.PATHS, [[[[5, -0.1], [6, -1.0]]] * 3], self.F32)


def ranking(busy=0.0, **cases):
    """The result of `rank`: case → seconds of ours, or a pair with the peer's."""
    found = {"rounds": 5, "busy_share": busy, "versions": {"evalica": "0.4.2"}, "cases": {}, "agreement": []}
    for name, sides in cases.items():
        case = rank.CASES[name]
        ours, theirs = sides if isinstance(sides, tuple) else (sides, None)
        values = {"cupel": summary([ours] * 5) | {"turns": [{"seconds": ours, "peak_bytes": 2**29}]}}
        if theirs is not None:
            values[case.peer] = summary([theirs] * 5) | {"turns": [{"seconds": theirs, "peak_bytes": 2**31}]}
        found["cases"][name] = {"what": case.what, "rows": rank.FILES[case.votes].rows, "peer": case.peer,
                                "peer_label": case.peer_label, "values": values}
    return found


class Rankings(unittest.TestCase):
    def verdicts(self, found):
        return [check.verdict for check in targets.rank_checks({"rank": found})]

    def test_ratio_to_the_peer(self):
        for ours, busy, expected in ((0.2, 0.0, "PASS"), (0.3, 0.0, "MISS"), (0.2, 0.5, "BUSY")):
            self.assertEqual(self.verdicts(ranking(busy, leaderboard=(ours, 6.0))), [expected])
        self.assertEqual(self.verdicts(ranking(elo=0.1)), ["n/a"])

    def test_seconds(self):
        self.assertEqual(self.verdicts(ranking(bootstrap=3.0)), ["PASS"])
        self.assertEqual(self.verdicts(ranking(clusters=6.1)), ["MISS"])

    def test_growth_is_per_vote(self):
        # Ten times the votes in 11 times the time is within 1.2 of linear, in 13 times it is not.
        for seconds, expected in ((1.1, "PASS"), (1.3, "MISS")):
            found = ranking(**{"20M fit": seconds, "bradley_terry": (0.1, 10.0)})
            self.assertEqual(self.verdicts(found), ["PASS", expected])

    def test_memory(self):
        found = ranking(**{"20M votes": 1.0})
        self.assertEqual(self.verdicts(found), ["PASS"])
        found["cases"]["20M votes"]["values"]["cupel"]["turns"][0]["peak_bytes"] = 2**30 + 1
        self.assertEqual(self.verdicts(found), ["MISS"])

    def test_agreement(self):
        found = ranking()
        note = {"votes": "food", "what": "elo", "peer": "evalica", "unit": "of the largest", "bound": 1e-6}
        found["agreement"] = [note | {"largest": 1e-7}, note | {"largest": 1e-5}, {"votes": "food", "missing": "not here"}]
        self.assertEqual(self.verdicts(found), ["PASS", "MISS", "n/a"])

    def test_largest_difference(self):
        self.assertAlmostEqual(rank.largest_difference({"a": 1.0, "b": 4.0}, {"b": 5.0, "a": 1.5}), 0.2)
        self.assertAlmostEqual(rank.largest_difference({"a": 1.0, "b": 4.0}, {"b": 5.0, "a": 1.5}, "relative"), 1 / 3)
        self.assertAlmostEqual(rank.largest_difference({"a": 1.0, "b": 4.0}, {"b": 5.0, "a": 1.5}, "points"), 1.0)
        with self.assertRaisesRegex(RuntimeError, "not the same"):
            rank.largest_difference({"a": 1.0}, {"b": 1.0})

    def test_leaderboard_with_and_without_intervals(self):
        text = "item,rating,ci_low,ci_high,rank,votes\n\"a,b\",1010.5,1000.5,1020.5,1,7\nc,989.5,,,2,7\n"
        self.assertEqual(rank.leaderboard(text), {"a,b": {"rating": 1010.5, "half_width": 10.0}, "c": {"rating": 989.5}})
        with self.assertRaisesRegex(RuntimeError, "no rows"):
            rank.leaderboard("item,rating,ci_low,ci_high,rank,votes\n")

    def test_table_names_peer_and_failure(self):
        run = results()
        run["rank"] = ranking(leaderboard=(0.2, 6.0), elo=0.1, bootstrap=1.0)
        run["targets"] = targets.all_checks(run)
        text = table.document(run, {})
        self.assertRegex(text, r"whole process +0.200 .* arena-rank +6.000 .*30.0 x +537 +2147")
        self.assertRegex(text, r"online Elo from memory .* evalica +failed +- +537 +-")


class Tables(unittest.TestCase):
    def test_quantising_has_a_row_for_each_type(self):
        run = results()
        run["quant"] = {"trained": {"types": {"q4_0": quantised(0.08, 0.02, largest_gap=0.01, identical=2), "q8_0": quantised(0.01)}}}
        run["targets"] = targets.all_checks(run)
        text = table.document(run, {}, False)
        self.assertIn("8.000%", text)
        self.assertIn("2/3, gap 0.010, rounding 0.100", text)
        self.assertRegex(text, r"q8_0 .*-  +-  +-  +-  +-  +-")

    def document(self, markdown):
        run = results(decode={"smollm2": series("batch 1", {"cupel": [120.0] * 5, "llama_cpp": [50.0] * 2},
                                                missing={"openvino": "not available: it cannot read | this"})})
        run["targets"] = targets.all_checks(run)
        return table.document(run, {"decode": "decode"}, markdown)

    def test_no_hole_is_silent(self):
        text = self.document(False)
        self.assertIn("not available", text)
        self.assertIn("smollm2, openvino: not available: it cannot read | this", text)
        self.assertIn("50.0 (50.0-50.0) n=2", text)

    def test_markdown_rows_have_equal_cells(self):
        rows = [line for line in self.document(True).splitlines() if line.startswith("|")]
        self.assertEqual(rows[0].count("|"), rows[2].count("|"))
        self.assertEqual(table.render([["a", "b"], ["x|y", "z"]], True), "| a | b |\n|---|---|\n| x\\|y | z |")


    def test_limit_of_every_batch(self):
        run = results(decode={"gemma3": series("batch 4", {"cupel": [100.0]}, positions=0.0, sequences=4)})
        run["bandwidth"] = {"gb_s": summary([24.66]), "source": "cupel bench --membw"}
        self.assertEqual(table.speed_rows(run, "decode", "gemma3")[1][-1], "25%")

    def test_float_ratios_are_within_a_type(self):
        values = {"cupel_bf16": [30.0], "transformers_bf16": [10.0], "cupel_f32": [20.0], "transformers_f32": [10.0]}
        rows = table.speed_rows(results(float={"smollm2": series("batch 1", values)}), "float", "smollm2")
        self.assertEqual([row[-2:] for row in rows], [["bf16: / HF", "f32: / HF"], ["3.00 x", "2.00 x"]])


class Turns(unittest.TestCase):
    """What a turn is told to do, and by which clock it is timed."""

    PROMPT = prompts.Prompt("a b", [1, 2])

    def test_shared_counts_wall_time_from_first_submission_to_last_answer(self):
        # Two answers of 64 tokens; their steps add up to 3 s and 2 s, but 4.5 s went by.
        rows = [{"usage": {"completion_tokens": 64}, "timings": clock} for clock in (
            {"prefill_s": 1.0, "decode_s": 2.0, "submitted_s": 0.5, "answered_s": 4.0},
            {"prefill_s": 1.0, "decode_s": 1.0, "submitted_s": 0.75, "answered_s": 5.0})]
        measured = Cupel.measure({"kind": "shared"}, rows)
        self.assertEqual((measured["seconds"], measured["tokens_per_s"]), (4.5, 128 / 4.5))

    def test_all_decode_the_same_before_one_sequence_is_timed(self):
        made = {"decode": [self.PROMPT] * 4, "warm_up": prompts.Prompt("c", [3])}
        cases = {case["name"]: with_ids(case) for case in workloads.decode_cases(made, (1, 4))}
        self.assertEqual(cases["batch 1"]["warm_up"], [3])
        self.assertNotIn("warm_up", cases["batch 4"])
        self.assertNotIn("warm_up", workloads.memory_cases({"prefill": {512: self.PROMPT}})[0])

    def test_the_faster_form_of_a_peer_is_kept_and_both_are_said(self):
        for unified, kept in ((3.0, 3.0), (1.0, 2.0)):
            found = series("16 streams", {"llama_cpp": [2.0], "llama_cpp_unified": [unified]})
            workloads.keep_better_forms(found)
            case = found["cases"]["16 streams"]
            self.assertEqual(case["values"]["llama_cpp"]["median"], kept)
            self.assertEqual((list(case["values"]), list(found["contenders"])), (["llama_cpp"], ["llama_cpp"]))
            self.assertIn("2.0 with", case["forms"])
            self.assertIn(f"{unified} with", case["forms"])

    def test_a_form_that_fails_leaves_the_other(self):
        found = series("16 streams", {"llama_cpp_unified": [3.0]}, missing={"llama_cpp": "failed: no slots"})
        workloads.keep_better_forms(found)
        self.assertEqual(found["cases"]["16 streams"]["values"]["llama_cpp"]["median"], 3.0)
        self.assertNotIn("missing", found["contenders"]["llama_cpp"])
        self.assertIn("failed: no slots", found["cases"]["16 streams"]["forms"])


class Neighbours(unittest.TestCase):
    def test_share_of_others_leaves_our_own_time_out(self):
        # Two processors for 5 s: 7 s busy, 3 s idle, and 6 of the busy ones were ours.
        self.assertAlmostEqual(processes.share_of_others((100.0, 50.0, 10.0), (107.0, 53.0, 16.0)), 0.1)
        self.assertEqual(processes.share_of_others((0.0, 0.0, 0.0), (1.0, 1.0, 1.01)), 0.0)

    def test_own_children_count_as_ours(self):
        before = processes.processor_seconds()
        processes.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"])
        self.assertGreaterEqual(processes.processor_seconds()[2] - before[2], 0.3)

    def test_neighbour_runs_on_a_core_that_we_may_use(self):
        with processes.busy_neighbour() as neighbour:
            self.assertEqual(os.sched_getaffinity(neighbour.pid), {min(os.sched_getaffinity(0))})
        self.assertIsNotNone(neighbour.returncode)

    def test_a_neighbour_that_dies_is_an_error(self):
        with self.assertRaisesRegex(RuntimeError, "ended early"):
            with processes.busy_neighbour() as neighbour:
                neighbour.kill()
                neighbour.wait()

    def test_a_neighbour_that_cannot_start_is_an_error(self):
        # No machine has a core of that number.
        with self.assertRaisesRegex(RuntimeError, "could not start on core 1023"), open(os.devnull, "w") as quiet:
            saved = os.dup(2)
            os.dup2(quiet.fileno(), 2)
            try:
                with processes.busy_neighbour(1023):
                    self.fail("it started")
            finally:
                os.dup2(saved, 2)
                os.close(saved)


class Prompts(unittest.TestCase):
    def test_fit_is_exact(self):
        # One token per word of at most three letters, two for a longer one: fitting needs fillers.
        encode = lambda text: [part for word in text.split() for part in ([1] if len(word) < 4 else [1, 2])]  # noqa: E731
        for tokens in (1, 2, 7, 64):
            self.assertEqual(len(prompts.fit("longer words than a few", tokens, encode).ids), tokens)

    def test_find_field(self):
        self.assertEqual(product.find_field({"memory": [{"read_gb_s": 33.5}]}, "read_gb_s"), 33.5)
        self.assertIsNone(product.find_field({"read": "33"}, "read_gb_s"))


if __name__ == "__main__":
    unittest.main()
