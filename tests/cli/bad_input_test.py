#!/usr/bin/env python3
"""Input that breaks its own format: one line that names file, place and mend, the exit code of its kind, no output."""
import json
import shutil

from support import (CORRUPT, MISSING, SMOLLM2, TOUCHSTONE, USAGE, CupelTest, main, needs_model, write_json_lines)

JUDGE = "judge=null:Rating: [[7]]"  # a judge of protocol `single` that needs neither model nor network


class JsonLinesTest(CupelTest):
    """Inputs are read before any model is opened, so these tests need none."""

    def setUp(self):
        super().setUp()
        self.template = self.file("t.jinja", "{{ messages }}")
        self.commands = {
            "generate": (["generate", "--model", "absent.gguf", "--input"], {"prompt": "a"}),
            "score": (["score", "--model", "absent.gguf", "--input"], {"prompt": "a", "completion": "b"}),
            "embed": (["embed", "--model", "absent.gguf", "--input"], {"text": "a"}),
            "tokenize": (["tokenize", "--model", "absent.gguf", "--input"], {"text": "a"}),
            "template": (["template", "--template", self.template, "--input"], {"messages": []}),
        }

    def test_malformed_lines_are_named_by_file_and_number(self):
        broken = ('{"prompt": }', '{"prompt": "a"', "prompt", "{'prompt': 'a'}", '{"prompt": "a"} x', '["a"', "\x00",
                  "[" * 2000, '{"prompt": "\\ud800"}')
        for name, (command, good) in self.commands.items():
            for line in broken:
                with self.subTest(name, line=line[:40]):
                    path = self.file("in.jsonl", json.dumps(good) + "\n\n" + line + "\n")
                    self.fails(CORRUPT, *command, path, says=f"{path}:3: ")
                    self.fails(CORRUPT, *command, "-", stdin=path.read_text(), says="standard input:3: ")

    def test_bytes_that_are_no_utf8(self):
        for name, (command, good) in self.commands.items():
            with self.subTest(name):
                path = self.file("in.jsonl", json.dumps(good).encode() + b'\n{"prompt": "\xff\xfe"}\n')
                self.fails(CORRUPT, *command, path, says=f"{path}:2: ")

    def test_lines_of_another_shape(self):
        wrong = {
            "generate": ({}, [1], "text", {"prompt": 3}, {"prompt": None}, {"messages": []}, {"messages": "hi"},
                         {"messages": [{"content": "a"}]}, {"messages": [{"role": "user", "content": 3}]},
                         {"messages": [{"role": "user", "content": [{"type": "sound"}]}]}),
            "score": ({}, [1], {"prompt": "a"}, {"completion": "b"}, {"prompt": "a", "completion": 3}),
            "embed": ({}, [1], {"text": 3}, {"text": None}),
            "tokenize": ({}, [1], {"text": 3}, {"text": "a", "add_special": "yes"}),
            "template": ({}, [1], {"messages": "hi"}, {"messages": [], "add_generation_prompt": 3},
                         {"messages": [], "now": "noon"}),
        }
        for name, lines in wrong.items():
            command, good = self.commands[name]
            for line in lines:
                with self.subTest(name, line=line):
                    path = self.file("in.jsonl", json.dumps(good) + "\n\n\n" + json.dumps(line) + "\n")
                    done = self.run_cupel(*command, path)
                    code = USAGE if line == {"messages": [], "now": "noon"} else CORRUPT
                    self.check_failure(done, code, [f"{path}:4: "])

    def test_recorded_answers(self):
        good = {"question_id": 1, "choices": [{"index": 0, "turns": ["a", "b"]}]}
        wrong = ("{", "[1]", '{"question_id": "1", "choices": []}', '{"question_id": 2, "choices": []}',
                 '{"question_id": 2, "choices": [{"turns": [3]}]}', '{"question_id": 2}', json.dumps(good))
        for line in wrong:
            with self.subTest(line):
                path = self.file("a.jsonl", json.dumps(good) + "\n\n" + line + "\n")
                self.fails(CORRUPT, "eval", "--bench", TOUCHSTONE, "--model", f"a=answers:{path}", "--judge", JUDGE,
                           "--protocol", "single", "--out", "run", says=f"{path}:3: ")
                self.assertFalse((self.folder / "run").exists())


