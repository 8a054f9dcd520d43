#!/usr/bin/env python3
"""A win rate that was published with ORPO, of the verdicts that it was computed from (read in place)."""
# Proves: system 94
import csv
import io
import json

from support import DATA, CupelTest, main, needs_data

ROWS = "../specs/align/published-alpaca-rows.json"
MODEL, BASE = "mistral-orpo-beta", "text-davinci-003"
WINNERS = {2: "model_a", 1.5: "tie", 1: "model_b"}  # of a verdict as AlpacaEval writes it


class AlpacaEvalTest(CupelTest):
    @needs_data(ROWS)
    def test_win_rate_of_published_verdicts(self):
        verdicts = json.loads((DATA / ROWS).read_text())["alpaca_eval_1_preferences"][MODEL]
        valid = [WINNERS[verdict] for verdict in verdicts if verdict is not None]
        self.assertEqual([valid.count(winner) for winner in WINNERS.values()], [731, 2, 70])
        lines = [f"{MODEL},{BASE},{winner}" for winner in valid]
        votes = self.file("votes.csv", "\n".join(["model_a,model_b,winner", *lines]) + "\n")
        table = self.ok("rank", votes, "--method", "average-win-rate", "--format", "csv").out
        found = {row["item"]: float(row["rating"]) for row in csv.DictReader(io.StringIO(table))}
        self.assertAlmostEqual(100 * found[MODEL], 91.15815691, places=8)


if __name__ == "__main__":
    main()
