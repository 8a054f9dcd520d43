#!/usr/bin/env python3
"""Typing errors and requests that make no sense: one line that names the mend, exit code 2 or 3, and nothing written."""
import os
import re
import struct

from support import MISSING, ROOT, SMOLLM2, TOUCHSTONE, USAGE, CupelTest, main, needs_model

# Of an identifier with underscores the first one stands for the space of a command of two words.
COMMANDS = [name.replace("_", " ", 1).replace("_", "-") for name in
            re.findall(r"CUPEL_COMMAND\((\w+?)_?\)", (ROOT / "src/cli/commands.def").read_text(encoding="utf-8"))]


class MistakeTest(CupelTest):
    def setUp(self):
        super().setUp()
        self.file("model-one.gguf")
        self.file("questions.jsonl", '{"prompt": "a", "text": "a", "completion": "b"}\n')
        self.file("page.jinja", "{{ messages }}")
        self.file("folder/inner/deep.jsonl", "")

    def refused(self, code, *args, says):
        """One line, nothing on standard output, and no file that was not there before."""
        before = sorted(self.folder.rglob("*"))
        with self.subTest(" ".join(map(str, args))):
            self.fails(code, *args, says=says)
            self.assertEqual(sorted(self.folder.rglob("*")), before)


class HintTest(MistakeTest):
    def test_mistyped_commands(self):
        for typed, meant in (("gnerate", "generate"), ("evl", "eval"), ("tokenise", "tokenize"), ("reprot", "report"),
                             ("inspekt", "inspect"), ("docter", "doctor"), ("Generate", "generate")):
            self.refused(USAGE, typed, says=[f'unknown command "{typed}"', f'did you mean "{meant}"?', "cupel --help"])
        done = self.fails(USAGE, "xylophone", says='unknown command "xylophone"')
        self.assertNotIn("did you mean", done.err)
        self.fails(USAGE, "", says='unknown command ""')
        self.fails(USAGE, "evil\x1b[31m\ncommand", says='unknown command "evil?[31m?command"')

    def test_a_message_stays_one_line_whatever_it_repeats(self):
        evil = "no\nsuch\x1b[31m\tfile"
        self.refused(MISSING, "inspect", evil, says="no?such?[31m?file: no such file")
        self.refused(USAGE, "generate", "--model", evil, "--prompt", "a", says='model spec "no?such?[31m?file"')
        self.refused(USAGE, "inspect", "a", evil, says="such?[31m?file")

    def test_mistyped_flags_of_every_command(self):
        for name in COMMANDS:
            flags = re.findall(r"^ +(?:-h,)?(--[a-z-]+)", self.ok(*name.split(), "--help").out, re.MULTILINE)
            self.assertIn("--help", flags)
            for flag in flags:
                typed = flag[:4] + flag[5:] + "s"
                self.refused(USAGE, *name.split(), typed, says=[f"{name}: unknown flag {typed}", "did you mean \"--",
                                                       f"see cupel {name} --help"])

    def test_mistyped_flags_are_found_wherever_they_stand(self):
        for args, meant in ((["--modle", "x", "--prompt", "a"], "--model"),
                            (["--model", "x", "--promt=a"], "--prompt"),
                            (["--model", "x", "--prompt", "a", "-seed", "1"], "--seed")):
            self.refused(USAGE, "generate", *args, says=f'did you mean "{meant}"?')
        self.refused(USAGE, "generate", "-x", says="unknown flag -x")
        self.fails(USAGE, "--versoin", says='unknown flag --versoin (did you mean "--version"?)')

    def test_paths_at_which_the_system_does_not_even_look(self):
        endless = "x" * 300
        judge = ["--protocol", "single", "--model", "null:a", "--judge", "judge=null:[[7]]", "--quiet"]
        self.refused(USAGE, "report", endless, says="File name too long")
        self.refused(USAGE, "eval", "--bench", TOUCHSTONE, "--out", endless, *judge, says="File name too long")
        self.refused(MISSING, "eval", "--bench", endless, "--out", "run", *judge, says="no such benchmark folder")
        os.symlink("circle", self.folder / "circle")
        self.refused(USAGE, "report", "circle", says="Too many levels of symbolic links")

    def test_a_result_replaces_no_pipe_and_no_device(self):
        small = struct.pack("<4sIQQ", b"GGUF", 3, 1, 0) + struct.pack("<Q1sIQIQ", 1, b"t", 1, 8, 0, 0)
        self.file("small.gguf", small.ljust(96, b"\0") + bytes(32))
        os.mkfifo(self.folder / "pipe")
        for target, kind in (("pipe", "pipe"), ("/dev/null", "device"), ("folder", "folder")):
            kept = os.lstat(self.folder / target)
            self.refused(USAGE, "quantize", "small.gguf", target, says=[f"{target}: is a {kind}"])
            self.assertEqual(os.lstat(self.folder / target).st_ino, kept.st_ino)

    def test_mistyped_choices(self):
        judge = ["--bench", TOUCHSTONE, "--model", "null:a", "--out", "run"]
        self.refused(USAGE, "eval", *judge, "--protocol", "checklst",
                     says=['"checklst" is none of checklist|', 'did you mean "checklist"?'])
        self.refused(USAGE, "eval", *judge, "--protocol", "elo", says='"elo" is none of')
        self.refused(USAGE, "quantize", "model-one.gguf", "out.gguf", "--type", "q4_8",
                     says=['"q4_8" is none of q8_0|q4_0|q4_1', "did you mean"])
        self.refused(USAGE, "generate", "--model", "a.gguf", "--prompt", "a", "--format", "jsno",
                     says='did you mean "json"?')
        self.refused(USAGE, "generate", "--model", "a.gguf", "--prompt", "a", "--cpu-level", "avx3",
                     says=["none of auto|scalar|avx2|avx512", 'did you mean "avx2"?'])

    def test_mistyped_file_names(self):
        missing = (
            (["generate", "--model", "model-noe.gguf", "--prompt", "a"], "model-one.gguf"),
            (["inspect", "modelone.gguf"], "model-one.gguf"),
            (["quantize", "model-one.ggfu", "out.gguf"], "model-one.gguf"),
            (["generate", "--model", "model-one.gguf", "--input", "question.jsonl"], "questions.jsonl"),
            (["score", "--model", "model-one.gguf", "--input", "qestions.jsonl"], "questions.jsonl"),
            (["tokenize", "--model", "model-one.gguf", "--input", "questions.json"], "questions.jsonl"),
            (["template", "--template", "pages.jinja", "--input", "questions.jsonl"], None),
            (["generate", "--model", "a=answers:folder/inner/depe.jsonl", "--prompt", "a"], "folder/inner/deep.jsonl"),
            (["generate", "--model", "a=answers:foldr/inner/deep.jsonl", "--prompt", "a"], "folder/inner/deep.jsonl"),
            (["eval", "--bench", "foldre", "--model", "null:a", "--out", "run"], "folder"),
            (["report", "foldre"], "folder"),
            (["compare", "foldre", "a", "b"], "folder"),
        )
        for args, meant in missing:
            if args[0] == "template":  # the input is read first: it must be right
                self.file("questions.jsonl", '{"messages": []}\n')
                meant = "page.jinja"
            self.refused(MISSING, *args, says=f'did you mean "{meant}"?')


