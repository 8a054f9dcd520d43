#!/usr/bin/env python3
"""Checks the pure parts of bench/harness: statistics, limits, targets and tables. Needs no package, model or binary."""
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from harness import product, prompts, quant, table, targets  # noqa: E402
from harness.config import MODELS  # noqa: E402
from harness.statistics import paired_ratio, summary  # noqa: E402


def series(case, values, busy=0.0, missing=None, positions=50.0):
    """The result of one workload on one model with the given contender → list of values."""
    about = {name: {"label": name, "settings": "as they come"} for name in values}
    for name, reason in (missing or {}).items():
        about[name] = {"label": name, "settings": "not run", "missing": reason}
    found = {"mean_positions": positions, "values": {name: summary(list(each)) for name, each in values.items()}}
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


def quantised(error, kl=None, gap=0.0, identical=3):
    """The result of one type."""
    found = {"bits_per_weight": 5.0, "relative_error": error, "worst_tensor": "t", "worst_error": error}
    if kl is not None:
        found["fit"] = {"perplexity": 2.0, "source_perplexity": 1.9, "mean_kl": kl, "same_top": 1.0}
        found["llama_cpp"] = {"identical": identical, "prompts": 3, "largest_gap": gap}
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

    def test_one_class_shows_nothing(self):
        self.assertEqual(self.verdicts(q4_0=quantised(0.08))["trained: error falls as bits rise"], "n/a")

    def test_bounds_of_divergence(self):
        got = self.verdicts(q8_0=quantised(0.01, targets.MOST_KL["q8_0"] * 1.01))
        self.assertEqual(got["trained q8_0: mean KL divergence"], "MISS")

    def test_first_difference(self):
        theirs = {"ids": [1, 2, 3], "top": [[[1, -0.1]], [[2, -0.5], [7, -0.53]], [[3, -0.2], [4, -2.0]]]}
        self.assertIsNone(quant.first_difference([1, 2, 3], theirs)["step"])
        tie = quant.first_difference([1, 7, 9], theirs)
        self.assertEqual(tie["step"], 1)
        self.assertAlmostEqual(tie["gap"], 0.03)
        # A token that llama.cpp does not show is at least as far as the last one shown.
        far = quant.first_difference([1, 2, 9], theirs)
        self.assertEqual((far["step"], far["among_shown"]), (2, False))
        self.assertAlmostEqual(far["gap"], 1.8)

    def test_a_wide_gap_is_a_miss(self):
        for gap, expected in ((targets.NEAR_TIE / 2, "PASS"), (targets.NEAR_TIE * 2, "MISS")):
            got = self.verdicts(q4_0=quantised(0.1, 0.01, gap, identical=2))
            self.assertEqual(got["trained q4_0: greedy text of llama.cpp"], expected)


class Tables(unittest.TestCase):
    def test_quantising_has_a_row_for_each_type(self):
        run = results()
        run["quant"] = {"trained": {"types": {"q4_0": quantised(0.08, 0.02, 0.01, identical=2), "q8_0": quantised(0.01)}}}
        run["targets"] = targets.all_checks(run)
        text = table.document(run, {}, False)
        self.assertIn("8.000%", text)
        self.assertIn("2/3, gap 0.010", text)
        self.assertRegex(text, r"q8_0 .*-  +-  +-  +-  +-")

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
