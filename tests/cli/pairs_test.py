#!/usr/bin/env python3
"""`cupel pairs`: answers, pairs and held-out prompts; what they are good for in eval, tune's checks and perplexity."""
import json
import signal
import time

from support import (CORRUPT, INTERRUPTED, MISSING, SMOLLM2, USAGE, CupelTest, main, needs_model, read_json_lines,
                     write_json_lines)

RULE = '{"kind": "words", "max": 25}'


def prompts(count):
    subjects = ["rain", "bread", "trains", "music", "horses", "maps", "snow", "gardens", "clocks", "lakes"]
    return [{"id": f"p{i}", "group": subjects[i % 10],
             "prompt": f"Say something about {subjects[i % 10]}, number {i}."} for i in range(count)]


class PairsCase(CupelTest):
    def prompt_file(self, rows):
        return self.file("prompts.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


class MistakesTest(PairsCase):
    def error(self, code, *args):
        done = self.run_cupel("pairs", "--out", "out", *args)
        self.assertEqual(done.code, code, done)
        self.assertEqual(len(done.err.splitlines()), 1, done)
        self.assertFalse((self.folder / "out").exists())
        return done.err

    def test_one_line_each_and_nothing_left_behind(self):
        model = self.tiny_model()
        file = self.prompt_file(prompts(4))
        self.assertIn("needs --prompts or --bench", self.error(USAGE, "--model", model))
        self.assertIn("no \"rule\"", self.error(CORRUPT, "--model", model, "--prompts", file))
        self.assertIn("--rule: item 1 of the rule", self.error(
            USAGE, "--model", model, "--prompts", file, "--rule", '{"kind": "sentence"}'))
        self.assertIn("did you mean", self.error(
            USAGE, "--model", model, "--prompts", file, "--rule", '{"kind": "sentence"}'))
        self.assertIn("--rule: ", self.error(USAGE, "--model", model, "--prompts", file, "--rule", '{"kind"'))
        self.assertIn("rule.json: item 1", self.error(
            CORRUPT, "--model", model, "--prompts", file, "--rule", self.file("rule.json", '{"kind": "sentence"}')))
        self.assertIn("same answer 8 times", self.error(
            USAGE, "--model", model, "--prompts", file, "--rule", RULE, "--temperature", 0))
        self.assertIn("length-ratio", self.error(
            USAGE, "--model", model, "--prompts", file, "--rule", RULE, "--length-ratio", 0.5))
        self.assertIn("none would be left", self.error(
            USAGE, "--model", model, "--prompts", file, "--rule", RULE, "--held-out", 4))
        self.error(MISSING, "--model", model, "--prompts", "absent.jsonl", "--rule", RULE)
        self.assertIn("belongs to --prompts", self.error(
            USAGE, "--model", model, "--bench", "touchstone", "--rule", RULE))

    def test_what_cannot_be_is_said_before_the_model_is_opened(self):
        file = self.prompt_file(prompts(4))
        self.file("taken", "x")
        self.fails(USAGE, "pairs", "--out", "taken", "--model", "absent.gguf", "--prompts", file, "--rule", RULE,
                   says="taken: exists and is no folder")
        rows = [{"group": "g", "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": f"u{i}"}]}
                for i in range(2)] + prompts(1)
        self.prompt_file(rows)
        done = next(done for seed in range(20) if "messages" in (done := self.run_cupel(
            "pairs", "--out", "out", "--model", "absent.gguf", "--prompts", file, "--rule", RULE, "--held-out", 1,
            "--seed", seed)).err)
        self.assertEqual(done.code, CORRUPT, done)
        self.assertIn("has 2 messages", done.err)


class AgainTest(PairsCase):
    """The same folder again, of a model that always says the same."""
    MADE = ("held_out", "held_out.jsonl", "pairs.jsonl", "answers.jsonl", "summary.json")

    def there(self):
        return [name for name in self.MADE if (self.folder / "out" / name).exists()]

    def test_nothing_of_an_earlier_run_stays(self):
        args = ["--model", "null:One sentence.", "--rule", RULE, "--samples", 1, "--quiet", "--out", "out",
                "--prompts", self.prompt_file(prompts(20))]
        self.ok("pairs", *args, "--held-out", 5)
        self.assertEqual(self.there(), list(self.MADE))
        journal = self.folder / "out" / "answers.journal.jsonl"
        whole = journal.read_text()
        write_json_lines(journal, [{**row, "row": {}} for row in read_json_lines(journal)])
        self.fails(CORRUPT, "pairs", *args, says="text")  # it ends after it began
        self.assertEqual(self.there(), [])
        journal.write_text(whole)
        self.assertIn("to 20 prompts", self.ok("pairs", *args).out)
        self.assertEqual(self.there(), ["pairs.jsonl", "answers.jsonl", "summary.json"])

    def test_no_pair_at_all_says_what_to_change(self):
        done = self.ok("pairs", "--model", "null:One sentence.", "--rule", RULE, "--samples", 2, "--quiet",
                       "--prompts", self.prompt_file(prompts(2)), "--out", "out")
        self.assertIn("no pair  2 where all pass", done.out)
        self.assertEqual(done.err, "there is no pair to train on; sample more (--samples) or change the rule\n")
        self.assertEqual((self.folder / "out" / "pairs.jsonl").read_text(), "")