class ValueTest(MistakeTest):
    def test_what_is_required_is_asked_for(self):
        for args, name in ((["generate"], "--model"), (["score", "--model", "a.gguf"], "--input"),
                           (["tokenize", "--input", "questions.jsonl"], "--model"), (["template"], "--input"),
                           (["chat"], "--model"), (["inspect"], "FILE"), (["quantize"], "IN"),
                           (["quantize", "model-one.gguf"], "OUT"), (["report"], "RUN"), (["compare", "run", "a"], "B"),
                           (["eval", "--model", "null:a", "--out", "run"], "--bench"),
                           (["eval", "--bench", TOUCHSTONE, "--out", "run"], "--model"),
                           (["eval", "--bench", TOUCHSTONE, "--model", "null:a"], "--out")):
            self.refused(USAGE, *args, says=[f"{name} is required", f"see cupel {args[0]} --help"])

    def test_a_flag_without_its_value(self):
        self.refused(USAGE, "generate", "--model", says="generate: --model needs a value (SPEC)")
        self.refused(USAGE, "generate", "--model", "--prompt", "a", says="--model needs a value (SPEC)")
        self.refused(USAGE, "generate", "--prompt", "a", "--seed", says="--seed needs a value (S)")
        self.refused(USAGE, "generate", "--raw=yes please", "--model", "a.gguf", says="--raw")

    def test_numbers_out_of_range(self):
        generate = ["generate", "--model", "model-one.gguf", "--prompt", "a"]
        whole = (("--max-tokens", "0"), ("--max-tokens", "-1"), ("--max-tokens", "1.5"), ("--max-tokens", "ten"),
                 ("--threads", "-1"), ("--batch", "0"), ("--context", "-5"), ("--seed", "-1"), ("--top-k", "-1"),
                 ("--seed", "99999999999999999999"))
        for flag, value in whole:
            self.refused(USAGE, *generate, flag, value, says=[flag, f'"{value}" is no whole number from '])
            self.refused(USAGE, *generate, f"{flag}={value}", says=[flag, f'"{value}" is no whole number from '])
        self.refused(USAGE, *generate, "--temperature", "warm", says='--temperature: "warm" is no number')
        real = (("--temperature", "-1"), ("--temperature", "nan"), ("--temperature", "inf"), ("--top-p", "0"),
                ("--top-p", "1.1"), ("--min-p", "-0.1"), ("--min-p", "1"), ("--repetition-penalty", "0"))
        for flag, value in real:
            self.refused(USAGE, *generate, flag, value, says=[flag[2:].replace("-", "_"), "expected"])
        self.refused(USAGE, *generate, "--stop", "", says="stop string is empty")
        evaluate = ["eval", "--bench", TOUCHSTONE, "--model", "null:a", "--out", "run"]
        for flag in ("--limit", "--max-tokens", "--seed", "--threads"):
            self.refused(USAGE, *evaluate, flag, "-1", says=[flag, "no whole number"])
        self.refused(USAGE, "quantize", "model-one.gguf", "out.gguf", "--threads", "-2", says="--threads")

    def test_what_is_given_twice_or_too_much(self):
        self.refused(USAGE, "generate", "--model", "a.gguf", "--prompt", "a", "--prompt", "b", says="--prompt is given twice")
        self.refused(USAGE, "inspect", "model-one.gguf", "other.gguf", says="other.gguf")
        self.refused(USAGE, "doctor", "now", says="now")


