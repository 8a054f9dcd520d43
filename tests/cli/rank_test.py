#!/usr/bin/env python3
"""Rank and its companions as a newcomer runs them. Published votes are read in place."""
# Proves: system 1
import csv
import gzip
import io
import json
import random

from support import CORRUPT, DATA, MISSING, USAGE, CupelTest, main, needs_data

FOOD = "votes/food.csv"
SIMPLE = "votes/simple.csv"
LLMFAO = "votes/llmfao.csv"

VOTES = """model_a,model_b,winner,language,user
x,y,model_a,en,u1
y,x,model_a,en,u2
x,z,model_a,de,u1
z,x,model_a,de,u3
y,z,tie,en,u2
y,z,model_a,de,u3
z,y,model_a,en,u1
"""


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def ratings(text):
    return {row["item"]: float(row["rating"]) for row in rows(text)}


class RankTest(CupelTest):
    def test_first_table(self):
        self.file("votes.csv", VOTES)
        done = self.ok("rank", "votes.csv")
        self.assertRegex(done.out, r"^rank +model +rating +95% interval +votes +won\n")
        self.assertEqual(done.err, "")
        self.assertIn("of all pairs are told apart", done.out)

    def test_csv_columns(self):
        self.file("votes.csv", VOTES)
        found = rows(self.ok("rank", "votes.csv", "--format", "csv").out)
        self.assertEqual(list(found[0]), ["item", "rating", "ci_low", "ci_high", "rank", "votes"])
        self.assertEqual(sum(int(row["votes"]) for row in found), 14)
        for row in found:
            self.assertLess(float(row["ci_low"]), float(row["rating"]))
        bare = rows(self.ok("rank", "votes.csv", "--format", "csv", "--ci", "none").out)
        self.assertEqual(bare[0]["ci_low"], "")

    def test_standard_input_and_gzip_read_alike(self):
        plain = self.file("votes.csv", VOTES)
        (self.folder / "votes.csv.gz").write_bytes(gzip.compress(VOTES.encode()))
        expected = self.ok("rank", plain, "--format", "csv").out
        self.assertEqual(self.ok("rank", "votes.csv.gz", "--format", "csv").out, expected)
        self.assertEqual(self.ok("rank", "-", "--format", "csv", stdin=VOTES).out, expected)

    def test_jsonl_reads_as_csv(self):
        self.file("votes.csv", VOTES)
        lines = [json.dumps(row) for row in rows(VOTES)]
        self.file("votes.jsonl", "\n".join(lines) + "\n")
        self.assertEqual(self.ok("rank", "votes.jsonl", "--format", "csv").out,
                         self.ok("rank", "votes.csv", "--format", "csv").out)

    def test_anchor_moves_all_alike(self):
        self.file("votes.csv", VOTES)
        plain = ratings(self.ok("rank", "votes.csv", "--format", "csv").out)
        moved = ratings(self.ok("rank", "votes.csv", "--format", "csv", "--anchor", "y=1114").out)
        self.assertAlmostEqual(moved["y"], 1114, places=6)
        self.assertAlmostEqual(moved["x"] - moved["z"], plain["x"] - plain["z"], places=6)

    def test_by_language_names_what_cannot_be_rated(self):
        self.file("votes.csv", VOTES)
        report = self.ok("rank", "votes.csv", "--by", "language", "--format", "json").json()
        names = [group["group"] for group in report["groups"]]
        self.assertEqual(names, [None, "en", "de"])
        self.assertIn("leaderboard", report["groups"][0])
        self.assertIn("failure", report["groups"][2])
        self.assertIn("ratings would be infinite", report["groups"][2]["failure"])

    def test_same_seed_same_bytes(self):
        self.file("votes.csv", VOTES)
        flags = ("rank", "votes.csv", "--ci", "bootstrap:50", "--pseudo-ties", "0.5", "--format", "csv")
        first = self.ok(*flags, "--seed", 7).out
        self.assertEqual(self.ok(*flags, "--seed", 7, "--threads", 1).out, first)
        self.assertNotEqual(self.ok(*flags, "--seed", 8).out, first)

    def test_pseudo_ties_are_in_every_bootstrap_round(self):
        self.file("one.csv", "left,right,winner\na,b,left\n")
        found = rows(self.ok("rank", "one.csv", "--pseudo-ties", 0.5, "--ci", "bootstrap:100", "--format", "csv").out)
        self.assertEqual([row["votes"] for row in found], ["1", "1"])
        self.fails(USAGE, "rank", "one.csv", "--pseudo-ties", 0.5, "--method", "elo", says="cannot use pseudo-ties")

    def test_a_prior_is_named_with_the_models_that_rest_on_it(self):
        self.file("top.csv", VOTES + "top,x,model_a,en,u1\n")
        self.fails(USAGE, "rank", "top.csv", says='"top" was never beaten')
        for flags in (("--ridge", 0.1), ("--pseudo-ties", 0.5), ("--method", "davidson", "--ridge", 0.1)):
            done = self.ok("rank", "top.csv", *flags)
            self.assertIn('ratings, intervals and ranks of "top" rest on the prior', done.err)
            self.assertIn(f"Rated with {flags[-2]} {flags[-1]}.", done.out)
            report = self.ok("rank", "top.csv", *flags, "--format", "json").json()
            self.assertIn('"top"', report["warnings"][0])
            self.assertEqual(report["choices"], [f"{flags[-2]} {flags[-1]}"])
        self.assertIn('"top"', self.ok("rank", "next-pairs", "top.csv", "--ridge", 0.1).err)

    def test_numbers_beyond_sense_are_refused(self):
        self.file("votes.csv", VOTES)
        self.fails(USAGE, "rank", "votes.csv", "--ridge", "1e9", says="ridge is 1e+09; it must lie in [0, 1e+06]")
        self.fails(USAGE, "rank", "votes.csv", "--anchor", "x=1e308", says="expected -1,000,000 to 1,000,000")
        self.fails(USAGE, "rank", "votes.csv", "--method", "composite", "--component", "language",
                   "--component-weight", "en=1e300", says="expected a weight from 1e-06 to 1,000,000")

    def test_many_groups_do_not_flood_the_terminal(self):
        lines = [f"a,b,model_a,g{i},u" for i in range(9)]
        self.file("groups.csv", VOTES.split("\n")[0] + "\nb,a,model_a,g0,u\n" + "\n".join(lines) + "\n")
        done = self.ok("rank", "groups.csv", "--by", "language")
        self.assertEqual(done.err.count("was not rated"), 5)
        self.assertIn("3 more warnings of groups are not listed here", done.err)
        self.assertEqual(done.out.count("not rated"), 8)

    def test_groups_without_a_value_have_a_name_of_their_own(self):
        self.file("votes.csv", VOTES + VOTES.split("\n", 1)[1].replace(",en,", ",,").replace(",de,", ",(empty),"))
        report = self.ok("rank", "votes.csv", "--by", "language", "--ci", "none", "--format", "json").json()
        votes = {group["group"]: group["votes"] for group in report["groups"]}
        self.assertEqual(votes, {None: 14, "en": 4, "((empty))": 4, "de": 3, "(empty)": 3})

    def test_every_method_rates_the_same_votes(self):
        random.seed(5)
        lines = ["left,right,winner"]
        for _ in range(300):
            a, b = random.sample(range(4), 2)
            lines.append(f"m{a},m{b}," + random.choices(["left", "right", "tie"], [4 + b, 4 + a, 2])[0])
        self.file("votes.csv", "\n".join(lines) + "\n")
        for method in ("elo", "bradley-terry", "davidson", "rao-kupper", "newman", "pagerank", "eigen",
                       "average-win-rate", "counting", "style", "composite", "gpm"):
            found = ratings(self.ok("rank", "votes.csv", "--method", method, "--ci", "none", "--format", "csv").out)
            self.assertEqual(set(found), {"m0", "m1", "m2", "m3"}, method)

    def test_page_is_whole(self):
        self.file("votes.csv", VOTES)
        done = self.ok("rank", "votes.csv", "--format", "html", "--by", "language", "--out", "page.html")
        self.assertEqual(done.out, "")
        page = (self.folder / "page.html").read_text()
        self.assertTrue(page.startswith("<!DOCTYPE html>") or page.startswith("<!doctype html>"))
        self.assertTrue(page.rstrip().endswith("</html>"))
        self.assertNotIn("http://", page.replace("http://www.w3.org", ""))

    def test_mistakes_are_one_line(self):
        self.file("votes.csv", VOTES)
        self.fails(USAGE, "rank", says="no votes given")
        self.fails(MISSING, "rank", "vots.csv", says="votes.csv")
        self.fails(USAGE, "rank", "votes.csv", "--method", "elos", says="elo")
        self.fails(USAGE, "rank", "votes.csv", "--ci", "bootstrap:x", says="bootstrap:ROUNDS")
        self.fails(USAGE, "rank", "votes.csv", "--ci", "sandwitch", says="sandwich")
        self.fails(USAGE, "rank", "votes.csv", "--alpha", 2, says="--alpha is 2")
        self.fails(USAGE, "rank", "votes.csv", "--anchor", "y", says="NAME=NUMBER")
        self.fails(MISSING, "rank", "votes.csv", "--anchor", "why=1000", says="why")
        self.fails(USAGE, "rank", "votes.csv", "--cluster", "usr", says="user")
        self.fails(USAGE, "rank", "votes.csv", "--by", "langage", says="language")
        self.fails(USAGE, "rank", "votes.csv", "--style", "length", says="--method style")
        self.fails(USAGE, "rank", "votes.csv", "--k-factor", 4, says="k_factor")
        self.fails(USAGE, "rank", "votes.csv", "--method", "elo", "--ci", "sandwich", says="bootstrap")
        self.file("words.csv", VOTES.replace("tie", "draw"))
        self.fails(CORRUPT, "rank", "words.csv", says=["words.csv:6", "draw", "tie"])
        self.file("apart.csv", "left,right,winner\na,b,tie\nc,d,tie\n")
        self.fails(USAGE, "rank", "apart.csv", says=["apart.csv", "no battle links"])
        self.file("empty.csv")
        self.fails(USAGE, "rank", "empty.csv", says="empty.csv")
        self.file("one.csv", "left,right,winner\na,b,left\n")
        self.fails(USAGE, "rank", "one.csv", says="ratings would be infinite")

    def test_what_would_mislead_is_refused(self):
        self.file("votes.csv", VOTES)
        self.fails(USAGE, "rank", "votes.csv", "--cluster", "user", says="3 clusters; intervals by cluster need at least 6")
        self.ok("rank", "votes.csv", "--cluster", "user", "--ci", "none")
        self.fails(USAGE, "rank", "votes.csv", "--out", "votes.csv", says="is one of the vote files")
        self.assertEqual((self.folder / "votes.csv").read_text(), VOTES)
        self.fails(MISSING, "rank", "votes.csv", "--out", "absent/board.csv", says="there is no folder absent")
        self.fails(USAGE, "rank", "next-pairs", "votes.csv", "--method", "elo", says="take --method bradley-terry")
        self.fails(USAGE, "rank", "next-pairs", "votes.csv", "--ci", "none", says="--ci")
        self.fails(USAGE, "rank", "voters", "votes.csv", "--cluster", "user", "--daily-cap", 3, says="need each other")
        self.fails(USAGE, "rank", "votes.csv", "--method", "style", "--style", "length,length", says="twice")
        done = self.ok("rank", "votes.csv", "--method", "style", "--ci", "none")
        self.assertIn("no features were named", done.err)

    def test_bad_rows_are_counted_and_listed(self):
        self.file("votes.csv", VOTES + "x,x,tie,en,u1\nx,y,wins,en,u1\n")
        self.fails(CORRUPT, "rank", "votes.csv", says="votes.csv:9")
        done = self.ok("rank", "votes.csv", "--skip-bad")
        self.assertIn("2 bad rows were left out", done.err)
        self.file("one.csv", VOTES + "x,x,tie,en,u1\n")
        for command in (("rank",), ("rank", "next-pairs"), ("rank", "voters", "--cluster", "user")):
            self.assertIn("1 bad row was left out", self.ok(*command, "one.csv", "--skip-bad").err)
        self.assertIn("votes.csv:9", done.err)
        self.assertIn("votes.csv:10", done.err)

    @needs_data(FOOD)
    def test_food(self):
        path = DATA / FOOD
        # rank-statistics sheet, table F.
        found = rows(self.ok("rank", path, "--format", "csv").out)
        self.assertEqual([row["item"] for row in found], ["Tacos", "Sushi", "Burger", "Pasta", "Pizza"])
        for row, rating, error in zip(found, (1159.8020, 1016.7396, 972.7674, 947.7822, 902.9088),
                                      (91.432, 90.549, 84.368, 81.152, 83.482)):
            self.assertAlmostEqual(float(row["rating"]), rating, places=4)
            width = float(row["ci_high"]) - float(row["ci_low"])
            self.assertAlmostEqual(width / (2 * 1.959964), error, places=2)

    @needs_data(LLMFAO)
    def test_companions(self):
        path = DATA / LLMFAO
        voters = self.ok("rank", "voters", path, "--cluster", "worker").out
        self.assertIn("of 124 voters are flagged", voters)
        pairs = self.ok("rank", "next-pairs", path, "--most", 3, "--format", "json").json()
        self.assertEqual(len(pairs["pairs"]), 3)
        self.assertEqual(pairs["pair_count"], 59 * 58 // 2)
        self.ok("rank", path, "--format", "csv", "--out", "a.csv")
        self.ok("rank", path, "--format", "csv", "--method", "elo", "--out", "b.csv")
        same = self.ok("rank", "compare", "a.csv", "a.csv", "--format", "json").json()
        self.assertEqual((same["kendall"], same["spearman"]), (1, 1))
        (self.folder / "a.csv.gz").write_bytes(gzip.compress((self.folder / "a.csv").read_bytes()))
        self.assertEqual(self.ok("rank", "compare", "a.csv.gz", "a.csv", "--format", "json").json(), same)
        other = self.ok("rank", "compare", "a.csv", "b.csv").out
        self.assertIn("59 models in both", other)


if __name__ == "__main__":
    main()