@needs_model(SMOLLM2)
class PairsTest(PairsCase):
    ARGS = ["--model", SMOLLM2, "--rule", RULE, "--samples", 4, "--max-tokens", 56, "--quiet", "--length-ratio", 3]

    def test_from_prompts_to_a_leaderboard(self):
        file = self.prompt_file(prompts(20))
        done = self.ok("pairs", *self.ARGS, "--prompts", file, "--held-out", 5, "--out", "out", "--format", "json")
        summary = done.json()
        out = self.folder / "out"
        self.assertEqual(summary, json.loads((out / "summary.json").read_text()))
        held = read_json_lines(out / "held_out.jsonl")
        answers = read_json_lines(out / "answers.jsonl")
        pairs = read_json_lines(out / "pairs.jsonl")
        self.assertEqual((summary["prompts"], summary["answers"]), (20 - len(held), 4 * (20 - len(held))))
        self.assertGreaterEqual(len(held), 5)
        groups = {row["group"] for row in held}
        self.assertTrue(groups.isdisjoint(row["group"] for row in prompts(20)
                                          if row["id"] in {answer["id"] for answer in answers}))
        self.assertEqual(summary["pairs"], len(pairs))
        self.check_pairs(answers, pairs)
        self.check_eval(len(held))
        self.check_perplexity(answers)
        again = self.ok("pairs", *self.ARGS, "--prompts", file, "--held-out", 5, "--out", "out", "--format", "json")
        self.assertEqual(again.out, done.out)
        looser = self.ok("pairs", *self.ARGS, "--prompts", file, "--held-out", 5, "--out", "out", "--pairs", 2,
                         "--format", "json").json()
        self.assertGreaterEqual(looser["pairs"], summary["pairs"])
        self.assertEqual(looser["passed"], summary["passed"])
        other = self.run_cupel("pairs", *self.ARGS, "--prompts", file, "--out", "out", "--seed", 1)
        self.assertEqual(other.code, USAGE, other)
        self.assertIn("sampled with seed 0, not 1; use", other.err)

    def check_pairs(self, answers, pairs):
        self.assertGreater(len(pairs), 0)
        by_id = {row["id"]: {a["content"]: a for a in row["responses"]} for row in answers}
        for pair in pairs:
            sampled = by_id[pair["id"].split("#")[0]]
            chosen = sampled[pair["chosen"][0]["content"]]
            rejected = sampled[pair["rejected"][0]["content"]]
            self.assertTrue(chosen["passed"] and chosen["whole"] and rejected["whole"])
            self.assertFalse(rejected["passed"])
            short, long = sorted([chosen["tokens"], rejected["tokens"]])
            self.assertLessEqual(long, 3 * short)

    def check_eval(self, held):
        report = self.ok("eval", "--bench", "out/held_out", "--model", f"smol={SMOLLM2}",
                         "--model", "null=null:One sentence.", "--out", "run", "--format", "json").json()
        null = next(row for row in report["leaderboard"] if row["model"] == "null")
        self.assertEqual((null["score"], null["answers"]), (10.0, held))

    def check_perplexity(self, answers):
        fit = self.ok("perplexity", "--model", SMOLLM2, "--against", SMOLLM2, "--rows", "out/answers.jsonl",
                      "--format", "json", timeout=300).json()
        self.assertEqual(fit["sequences"], sum(len(row["responses"]) for row in answers))
        self.assertAlmostEqual(fit["against"]["sequence_kl"], 0, places=9)
        self.assertGreater(fit["perplexity"], 1)

    def test_a_killed_run_goes_on_and_ends_the_same(self):
        file = self.prompt_file(prompts(20))
        whole = self.ok("pairs", *self.ARGS, "--prompts", file, "--out", "whole", "--format", "json")
        journal = self.folder / "cut" / "answers.journal.jsonl"
        for stop in (signal.SIGKILL, signal.SIGINT):
            process = self.start("pairs", *self.ARGS, "--prompts", file, "--out", "cut")
            had = len(journal.read_text().splitlines()) if journal.exists() else 0
            for _ in range(600):
                if journal.exists() and len(journal.read_text().splitlines()) > had + 4:
                    break
                time.sleep(0.05)
            process.send_signal(stop)
            done = self.finish(process)
            self.assertEqual(done.code, INTERRUPTED if stop == signal.SIGINT else -signal.SIGKILL, done)
            self.assertFalse((self.folder / "cut" / "pairs.jsonl").exists())
        done = self.ok("pairs", *self.ARGS, "--prompts", file, "--out", "cut", "--format", "json")
        self.assertEqual(done.out, whole.out)
        for name in ("pairs.jsonl", "answers.jsonl", "summary.json"):
            self.assertEqual((self.folder / "cut" / name).read_bytes(), (self.folder / "whole" / name).read_bytes())

    def test_a_benchmark_is_a_set_of_prompts_too(self):
        done = self.ok("pairs", "--model", SMOLLM2, "--bench", "touchstone", "--limit", 2, "--samples", 2,
                       "--max-tokens", 16, "--out", "out")
        self.assertIn("answers  4 to 2 prompts", done.out)
        self.assertIn("left out", done.err)


if __name__ == "__main__":
    main()