class ModelSpecTest(CupelTest):
    def refused(self, code, spec, *says):
        with self.subTest(spec):
            self.fails(code, "generate", "--model", spec, "--prompt", "a", says=says)

    def test_specs_that_make_no_sense(self):
        for spec in ("x", "a=b=c", "foo:bar", "a=foo:bar", "a=http://localhost/v1", "a=model.safetensors"):
            self.refused(USAGE, spec, f'model spec "{spec}"', "does not end in .gguf", "NAME=openai:MODEL@URL")
        for spec in ("", "a=", "a=answers:"):
            self.refused(USAGE, spec, f'model spec "{spec}" names no file', "NAME=FILE.gguf")
        for spec in ("=", "=null:a", "a b=null:c", "ä=null:c", ".=null:c", "a\tb=null:c"):
            self.refused(USAGE, spec, "may hold letters, digits")
        for spec in ("a=openai:", "a=openai:m", "a=openai:@http://localhost/v1", "a=openai:m@localhost",
                     "a=openai:m@ftp://localhost"):
            self.refused(USAGE, spec, f'model spec "{spec}"', "NAME=openai:MODEL@URL")
        self.refused(USAGE, "a=openai:m@http://me:secret@localhost/v1", "user name", "key-env=VARIABLE")

    def test_options_that_make_no_sense(self):
        url = "a=openai:m@http://localhost:1/v1"
        self.refused(USAGE, "a.gguf,nosie=1", 'unknown option "nosie" (did you mean "noise"?)')
        self.refused(USAGE, f"{url},timeot=1", 'unknown option "timeot" (did you mean "timeout"?)')
        self.refused(USAGE, "a.gguf,noise=1,noise=2", 'option "noise" is given twice')
        self.refused(USAGE, "a.gguf,noise=loud", 'noise is "loud"', "expected a number")
        self.refused(USAGE, "a.gguf,noise-seed=1", "need noise=SCALE")
        for value in ("0", "-1", "soon", "nan", "1e9"):
            self.refused(USAGE, f"{url},timeout={value}", f'model a: timeout is "{value}"', "expected a number from")
        for value in ("0", "2.9", "nan", "1e1", "257", ""):
            self.refused(USAGE, f"{url},concurrency={value}", f'model a: concurrency is "{value}"',
                         "expected a whole number from 1 to 256")
        for value in ("-1.7", "nan", "1e300", "0.5", "9223372036854775808"):
            self.refused(USAGE, f"a.gguf,noise=1,noise-seed={value}", f'noise-seed is "{value}"',
                         "expected a whole number from 0")
        for option, value in (("noise", "-1"), ("noise", "inf"), ("noise", ""), ("noise-fraction", "1.5")):
            options = f"{option}={value}" if option == "noise" else f"noise=1,{option}={value}"
            self.refused(USAGE, f"a.gguf,{options}", f'{option} is "{value}"', "expected a number from 0 to")
        self.refused(MISSING, f"{url},key-env=CUPEL_NO_SUCH_KEY", "CUPEL_NO_SUCH_KEY is not set")

    def test_recorded_answers_only_answer_questions_of_a_benchmark(self):
        path = write_json_lines(self.folder / "a.jsonl", [{"question_id": 1, "choices": [{"turns": ["a"]}]}])
        self.refused(USAGE, f"a=answers:{path}", str(path), "cupel eval")