class ContradictionTest(MistakeTest):
    def test_flags_that_exclude_each_other(self):
        self.refused(USAGE, "generate", "--model", "a.gguf", says="either --prompt or --input")
        self.refused(USAGE, "generate", "--model", "a.gguf", "--prompt", "a", "--input", "questions.jsonl",
                     says="either --prompt or --input")
        self.refused(USAGE, "template", "--input", "questions.jsonl", says="either --model or --template")
        self.refused(USAGE, "template", "--model", "model-one.gguf", "--template", "page.jinja", "--input",
                     "questions.jsonl", says="either --model or --template")
        self.file("messages.jsonl", '{"messages": [{"role": "user", "content": "a"}]}\n')
        self.refused(USAGE, "generate", "--model", "a.gguf", "--raw", "--input", "messages.jsonl",
                     says=["messages.jsonl:1", "--raw"])

    def test_models_that_a_command_cannot_use(self):
        self.refused(USAGE, "score", "--model", "null:a", "--input", "questions.jsonl", says=["model null", "NAME=FILE.gguf"])
        self.refused(USAGE, "score", "--model", "a=openai:m@http://localhost:1/v1", "--input", "questions.jsonl",
                     says=["model a", "NAME=FILE.gguf"])

    def test_evaluations_that_make_no_sense(self):
        evaluate = ["eval", "--bench", TOUCHSTONE, "--out", "run", "--quiet"]
        self.refused(USAGE, *evaluate, "--model", "null:a", "--protocol", "single", says="--judge")
        self.refused(MISSING, "eval", "--bench", "touchston", "--model", "null:a", "--out", "run", says='"touchstone"')
        self.refused(USAGE, *evaluate, "--model", "null:a", "--model", "null:b", "--judge", "x",
                     says='model spec "x"')
        self.refused(USAGE, *evaluate, "--model", "null:a", "--model", "b=c=d", says='model spec "b=c=d"')

    @needs_model(SMOLLM2)
    def test_quantising_onto_the_source(self):
        source = self.folder / "link.gguf"
        source.symlink_to(SMOLLM2)
        self.refused(USAGE, "quantize", SMOLLM2, source, "--type", "q4_0", says="name another output")
        self.refused(MISSING, "quantize", SMOLLM2, "nowhere/out.gguf", "--type", "q4_0", says="nowhere/out.gguf")
        self.refused(USAGE, "quantize", SMOLLM2, "folder", "--type", "q4_0", says="folder")


if __name__ == "__main__":
    main()
