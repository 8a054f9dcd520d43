#!/usr/bin/env python3
"""`cupel tune inspect`: rows as the trainer sees them, without libtorch."""
import json
import pty
import os
import subprocess

from support import CORRUPT, CUPEL, MISSING, USAGE, CupelTest, main, write_json_lines

TEMPLATE = ("{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def dialogue(*contents):
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": content} for i, content in enumerate(contents)]}


class InspectTest(CupelTest):
    def setUp(self):
        super().setUp()
        self.model = self.tiny_model()
        self.template = self.file("chatml.jinja", TEMPLATE)

    def inspect(self, rows, *more):
        path = write_json_lines(self.folder / "rows.jsonl", rows)
        return ["tune", "inspect", "--model", self.model, "--data", path, "--data.chat_template", self.template, *more]

    def test_a_pipe_shows_what_is_learnt_in_brackets(self):
        done = self.ok(*self.inspect([dialogue("Hi", "Hm,\nyes", "So?", "No")]))
        self.assertIn("""rows.jsonl:1
  47 tokens, 8 learnt
    <|im_start|>user
    Hi<|im_end|>
    <|im_start|>assistant
    [[Hm,
    yes<|im_end|>]]
    <|im_start|>user
    So?<|im_end|>
    <|im_start|>assistant
    [[No<|im_end|>]]
""", done.out)
        self.assertIn("[[what is learnt]]", done.out)
        self.assertNotIn("\x1b", done.out)
        last = self.ok(*self.inspect([dialogue("Hi", "Hm,\nyes", "So?", "No")], "--data.loss_on", "assistant_last")).out
        self.assertIn("    Hm,\n    yes<|im_end|>\n", last)
        self.assertIn("    [[No<|im_end|>]]\n", last)
        weighted = self.ok(*self.inspect([dialogue("Hi", "Yes")], "--data.loss_on", "instruction",
                                         "--data.prompt_loss_weight", "0.1")).out
        self.assertIn("[[×0.1 Hi]]<|im_end|>", weighted)

    def test_json_has_every_token(self):
        page = self.ok(*self.inspect([dialogue("Hi", "Yes"), dialogue("a" * 90, "b")], "--rows", "1", "--format",
                                     "json")).json()
        self.assertEqual(len(page["rows"]), 1)
        tokens = page["rows"][0]["sequences"][0]["tokens"]
        self.assertEqual("".join(token["text"] for token in tokens if token["learnt"]), "Yes<|im_end|>")
        self.assertEqual("".join(token["text"] for token in tokens if token["part"] == "instruction"), "Hi")
        # The template's own words, and none of the messages'.
        self.assertEqual("".join(token["text"] for token in tokens if token["part"] == "template"),
                         "<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n\n")
        # A message's text that reads like a control token is none.
        lookalike = self.ok(*self.inspect([dialogue("say <|im_end|>", "Yes")], "--format", "json")).json()
        control = [token["text"] for token in lookalike["rows"][0]["sequences"][0]["tokens"] if token["control"]]
        self.assertEqual(control, ["<|im_start|>", "<|im_end|>", "<|im_start|>", "<|im_end|>"])
        self.assertEqual(page["counts"]["rows"], 2)
        self.assertEqual(page["counts"]["kept"], 2)
        self.assertEqual(page["counts"]["labels"], len([t for t in tokens if t["learnt"]]) + 2)
        self.assertEqual(page["lengths"]["shortest"], len(tokens))
        self.assertEqual(sum(page["lengths"]["counts"]), 2)
        packing = page["packing"]
        self.assertEqual((packing["name"], packing["bins"], packing["steps"]), ("bfd", 1, 1))
        self.assertEqual(packing["tokens"], page["counts"]["tokens"])
        self.assertAlmostEqual(packing["fill"], packing["tokens"] / 2048)

    def test_answers_are_shown_behind_the_prompt_that_they_share(self):
        pair = {"id": "p", "prompt": [{"role": "user", "content": "Hi"}], "chosen": "Yes", "rejected": "No",
                "score_chosen": 1, "score_rejected": 0.25}
        page = self.ok(*self.inspect([pair], "--method", "dpo", "--format", "json")).json()
        self.assertEqual(page["rows"][0]["id"], "p")
        shown = {part["name"]: "".join(token["text"] for token in part["tokens"])
                 for part in page["rows"][0]["sequences"]}
        self.assertEqual(shown, {"prompt": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
                                 "chosen (score 1)": "Yes<|im_end|>\n", "rejected (score 0.25)": "No<|im_end|>\n"})
        self.assertEqual(page["packing"]["name"], "none")
        wanted = {"prompt": "Hi ", "completion": "Yes", "label": False}
        self.assertIn("  unwanted: ", self.ok(*self.inspect([wanted], "--method", "kto")).out)

    def test_rows_that_are_left_out_are_counted_with_the_reason(self):
        rows = [dialogue("Hi", "Yes"), {"messages": "no"}, dialogue("Hi", ""), dialogue("Hi", "a" * 99)]
        self.fails(CORRUPT, *self.inspect(rows), says="rows.jsonl:2: ")
        text = self.ok(*self.inspect(rows, "--data.skip_bad", "true", "--data.max_length", "60", "--data.truncation",
                                     "drop")).out
        self.assertIn("4 rows, 3 of them left out (1 malformed, 1 with an empty answer, 1 too long)", text)
        self.assertIn("rows.jsonl:2: \"messages\"", text)

    def test_one_row_by_its_id_and_held_out_rows(self):
        rows = [dialogue("Hi", "Yes"), {**dialogue("So?", "No"), "id": "second"}]
        text = self.ok(*self.inspect(rows, "--id", "second")).out
        self.assertIn("\nsecond\n", text)
        self.assertNotIn("rows.jsonl:1", text)
        self.fails(MISSING, *self.inspect(rows, "--id", "third"), says=["third", "FILE:LINE"])
        held = write_json_lines(self.folder / "held.jsonl", [dialogue("Held", "Out")])
        self.assertIn("[[Out", self.ok(*self.inspect(rows, "--eval-data", held, "--held-out")).out)
        self.fails(USAGE, *self.inspect(rows, "--held-out"), says="--eval-data")
        # A mixture is of the files of training.
        self.ok(*self.inspect(rows, "--eval-data", held, "--eval-data", held, "--held-out", "--data.mixture", "tokens",
                              "--data.amounts", "100"))

    def test_packing_is_that_of_the_recipe(self):
        rows = [dialogue("Hi", "a" * (20 + 7 * i)) for i in range(12)]

        def packing(name, *more):
            return self.ok(*self.inspect(rows, "--data.max_length", "256", "--data.packing", name, "--format", "json",
                                         *more)).json()["packing"]

        none = packing("none")
        self.assertEqual((none["bins"], none["length"], none["steps"]), (12, 256, 2))
        for name in ("bfd", "bfd_split", "wrapped"):
            packed = packing(name)
            self.assertEqual(packed["tokens"], none["tokens"], name)
            self.assertLess(packed["bins"], 12, name)
            self.assertGreater(packed["fill"], none["fill"], name)
        multipack = packing("multipack", "--batch.micro_tokens", "512")
        self.assertEqual((multipack["length"], multipack["tokens"]), (512, none["tokens"]))

    def test_untrusted_rows_move_no_cursor_and_run_no_script(self):
        row = dialogue("\x1b[2J<script>alert(1)</script>", "\x1b]0;x\x07")
        self.assertNotIn("\x1b", self.ok(*self.inspect([row])).out)
        html = self.ok(*self.inspect([row], "--format", "html")).out
        self.assertTrue(html.startswith("<!doctype html>"))
        self.assertNotIn("<script", html)
        self.assertNotIn("\x1b", html)

    def test_a_terminal_shows_colours(self):
        arguments = [str(CUPEL), *map(str, self.inspect([dialogue("Hi", "Yes")]))]
        master, slave = pty.openpty()
        process = subprocess.run(arguments, stdin=slave, stdout=slave, stderr=subprocess.PIPE, cwd=self.folder,
                                 env={**self.environment, "TERM": "xterm", "LANG": "C.UTF-8", "NO_COLOR": ""},
                                 timeout=60, check=True)
        os.close(slave)
        shown = b""
        while True:
            try:
                block = os.read(master, 4096)
            except OSError:
                break
            if not block:
                break
            shown += block
        os.close(master)
        text = shown.decode().replace("\r\n", "\n")
        self.assertEqual(process.stderr, b"")
        self.assertIn("\x1b[32mYes<|im_end|>\x1b[0m", text)
        self.assertIn("\x1b[2m<|im_start|>user\x1b[0m\n", text)
        self.assertNotIn("[[", text)

    def test_bad_recipes_are_one_line(self):
        self.fails(USAGE, "tune", "inspect", says="RECIPE.toml")
        self.fails(USAGE, "tune", "inspect", "--model", self.model, says="--data")
        self.fails(MISSING, "tune", "inspect", "--model", "none.gguf", "--data", "rows.jsonl", says="none.gguf")


if __name__ == "__main__":
    main()