class ModelFileTest(CupelTest):
    def refused(self, code, path, *says):
        """Every command that reads model files says the same."""
        self.file("in.jsonl", '{"prompt": "a", "completion": "b", "text": "a", '
                              '"messages": [{"role": "user", "content": "a"}]}\n')
        for args in (["generate", "--model", path, "--prompt", "a"], ["inspect", path], ["chat", "--model", path],
                     ["score", "--model", path, "--input", "in.jsonl"], ["quantize", path, "out.gguf"],
                     ["tokenize", "--model", path, "--input", "in.jsonl"],
                     ["template", "--model", path, "--input", "in.jsonl"],
                     ["eval", "--bench", TOUCHSTONE, "--model", path, "--judge", JUDGE, "--protocol", "single",
                      "--out", "run"]):
            with self.subTest(f"{args[0]} {path.name}"):
                self.fails(code, *args, says=[str(path), *says])
                self.assertFalse((self.folder / "out.gguf").exists() or (self.folder / "run").exists())
                self.assertEqual(list(self.folder.glob("*.tmp")), [])

    def test_files_that_hold_no_model(self):
        self.refused(MISSING, self.folder / "absent.gguf", "no such file")
        self.refused(CORRUPT, self.file("page.gguf", "<!DOCTYPE html><html><body>404</body></html>"),
                     "no GGUF magic", "web page", "fetch the file again")
        self.refused(CORRUPT, self.file("empty.gguf"), "the file is empty")
        self.refused(CORRUPT, self.file("noise.gguf", bytes(range(256)) * 64), "no GGUF magic")
        self.refused(CORRUPT, self.file("short.gguf", b"GGUF"), "cut short")
        (self.folder / "folder.gguf").mkdir()
        self.refused(USAGE, self.folder / "folder.gguf", "is a folder; expected a file")

    @needs_model(SMOLLM2)
    def test_models_that_were_cut_short(self):
        whole = SMOLLM2.read_bytes()
        # In the counts, in the metadata, in the vocabulary, in the table of tensors, in the weights, in the last byte.
        for size in (20, 300, 4096, 1_000_000, 1_700_000, len(whole) // 2, len(whole) - 1):
            self.refused(CORRUPT, self.file(f"cut-{size}.gguf", whole[:size]), "fetch it again")

    def altered(self, old, new):
        data = SMOLLM2.read_bytes()
        self.assertEqual(data.count(old, 0, 1 << 22), 1)
        return self.file("altered.gguf", data[:1 << 22].replace(old, new) + data[1 << 22:])

    @needs_model(SMOLLM2)
    def test_another_architecture_is_named(self):
        key = b"general.architecture" + (8).to_bytes(4, "little")
        path = self.altered(key + (5).to_bytes(8, "little") + b"llama", key + (5).to_bytes(8, "little") + b"mamba")
        self.fails(CORRUPT, "generate", "--model", path, "--prompt", "a", says=[str(path), '"mamba"', "llama"])
        found = self.ok("inspect", path, "--format", "json").json()
        self.assertEqual((found["architecture"], found["runs"]), ("mamba", False))
        self.assertIn("mamba", found["reason"])
        self.assertIn("runs here: no", self.ok("inspect", path).out)

    @needs_model(SMOLLM2)
    def test_a_model_without_tokenizer_or_template_says_what_to_do(self):
        path = self.altered(b"tokenizer.ggml.model", b"tokenizer.ggml.xxxxx")
        self.fails(CORRUPT, "generate", "--model", path, "--prompt", "a", says=[str(path), "tokenizer.ggml.model"])
        path = self.altered(b"tokenizer.chat_template", b"tokenizer.nice_template")
        self.fails(USAGE, "generate", "--model", path, "--prompt", "a", says=[str(path), "template=FILE.jinja"])
        self.fails(USAGE, "chat", "--model", path, says="template=FILE.jinja")
        self.fails(MISSING, "template", "--model", path, "--input", "-", stdin="", says=[str(path), "--template"])
        self.ok("generate", "--model", path, "--raw", "--prompt", "a", "--max-tokens", 1)
        bad = self.file("bad.jinja", "{% if %}")
        self.fails(CORRUPT, "generate", "--model", f"a={path},template={bad}", "--prompt", "a", says=[f"{bad}: template:1:"])


class BenchmarkTest(CupelTest):
    def refused(self, code, *says, bench="bench", protocol="single"):
        with self.subTest(says):
            self.fails(code, "eval", "--bench", bench, "--model", "null:a", "--judge", JUDGE, "--protocol", protocol,
                       "--out", "run", says=says)
            self.assertFalse((self.folder / "run").exists())

    def questions(self, *lines):
        self.file("bench/question.jsonl", "\n".join(line if isinstance(line, str) else json.dumps(line)
                                                    for line in lines) + "\n")

    def test_folders_that_hold_no_benchmark(self):
        self.refused(MISSING, "nowhere", bench="nowhere")
        self.refused(MISSING, "file.txt", bench=self.file("file.txt"))
        (self.folder / "bench").mkdir()
        self.refused(MISSING, "bench/question.jsonl")
        self.questions("")
        self.refused(CORRUPT, "bench/question.jsonl", "no question")

    def test_malformed_questions(self):
        good = {"question_id": 1, "category": "writing", "turns": ["a", "b"]}
        for line in ("{", [1], {}, {**good, "question_id": "2"}, {**good, "question_id": 2, "turns": "a"},
                     {**good, "question_id": 2, "turns": []}, {**good, "question_id": 2, "turns": [3]},
                     {"question_id": 2, "turns": ["a"]}, good):
            self.questions(good, "", line)
            self.refused(CORRUPT, "bench/question.jsonl:3: ")

    def test_what_a_protocol_needs(self):
        self.questions({"question_id": 1, "category": "math", "turns": ["a"]})
        self.refused(MISSING, "single-math-v1", "judge_prompts.jsonl")
        self.refused(USAGE, "has no checklists", "--protocol single", protocol="checklist")
        shutil.copy(TOUCHSTONE / "judge_prompts.jsonl", self.folder / "bench")
        self.refused(USAGE, "question 1", "reference")

    def test_changed_files_of_a_checked_benchmark(self):
        shutil.copytree(TOUCHSTONE, self.folder / "bench")
        with (self.folder / "bench/question.jsonl").open("a", encoding="utf-8") as file:
            file.write("\n")
        self.refused(CORRUPT, "bench/question.jsonl", "SHA-256", "manifest.json")
        self.file("bench/manifest.json", "{")
        self.refused(CORRUPT, "bench/manifest.json")


if __name__ == "__main__":
    main()
