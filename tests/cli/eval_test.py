#!/usr/bin/env python3
"""What an evaluation computes and writes: leaderboard, FastChat's files, reports, comparisons."""
# Proves: system 1
# Proves: system 4
# Proves: system 11
import json
import statistics

from endpoint import Endpoint, Reply, chat_reply, completion, label_reply
from support import (DATA, MISSING, SMOLLM2, TOUCHSTONE, USAGE, CupelTest, main, needs_data, needs_model,
                     read_json_lines)

# The members that every reader of the JSON may count on (docs/eval-json.md).
ROW = ["model", "rating", "ci_low", "ci_high", "score", "categories", "tokens", "seconds", "invalid"]


class EvalTest(CupelTest):
    def evaluate(self, out, *args, bench=TOUCHSTONE):
        """Runs `cupel eval --format json` and returns what it printed, which report.json must hold too."""
        done = self.ok("eval", "--bench", bench, "--out", out, "--format", "json", *args)
        self.assertEqual(done.out, (self.folder / out / "report.json").read_text(encoding="utf-8"))
        return done.json()

    def row(self, report, model):
        return next(row for row in report["leaderboard"] if row["model"] == model)

    def rows(self, out):
        return {row["key"]: row["row"] for row in read_json_lines(self.folder / out / "results.jsonl")}


@needs_model(SMOLLM2)
class LocalModelTest(EvalTest):
    ARGS = ["--limit", 6, "--model", f"smol={SMOLLM2}", "--model", "null=null:I am happy to help.",
            "--judge", f"judge={SMOLLM2}"]

    def test_the_run_its_files_and_what_is_made_of_them(self):
        report = self.evaluate("run", *self.ARGS)
        self.check_shape(report)
        self.check_checklist_scores(report)
        self.check_fastchat_answers()
        self.check_report_and_compare(report)
        self.check_recorded_answers(report)

    def check_shape(self, report):
        self.assertEqual(list(report)[0], "leaderboard")
        scores = [row["score"] for row in report["leaderboard"]]
        self.assertEqual(scores, sorted(scores, reverse=True))
        for row in report["leaderboard"]:
            self.assertLessEqual(set(ROW), set(row))
            self.assertLessEqual(row["ci_low"], row["rating"])
            self.assertLessEqual(row["rating"], row["ci_high"])
            self.assertLessEqual(row["score_ci_low"], row["score"])
            self.assertEqual(list(row["categories"]), ["roleplay", "writing"])
            self.assertEqual((row["invalid"], row["answers"]), (0, 12))
        self.assertEqual([row["model"] for row in report["leaderboard"]], ["smol", "null"])
        self.assertGreater(self.row(report, "smol")["tokens"], 50)
        self.assertTrue(self.row(report, "null")["control"])
        self.assertEqual((report["protocol"], report["judge"], report["benchmark"]), ("checklist", "judge", "touchstone"))

    def check_checklist_scores(self, report):
        """RocketEval: 9 times the mean probability of Yes, plus 1."""
        rows = self.rows("run")
        for name in ("smol", "null"):
            scores = []
            for key, row in rows.items():
                if key.startswith(f"verdict/judge/checklist/{name}/"):
                    probabilities = [item["probability"] for item in row["items"]]
                    scores.append(9 * statistics.mean(probabilities) + 1)
                    self.assertAlmostEqual(row["score"], scores[-1], places=9)
            self.assertEqual(len(scores), 12)
            self.assertAlmostEqual(self.row(report, name)["score"], statistics.mean(scores), places=9)

    def check_fastchat_answers(self):
        rows = self.rows("run")
        for name in ("smol", "null"):
            records = read_json_lines(self.folder / f"run/model_answer/{name}.jsonl")
            self.assertEqual([record["question_id"] for record in records], list(range(1, 7)))
            for record in records:
                self.assertEqual(list(record), ["question_id", "answer_id", "model_id", "choices", "tstamp"])
                self.assertEqual(record["model_id"], name)
                turns = record["choices"][0]["turns"]
                expected = [rows[f"answer/{name}/{record['question_id']}/{turn}"]["text"] for turn in (1, 2)]
                self.assertEqual((len(record["choices"]), turns), (1, expected))

    def check_report_and_compare(self, report):
        path = self.folder / "run/report.json"
        written, page = path.read_bytes(), (self.folder / "run/report.html").read_bytes()
        path.unlink()
        self.assertEqual(self.ok("report", "run", "--format", "json").out.encode(), written)
        self.assertEqual(path.read_bytes(), written)
        self.assertEqual((self.folder / "run/report.html").read_bytes(), page)
        self.assertNotRegex(page.decode(), r"(?:src|href)=[\"']?https?:")
        forth, back = (self.ok("compare", "run", *pair, "--format", "json").json()
                       for pair in (("smol", "null"), ("null", "smol")))
        self.assertEqual(forth["difference"], report["differences"][0]["difference"])
        self.assertAlmostEqual(forth["difference"], -back["difference"], places=12)
        self.assertEqual(forth["questions"], 6)
        self.assertLess(forth["ci_low"], forth["difference"])

    def check_recorded_answers(self, report):
        answers = self.folder / "run/model_answer"
        again = self.evaluate("again", "--limit", 6, "--model", f"smol=answers:{answers}/smol.jsonl",
                              "--model", f"null=answers:{answers}/null.jsonl", "--judge", f"judge={SMOLLM2}")
        cut = {row["model"]: row["truncated"] for row in again["leaderboard"]}
        self.assertEqual(cut, {row["model"]: row["truncated"] for row in report["leaderboard"]})
        self.assertGreater(cut["smol"], 0)
        for name in ("smol", "null"):
            for key in ("rank", "rating", "ci_low", "ci_high", "score", "categories", "programs", "judge", "invalid"):
                self.assertEqual(self.row(again, name)[key], self.row(report, name)[key], key)


