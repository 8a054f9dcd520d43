#!/usr/bin/env python3
"""Prices and budgets: what a run costs, where a budget stops it, and how it goes on from there."""
import json

from endpoint import Endpoint, chat_reply
from support import EXHAUSTED, TOUCHSTONE, USAGE, CupelTest, main, read_json_lines

# The scripted endpoint reports 7 prompt tokens and 3 completion tokens a call, so at a million a million tokens a call
# costs ten.
PRICE = "judge=1000000/1000000"
CALL_COST = 10


class CostTest(CupelTest):
    def arguments(self, endpoint, *more, model="a=null:zebra"):
        """Two questions of two turns by one model: four verdicts, asked for one after the other."""
        return ["eval", "--bench", TOUCHSTONE, "--limit", 2, "--protocol", "single", "--model", model,
                "--judge", endpoint.spec("judge", ",concurrency=1"), "--out", "run", "--format", "json", *more]

    def judge(self, request, index):
        return chat_reply(request, "Rating: [[7]]")

    def verdicts(self):
        rows = read_json_lines(self.folder / "run/results.jsonl")
        return {row["key"]: row["row"] for row in rows if row["key"].startswith("verdict/")}

    def test_a_spent_budget_keeps_the_rows_and_a_larger_one_goes_on(self):
        with Endpoint(self.judge) as endpoint:
            stopped = self.run_cupel(*self.arguments(endpoint, "--price", PRICE, "--max-cost", CALL_COST + 5))
            self.assertEqual(stopped.code, EXHAUSTED, stopped)
            last = stopped.err.splitlines()[-1]
            self.assertRegex(last, r"\Acupel: the budget is spent: 20(\.0+)? of --max-cost 15 \(judge 20(\.0+)?\); "
                                   r"4 of 4 answers and 2 of 4 verdicts are there; ")
            self.assertIn("larger --max-cost goes on", last)
            self.assertEqual(stopped.err.count("cupel: "), 1, stopped)
            self.assertEqual(len(endpoint.requests), 2)
            paid = self.verdicts()
            self.assertEqual(len(paid), 2)
            again = self.run_cupel(*self.arguments(endpoint, "--price", PRICE, "--max-cost", CALL_COST + 5))
            self.assertEqual((again.code, len(endpoint.requests)), (EXHAUSTED, 2), again)

            report = self.ok(*self.arguments(endpoint, "--price", PRICE, "--max-cost", 100)).json()
            self.assertEqual(len(endpoint.requests), 4)
            self.assertEqual({key: row for key, row in self.verdicts().items() if key in paid}, paid)
        self.assertEqual((report["total_cost"], report["judge_usage"]["cost"], report["judge_usage"]["calls"]), (40, 40, 4))
        self.assertEqual(report["prices"], {"judge": {"prompt": 1000000, "completion": 1000000}})

    def test_the_report_of_a_run_shows_what_it_cost(self):
        with Endpoint(self.judge) as endpoint:
            endpoint_model = f"b=openai:scripted@{endpoint.url()},concurrency=1"
            report = self.ok(*self.arguments(endpoint, "--price", PRICE, "--price", "b=0/500000",
                                             model=endpoint_model)).json()
        row, = report["leaderboard"]
        self.assertEqual((row["cost"], report["judge_usage"]["cost"]), (4 * 3 * 0.5, 40))
        self.assertEqual(report["total_cost"], 46)
        self.assertEqual(self.ok("report", "run", "--format", "json").json()["total_cost"], 46)
        self.assertIn("whole run: cost 46", self.ok("report", "run").out)
        page = (self.folder / "run/report.html").read_text(encoding="utf-8")
        self.assertIn("The whole run has cost 46", page)

    def test_a_price_holds_for_rows_that_are_there(self):
        with Endpoint(self.judge) as endpoint:
            self.assertIsNone(self.ok(*self.arguments(endpoint)).json()["total_cost"])
            priced = self.ok(*self.arguments(endpoint, "--price", PRICE)).json()
            self.assertEqual((priced["total_cost"], len(endpoint.requests)), (40, 4))
            kept = self.ok(*self.arguments(endpoint)).json()  # from the manifest
            self.assertEqual((kept["total_cost"], len(endpoint.requests)), (40, 4))
        manifest = json.loads((self.folder / "run/manifest.json").read_text(encoding="utf-8"))
        self.assertEqual(list(manifest["prices"]), ["judge"])

    def test_a_run_without_priced_calls_needs_no_budget(self):
        done = self.ok("eval", "--bench", TOUCHSTONE, "--limit", 1, "--protocol", "single", "--model", "a=null:zebra",
                       "--judge", "judge=null:[[7]]", "--out", "run", "--quiet", "--price", "judge=0/0",
                       "--max-cost", 0)
        self.assertIn("7.00", done.out)

    def test_prices_and_budgets_that_make_no_sense(self):
        base = ["eval", "--bench", TOUCHSTONE, "--protocol", "single", "--model", "alpha=null:a", "--judge",
                "judge=null:[[7]]", "--out", "run"]
        for args, says in (
                (["--price", "jugde=1/2"], ['"jugde"', 'did you mean "judge"?', "alpha, judge"]),
                (["--price", "judge=1"], ["judge=1"]),
                (["--price", "judge=1/-2"], ["judge=1/-2"]),
                (["--price", "judge=nan/2"], ["judge=nan/2"]),
                (["--price", "judge=1/2", "--price", "judge=3/4"], ["judge has two prices"]),
                (["--price", "judge=1/2", "--max-cost", "much"], ["much"]),
                (["--price", "judge=1/2", "--max-cost", "-1"], ["-1"]),
                (["--max-cost", "5"], ["--max-cost needs the price", "--price MODEL=IN/OUT"])):
            with self.subTest(" ".join(args)):
                self.fails(USAGE, *base, *args, says=says)
                self.assertFalse((self.folder / "run").exists())


if __name__ == "__main__":
    main()
