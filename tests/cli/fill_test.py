#!/usr/bin/env python3
"""`cupel generate --suffix`: a gap is filled as the vocabulary's own tokens say, and refused where it has none."""
# Proves: system 36
import json

from support import CORRUPT, USAGE, CupelTest, main


class FillTest(CupelTest):
    def code_model(self):
        """The tiny model with its last three pieces named as the tokens that gaps are filled with."""
        self.ok("convert", self.tiny_model(), "code")
        path = self.folder / "code/tokenizer.json"
        tokenizer = json.loads(path.read_text())
        model = tokenizer["model"]
        for name in ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"):
            piece, number = max(model["vocab"].items(), key=lambda item: item[1])
            del model["vocab"][piece], model["merges"][-1]
            tokenizer["added_tokens"].append(tokenizer["added_tokens"][0] | {"id": number, "content": name})
        path.write_text(json.dumps(tokenizer))
        return "code"

    def answer(self, *args):
        return self.ok("generate", "--model", "code", "--format", "json", "--max-tokens", 12, *args).json()

    def test_the_prompt_is_what_the_tokens_say(self):
        self.code_model()
        filled = self.answer("--prompt", "def f(a):\n", "--suffix", "    return b")
        spelt = self.answer("--raw", "--prompt", "<fim_prefix>def f(a):\n<fim_suffix>    return b<fim_middle>")
        self.assertEqual(filled["usage"]["prompt_tokens"], spelt["usage"]["prompt_tokens"])
        self.assertEqual(filled["ids"][:1], spelt["ids"][:1])
        self.assertEqual(filled["logprobs"][:1], spelt["logprobs"][:1])

    def test_lines_may_have_a_suffix(self):
        self.code_model()
        self.file("in.jsonl", json.dumps({"prompt": "a", "suffix": "b"}) + "\n" + json.dumps({"prompt": "a"}) + "\n")
        done = self.ok("generate", "--model", "code", "--raw", "--input", "in.jsonl", "--format", "json", "--max-tokens", 4)
        filled, plain = (json.loads(line) for line in done.out.splitlines())
        self.assertEqual(filled["usage"]["prompt_tokens"], plain["usage"]["prompt_tokens"] + 4)  # three marks, one letter

    def test_mistakes(self):
        tiny = self.tiny_model()
        self.fails(USAGE, "generate", "--model", tiny, "--prompt", "a", "--suffix", "b",
                   says=["no tokens to fill a gap with", "<fim_prefix>", "leave out the suffix"])
        for flag in ("--regex", "--json-schema"):
            self.fails(USAGE, "generate", "--model", tiny, "--raw", "--prompt", "a", flag, "", says=f"{flag} is empty")
        self.file("in.jsonl", json.dumps({"messages": [{"role": "user", "content": "a"}], "suffix": "b"}) + "\n")
        self.fails(USAGE, "generate", "--model", tiny, "--input", "in.jsonl", says=["in.jsonl", "not to \"messages\""])
        self.fails(USAGE, "generate", "--model", tiny, "--input", "in.jsonl", "--suffix", "b", says="stands in its lines")
        self.fails(CORRUPT, "generate", "--model", "j=openai:m@http://localhost:9/v1", "--prompt", "a", "--suffix", "b",
                   says="name a GGUF file")


if __name__ == "__main__":
    main()