class ScriptedJudgeTest(EvalTest):
    def judged(self, script, *more, limit=2):
        with Endpoint(script) as endpoint:
            report = self.evaluate("run", "--limit", limit, "--protocol", "single", "--model", "a=null:zebra",
                                   "--judge", endpoint.spec("judge"), *more)
            return report, endpoint.requests

    def test_marks_become_scores(self):
        second_turns = [question["turns"][1] for question in read_json_lines(TOUCHSTONE / "question.jsonl")]

        def script(request, index):
            first, second = ("7", "4") if "zebra" in request.last_message else ("9.5", "2")
            mark = second if any(text in request.last_message for text in second_turns) else first
            return chat_reply(request, f"Fair. Rating: [[{mark}]] and not [[1]]")
        report, requests = self.judged(script, "--model", "b=null:quokka")
        self.assertEqual(len(requests), 8)
        self.assertTrue(all(r.json["temperature"] == 0 and r.json["max_tokens"] == 2048 for r in requests))
        self.assertEqual({row["model"]: row["score"] for row in report["leaderboard"]}, {"a": 5.5, "b": 5.75})
        self.assertEqual([row["model"] for row in report["leaderboard"]], ["b", "a"])
        self.assertEqual(report["differences"][0]["difference"], 0.25)
        records = read_json_lines(self.folder / "run/model_judgment/judge_single.jsonl")
        self.assertEqual(len(records), 8)
        for record in records:
            self.assertEqual(list(record), ["question_id", "model", "judge", "user_prompt", "judgment", "score", "turn",
                                            "tstamp"])
            name = "single-v1" if record["turn"] == 1 else "single-v1-multi-turn"
            self.assertEqual(record["judge"], ["judge", name])
            self.assertIn(f"[[{record['score']:g}]]", record["judgment"])
        self.assertEqual({r.last_message for r in requests}, {record["user_prompt"] for record in records})

    def test_verdicts_without_a_mark_are_counted_and_named(self):
        verdicts = ["Good work.", "Rating: [[11]]", "[[8]]", "[6]"]

        def script(request, index):
            text = verdicts[index] if index < 4 else "[[5]]"
            return chat_reply(request, text, reason="length" if index == 0 else "stop")
        report, _ = self.judged(script)
        row, = report["leaderboard"]
        self.assertEqual((row["invalid"], row["answers"], row["score"]), (2, 4, 7))
        self.assertTrue(any("2 of 4 answers have no valid verdict" in text for text in report["warnings"]), report)
        reasons = sorted(row["invalid_reason"] for key, row in self.rows("run").items()
                         if key.startswith("verdict/") and row["score"] is None)
        self.assertIn("cut before a rating", reasons[1])
        self.assertIn("rating 11 is outside 1 to 10", reasons[0])
        marks = [r["score"] for r in read_json_lines(self.folder / "run/model_judgment/judge_single.jsonl")]
        self.assertCountEqual(marks, [-1, -1, 8, 6])

    def test_pairs_in_both_orders_and_their_report(self):
        def script(request, index):
            text = request.last_message
            both = "zebra" in text and "quokka" in text
            return chat_reply(request, "[[C]]" if not both else
                              "[[A]]" if text.index("zebra") < text.index("quokka") else "[[B]]")
        with Endpoint(script) as endpoint:
            report = self.evaluate("run", "--limit", 2, "--protocol", "pairwise", "--model", "a=null:zebra", "--model",
                                   "b=null:quokka", "--baseline", "b", "--judge", endpoint.spec("judge"))
            self.assertEqual(len(endpoint.requests), 8)
        self.assertEqual({row["model"]: row["score"] for row in report["leaderboard"]}, {"a": 1, "b": 0})
        self.assertEqual((report["baseline"], report["scale"]["high"]), ("b", 1))
        records = read_json_lines(self.folder / "run/model_judgment/judge_pair.jsonl")
        self.assertEqual([(r["model_1"], r["model_2"], r["g1_winner"], r["g2_winner"]) for r in records],
                         [("a", "b", "model_1", "model_1")] * 4)
        self.assertEqual(self.ok("report", "run", "--format", "json").json(), report)

    def test_pairs_that_cannot_be_are_refused_before_anything_is_written(self):
        evaluate = ["eval", "--bench", TOUCHSTONE, "--protocol", "pairwise", "--model", "first=null:a", "--judge",
                    "judge=null:[[A]]", "--out", "run", "--quiet"]
        self.check_failure(self.run_cupel(*evaluate), USAGE, "at least 2 with --model")
        self.check_failure(self.run_cupel(*evaluate, "--model", "other=null:b", "--baseline", "frist"), USAGE,
                           'did you mean "first"?')
        self.assertFalse((self.folder / "run").exists())

    def test_a_checklist_of_a_remote_judge(self):
        with Endpoint(lambda request, index: label_reply(-0.105360516, -2.302585093)) as endpoint:  # ln 0.9, ln 0.1
            report = self.evaluate("run", "--limit", 1, "--model", "null:a", "--judge", endpoint.spec("judge"))
        row, = report["leaderboard"]
        items = row["judge"]["items"]
        self.assertGreater(items, 0)
        self.assertEqual((row["judge"]["yes"], len(endpoint.requests)), (items, items))
        self.assertAlmostEqual(row["judge"]["score"], 9 * 0.9 + 1, places=6)
        self.assertTrue(all(r.json["max_tokens"] == 1 and r.json["top_logprobs"] == 20 for r in endpoint.requests))

    def test_a_checklist_of_an_endpoint_without_probabilities_is_refused(self):
        with Endpoint(lambda request, index: Reply(completion("Yes"))) as endpoint:
            self.fails(4, "eval", "--bench", TOUCHSTONE, "--limit", 1, "--model", "null:a", "--out", "run", "--quiet",
                       "--judge", endpoint.spec("judge"), says=endpoint.url())


