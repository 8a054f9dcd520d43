#!/usr/bin/env python3
"""Every command does what its help says, on a real model."""
import json
import re

from support import (DATA, GEMMA, MISSING, ROOT, SMOLLM2, TOUCHSTONE, CupelTest, main, needs_data, needs_model,
                     read_json_lines, write_json_lines)

CHAT = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"


class HelpTest(CupelTest):
    def commands(self):
        text = self.ok("--help").out
        names = re.findall(r"^  ([a-z]+(?: [a-z-]+)?) {2,}\S", text.partition("Example:")[0], re.MULTILINE)
        source = (ROOT / "src/cli/commands.def").read_text(encoding="utf-8")
        # A command of two words has underscores for all that is no letter.
        self.assertCountEqual([re.sub(r"\W", "_", name) for name in names],
                              re.findall(r"CUPEL_COMMAND\((\w+?)_?\)", source))
        return names

    def test_help_of_every_command_has_an_example(self):
        for name in self.commands():
            with self.subTest(name):
                text = self.ok(*name.split(), "--help").out
                self.assertIn(f"Usage: cupel {name}", text)
                self.assertRegex(text, rf"(?s)\nExamples:\n.*cupel {name}\b")
                self.assertEqual(self.ok(*name.split(), "-h").out, text)

    def test_version_is_the_projects(self):
        version = re.search(r"project\(cupel VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
        self.assertEqual(self.ok("--version").out, f"cupel {version.group(1)}\n")

    def test_nothing_asked_shows_the_overview_as_an_error(self):
        done = self.run_cupel()
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertEqual(done.err, self.ok("help").out)


@needs_model(SMOLLM2)
class GenerateTest(CupelTest):
    def generate(self, *args, **options):
        return self.ok("generate", "--model", SMOLLM2, "--max-tokens", 12, *args, **options)

    def test_text_and_json_say_the_same(self):
        text = self.generate("--prompt", "Name three rivers.").out
        row, = self.generate("--prompt", "Name three rivers.", "--format", "json").rows()
        self.assertEqual(list(row), ["text", "ids", "logprobs", "finish_reason", "usage", "timings"])
        self.assertEqual(text, row["text"] + "\n")
        self.assertEqual(row["finish_reason"], "length")
        self.assertEqual(row["usage"]["completion_tokens"], 12)
        self.assertEqual(len(row["ids"]), 12)
        self.assertEqual(len(row["logprobs"]), 12)
        self.assertGreater(row["usage"]["prompt_tokens"], 5)
        self.assertTrue(all(p <= 0 for p in row["logprobs"]))
        self.assertEqual(set(row["timings"]), {"prefill_s", "decode_s", "submitted_s", "answered_s"})
        self.assertGreater(row["timings"]["decode_s"], 0)

    def test_input_lines_are_answered_in_input_order(self):
        rows = [{"prompt": "What is the capital of France?"},
                {"messages": [{"role": "system", "content": "Answer in one word."},
                              {"role": "user", "content": "Is ice cold?"}]},
                {"prompt": "Count: one, two,"},
                {"messages": [{"role": "user", "content": [{"type": "text", "text": "Say hello."}]}]}]
        source = write_json_lines(self.folder / "in.jsonl", rows)
        together = self.generate("--input", source, "--format", "json").rows()
        for row, answer in zip(rows, together, strict=True):
            alone, = self.generate("--input", "-", "--format", "json", stdin=json.dumps(row)).rows()
            for key in ("text", "ids", "logprobs", "finish_reason"):
                self.assertEqual(alone[key], answer[key], row)
        self.assertIn("Paris", together[0]["text"])
        texts = self.generate("--input", source).out
        self.assertEqual(texts, "".join(row["text"] + "\n" for row in together))

    def test_all_lines_are_timed_by_one_wall_clock(self):
        source = write_json_lines(self.folder / "in.jsonl", [{"prompt": text} for text in ("Rain?", "Mars?", "Tea?")])
        clocks = [row["timings"] for row in self.generate("--input", source, "--batch", 1, "--format", "json").rows()]
        submitted, answered = ([clock[key] for clock in clocks] for key in ("submitted_s", "answered_s"))
        self.assertEqual(submitted, sorted(submitted))
        # One at a time: each answer comes after the one before, and takes at least its own steps.
        for before, clock in zip([0.0, *answered], clocks):
            self.assertGreaterEqual(clock["answered_s"] - before, clock["prefill_s"] + clock["decode_s"] - 1e-6)
        # All are submitted before the first is done, and no later than that.
        self.assertTrue(0 <= submitted[0] <= submitted[-1] < answered[0], clocks)

    def test_results_do_not_depend_on_threads_or_batch(self):
        prompts = write_json_lines(self.folder / "in.jsonl", [{"prompt": f"Tell me about {x}."}
                                                              for x in ("rain", "bread and butter", "Mars")])
        def results(*args):
            rows = self.generate("--input", prompts, "--format", "json", *args).rows()
            return [(row["ids"], row["logprobs"]) for row in rows]
        one = results("--threads", 1)
        self.assertEqual(one, results("--threads", 2))
        self.assertEqual(one, results("--threads", 2, "--batch", 1))

    def test_seed_decides_what_is_drawn(self):
        def drawn(seed):
            return self.generate("--prompt", "Once upon a time", "--temperature", 1, "--seed", seed).out
        self.assertEqual(drawn(1), drawn(1))
        self.assertNotEqual(drawn(1), drawn(2))

    def test_stop_text_ends_the_answer_before_it(self):
        whole = self.generate("--raw", "--prompt", "One, two, three, four, five,", "--format", "json").rows()[0]["text"]
        self.assertIn(" seven", whole)
        row, = self.generate("--raw", "--prompt", "One, two, three, four, five,", "--stop", " seven",
                             "--format", "json").rows()
        self.assertEqual(row["text"], whole[:whole.index(" seven")])
        self.assertEqual(row["finish_reason"], "stop")

    def test_a_prompt_may_begin_like_a_flag(self):
        self.assertEqual(self.generate("--prompt", "--no flag at all").out,
                         self.generate("--prompt=--no flag at all").out)

    def test_generate_and_score_agree_bit_for_bit(self):
        for raw in ([], ["--raw"]):
            answer, = self.generate("--prompt", "The sea is", "--format", "json", *raw).rows()
            lines = write_json_lines(self.folder / "in.jsonl", [{"prompt": "The sea is", "completion": answer["text"]}])
            score, = self.ok("score", "--model", SMOLLM2, "--input", lines, *raw).rows()
            self.assertEqual(list(score), ["ids", "logprobs", "sum"])
            self.assertEqual(score["ids"], answer["ids"])
            self.assertEqual(score["logprobs"], answer["logprobs"])
            self.assertAlmostEqual(score["sum"], sum(score["logprobs"]), places=5)


@needs_model(SMOLLM2)
class TextTest(CupelTest):
    """tokenize and template."""

    def ids(self, texts, *flags, model=SMOLLM2):
        source = write_json_lines(self.folder / "in.jsonl", [{"text": text} for text in texts])
        rows = self.ok("tokenize", "--model", model, "--input", source, "--format", "jsonl", *flags).rows()
        self.assertTrue(all(list(row) == ["ids"] for row in rows))
        return [row["ids"] for row in rows]

    def test_tokenize_reads_special_tokens_only_when_asked(self):
        plain, special = self.ids(["<|im_start|>user"])[0], self.ids(["<|im_start|>user"], "--parse-special")[0]
        self.assertEqual(special[0], 1)  # <|im_start|> of SmolLM2's vocabulary
        self.assertGreater(len(plain), len(special))
        self.assertNotIn(1, plain)

    @needs_data("tokenizers/qwen2.gguf")
    def test_tokenize_matches_published_lines(self):
        lines = DATA / "tokenizers/qwen2.jsonl"
        rows = self.ok("tokenize", "--model", DATA / "tokenizers/qwen2.gguf", "--input", lines).rows()
        self.assertEqual([row["ids"] for row in rows], [case["ids"] for case in read_json_lines(lines)])

    @needs_model(GEMMA)
    def test_tokenize_adds_bos_where_the_vocabulary_asks_for_it(self):
        plain, = self.ids(["Hello"], model=GEMMA)
        self.assertEqual(self.ids(["Hello"], "--add-special", model=GEMMA), [[2, *plain]])  # <bos> of Gemma 3

    def test_template_of_a_model_and_of_a_file(self):
        rows = [{"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": True},
                {"messages": [{"role": "user", "content": None}, {"role": "nobody"}]}]
        source = write_json_lines(self.folder / "in.jsonl", rows)
        text = self.ok("template", "--model", SMOLLM2, "--input", source).rows()[0]["text"]
        self.assertTrue(text.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"), text)
        template = self.file("t.jinja", CHAT + "{% for m in messages if m.role == 'nobody' %}"
                                               "{{ raise_exception('who?') }}{% endfor %}")
        good, bad = self.ok("template", "--template", template, "--input", source).rows()
        self.assertEqual(good, {"text": "<user>Hi\n<assistant>"})
        self.assertEqual(list(bad), ["error"])
        self.assertIn("who?", bad["error"])

    @needs_data("chat_templates/Qwen-Qwen3-0.6B.jinja")
    def test_template_renders_the_published_cases(self):
        folder = DATA / "chat_templates"
        cases = folder / "Qwen-Qwen3-0.6B.cases.jsonl"
        rows = self.ok("template", "--template", folder / "Qwen-Qwen3-0.6B.jinja", "--input", cases).rows()
        for case, row in zip(read_json_lines(cases), rows, strict=True):
            self.assertEqual(row.get("text"), case.get("expected"), case["case"])
            self.assertEqual("error" in row, "error" in case, case["case"])


@needs_model(SMOLLM2)
class FileTest(CupelTest):
    """inspect, quantize and doctor."""

    def test_inspect_for_people_and_as_json(self):
        text = self.ok("inspect", SMOLLM2).out
        found = self.ok("inspect", SMOLLM2, "--format", "json").json()
        self.assertIn("runs here: yes", text)
        self.assertEqual((found["architecture"], found["layers"], found["width"], found["runs"]), ("llama", 30, 576, True))
        self.assertEqual(found["tokenizer"]["vocabulary_size"], 49152)
        self.assertEqual(found["size_bytes"], SMOLLM2.stat().st_size)
        self.assertEqual(len(found["tensors"]), 272)
        for word in ("llama", "49152", "Q4_1"):
            self.assertIn(word, text)
        self.assertIn("blk.29.attn_q.weight", self.ok("inspect", SMOLLM2, "--tensors").out)

    def score(self, model):
        line = json.dumps({"prompt": "Water is made of hydrogen and",
                           "completion": " oxygen, and it freezes at zero degrees."})
        return self.ok("score", "--raw", "--model", model, "--input", "-", stdin=line).rows()[0]["sum"]

    def test_quantize_writes_models_that_run(self):
        source = self.score(SMOLLM2)
        for kind, inside in (("q4_0", "q4_0"), ("q8_0", "q8_0"), ("q4_1", "q4_1"), ("q4_k_m", "q4_k"), ("q6_k", "q6_k")):
            with self.subTest(kind):
                out = self.folder / f"{kind}.gguf"
                report = self.ok("quantize", SMOLLM2, out, "--type", kind, "--format", "json").json()
                self.assertEqual(report["output_bytes"], out.stat().st_size)
                types = {entry["type"].lower() for entry in self.ok("inspect", out, "--format", "json").json()["types"]}
                self.assertIn(inside, types)
                # Against -27.3 nats of the source: 15 tokens, a damaged tensor costs far more than 4 nats.
                self.assertAlmostEqual(self.score(out), source, delta=4)
                self.assertTrue(self.ok("generate", "--model", out, "--max-tokens", 4, "--prompt", "Hi").out.strip())

    def test_doctor_says_what_the_machine_offers(self):
        found = self.ok("doctor", "--models", SMOLLM2.parent, "--format", "json").json()
        model = next(model for model in found["models"] if model["file"] == str(SMOLLM2))
        self.assertEqual(model["bytes"], SMOLLM2.stat().st_size)
        self.assertIn(found["cpu_level"], found["cpu_levels"])
        self.assertGreater(found["cpus"], 0)
        self.assertGreater(found["read_bandwidth_gb_s"], 0)
        text = self.ok("doctor", "--models", SMOLLM2.parent).out
        self.assertIn(f"model        {SMOLLM2}", text)
        self.assertIn("none in nowhere", self.ok("doctor", "--models", "nowhere").out)


@needs_model(SMOLLM2)
class ChatTest(CupelTest):
    def chat(self, lines):
        return self.ok("chat", "--model", SMOLLM2, "--temperature", 0, "--max-tokens", 24, stdin=lines).out

    def test_a_piped_conversation_remembers_until_it_starts_over(self):
        first = self.chat("My name is Ada.\n")
        both = self.chat("My name is Ada.\nWhat is my name?\n")
        said = [("user", "My name is Ada."), ("assistant", first[:-1]), ("user", "What is my name?")]
        line = json.dumps({"messages": [{"role": role, "content": text} for role, text in said]})
        second = self.ok("generate", "--model", SMOLLM2, "--max-tokens", 24, "--input", "-", stdin=line).out
        self.assertEqual(both, first + second)
        over = self.chat("My name is Ada.\n/new\nMy name is Ada.\n")
        self.assertEqual(over, first + first)

    def test_an_empty_line_ends(self):
        self.assertEqual(self.chat("\nMy name is Ada.\n"), "")


@needs_model(SMOLLM2)
class RunTest(CupelTest):
    """eval, report and compare, as far as their flags go; eval_test.py has what they compute."""

    def test_eval_report_and_compare(self):
        args = ["--bench", TOUCHSTONE, "--limit", 1, "--max-tokens", 16, "--out", "run", "--model", f"smol={SMOLLM2}",
                "--model", "null:I am happy to help.", "--judge", f"judge={SMOLLM2}"]
        done = self.ok("eval", *args)
        self.assertRegex(done.err, r"2 models; to do: 4 answers, 4 verdicts; at most \d+ prompt and 64 answer tokens")
        self.assertRegex(done.out, r"rank +model +score")
        self.assertIn("null (control)", done.out)
        self.assertIn("Report: run/report.html", done.out)
        again = self.ok("eval", *args, "--quiet")
        self.assertEqual(again.err, "")
        self.assertEqual(again.out, done.out)
        table = self.ok("report", "run").out
        self.assertIn("run/report.html", table)
        self.assertEqual(self.ok("report", "run", "--format", "json").out,
                         (self.folder / "run/report.json").read_text(encoding="utf-8"))
        self.assertRegex(self.ok("compare", "run", "smol", "null").out, r"\Asmol - null: [+-]\d+\.\d+ .*\(1 questions\)\n\Z")
        found = self.ok("compare", "run", "smol", "null", "--format", "json").json()
        self.assertEqual(list(found), ["a", "b", "difference", "ci_low", "ci_high", "standard_error", "questions"])
        self.fails(MISSING, "compare", "run", "smol", "nul", says='did you mean "null"?')


if __name__ == "__main__":
    main()