@needs_data("mt_bench/model_judgment/gpt-4_single.jsonl")
class MtBenchTest(EvalTest):
    """The published benchmark with its published answers, judged as published."""

    MODELS = ("mistral-orpo-mix", "mistral-orpo-capybara")

    def test_published_verdicts_give_the_published_averages(self):
        bench = DATA / "mt_bench"
        published = {r["user_prompt"]: r for r in read_json_lines(bench / "model_judgment/gpt-4_single.jsonl")}

        def script(request, index):
            record = published.get(request.last_message)
            return chat_reply(request, record["judgment"]) if record else Reply("no such prompt", 400)
        specs = [word for name in self.MODELS
                 for word in ("--model", f"{name}=answers:{bench}/model_answer/{name}.jsonl")]
        with Endpoint(script) as endpoint:
            report = self.evaluate("run", *specs, "--judge", endpoint.spec("gpt-4"), bench=bench)  # its own protocol
            self.assertEqual(len(endpoint.requests), 320)
        # Averages over 160 verdicts: shared data's README; by category: recomputed from the same verdicts.
        self.assertEqual({row["model"]: row["score"] for row in report["leaderboard"]},
                         {"mistral-orpo-mix": 6.003125, "mistral-orpo-capybara": 6.81875})
        categories = {"writing": 9.15, "roleplay": 7.6, "reasoning": 5.05, "math": 3.85, "coding": 3.95,
                      "extraction": 6.9, "stem": 8.55, "humanities": 9.5}
        self.assertEqual(self.row(report, self.MODELS[1])["categories"], categories)
        found = self.ok("compare", "run", *reversed(self.MODELS), "--format", "json").json()
        self.assertAlmostEqual(found["difference"], 0.815625, places=9)
        self.assertAlmostEqual(found["standard_error"], 0.270619, delta=0.027)  # questions are the units
        self.assertEqual(found["questions"], 80)
        judgments = {(r["question_id"], r["turn"], r["model"]): r
                     for r in read_json_lines(self.folder / "run/model_judgment/gpt-4_single.jsonl")}
        for record in published.values():
            mine = judgments[record["question_id"], record["turn"], record["model"]]
            self.assertEqual({k: mine[k] for k in ("judge", "user_prompt", "judgment", "score")},
                             {k: record[k] for k in ("judge", "user_prompt", "judgment", "score")})


@needs_data("mt_bench_locales")
class WarningTest(EvalTest):
    """What readers must know before they believe a table."""

    def single(self, out, *args, judge="judge=null:Rating: [[7]]"):
        return self.run_cupel("eval", "--bench", TOUCHSTONE, "--protocol", "single", "--model", "null:a", "--judge", judge,
                              "--quiet", "--out", out, *args)

    def test_few_questions(self):
        for limit, expected in ((1, "1 question is too few"), (5, "5 questions are too few"), (6, "Only 6 questions")):
            self.assertEqual(self.single(f"of-{limit}", "--limit", limit).code, 0)
            report = json.loads((self.folder / f"of-{limit}/report.json").read_text())
            self.assertTrue(any(text.startswith(expected) for text in report["warnings"]), report["warnings"])

    @needs_model(SMOLLM2)
    def test_a_judge_that_is_a_contender(self):
        report = self.evaluate("run", "--limit", 1, "--max-tokens", 8, "--model", f"a={SMOLLM2}", "--judge", f"b={SMOLLM2}")
        self.assertIn('The judge "b" is the model "a" itself: it may favour its own answers.', report["warnings"])

    def test_why_no_verdict_is_valid(self):
        done = self.single("run", "--limit", 2, judge="judge=null:no mark")
        self.check_failure(done, USAGE, ["none of the answers has a valid verdict: in 4 of 4, no rating"])

    def test_a_judge_that_the_run_does_not_have(self):
        self.assertEqual(self.single("run", "--limit", 1).code, 0)
        done = self.run_cupel("report", "run", "--judge", "foo")
        self.check_failure(done, USAGE, ['no verdict of judge "foo"', "its judges are judge"])


@needs_model(SMOLLM2)
class ConstrainedVerdictTest(EvalTest):
    """A judge that would hardly ever write a verdict gives one to everything."""

    ARGS = ("--limit", 1, "--model", "a=null:Hello.", "--judge", f"judge={SMOLLM2}", "--constrain-verdicts")

    def verdicts(self, out):
        return [row for key, row in self.rows(out).items() if key.startswith("verdict/")]

    def test_every_answer_is_rated(self):
        report = self.evaluate("run", "--protocol", "single", *self.ARGS)
        self.assertEqual(self.row(report, "a")["invalid"], 0)
        for row in self.verdicts("run"):
            self.assertRegex(row["judgment"], r"\[\[([1-9](\.[0-9])?|10)\]\]")
        again = self.run_cupel("eval", "--bench", TOUCHSTONE, "--protocol", "single", "--limit", 1, "--model", "a=null:Hello.",
                               "--judge", f"judge={SMOLLM2}", "--out", "run")
        self.check_failure(again, USAGE, ["--constrain-verdicts on, not off"])

    def test_every_pair_has_a_winner_or_a_tie(self):
        report = self.evaluate("run", "--protocol", "pairwise", *self.ARGS, "--model", "b=null:Good day to you.")
        self.assertEqual(self.row(report, "b")["invalid"], 0)
        for row in self.verdicts("run"):
            self.assertRegex(row["judgment"], r"\[\[(A|B|C|([1-9]|10), ?([1-9]|10))\]\]")

    def test_who_cannot_be_held_is_refused(self):
        for judge, protocol, words in ((SMOLLM2, "checklist", "no form"), ("null:[[7]]", "single", "only models that run")):
            done = self.run_cupel("eval", "--bench", TOUCHSTONE, "--protocol", protocol, "--model", "a=null:a", "--judge",
                                  f"judge={judge}", "--out", "run", "--constrain-verdicts")
            self.check_failure(done, USAGE, [words, "--constrain-verdicts"])
            self.assertFalse((self.folder / "run").exists())


class LocaleTest(EvalTest):
    """Questions and references load as they are. Only the Romanian set has judge prompts: a flag names others."""

    PROMPTS = ("--judge-prompts", TOUCHSTONE / "judge_prompts.jsonl")

    def test_what_is_missing_is_named_with_the_flag_that_mends_it(self):
        french = DATA / "mt_bench_locales/fr"
        bare = self.folder / "bare"
        bare.mkdir()
        (bare / "question.jsonl").symlink_to(french / "question.jsonl")
        arguments = ["eval", "--protocol", "single", "--model", "null:a", "--judge", "judge=null:[[7]]", "--out", "run",
                     "--quiet", "--bench"]
        self.check_failure(self.run_cupel(*arguments, french), MISSING, "--judge-prompts")
        self.check_failure(self.run_cupel(*arguments, bare, *self.PROMPTS), USAGE, "--without-references")
        self.assertFalse((self.folder / "run").exists())
        self.ok(*arguments, bare, *self.PROMPTS, "--without-references")

    def test_every_set(self):
        folders = sorted(path for path in (DATA / "mt_bench_locales").iterdir() if path.is_dir())
        self.assertEqual(len(folders), 9)
        for source in folders:
            with self.subTest(source.name):
                prompts = () if (source / "judge_prompts.jsonl").exists() else self.PROMPTS
                report = self.evaluate(f"run-{source.name}", "--protocol", "single", "--limit", 1, "--model", "null:a",
                                       "--judge", "judge=null:Rating: [[7]]", *prompts, bench=source)
                self.ok("report", f"run-{source.name}")
                self.assertEqual((report["rows_per_model"], report["leaderboard"][0]["score"]), (2, 7))
                record, *_ = read_json_lines(self.folder / f"run-{source.name}/model_judgment/judge_single.jsonl")
                question = read_json_lines(source / "question.jsonl")[0]
                self.assertEqual(record["question_id"], question["question_id"])
                self.assertIn(question["turns"][0], record["user_prompt"])


if __name__ == "__main__":
    main()
