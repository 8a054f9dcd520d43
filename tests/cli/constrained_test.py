#!/usr/bin/env python3
"""`cupel generate --json-schema` and `--regex`: whole answers, cut ones, and what cannot be followed."""
import json

from endpoint import Endpoint, chat_reply
from support import CORRUPT, EXHAUSTED, MISSING, SMOLLM2, USAGE, CupelTest, main, needs_model

SCHEMA = {"type": "object", "properties": {"river": {"type": "string", "maxLength": 20},
                                           "length_km": {"type": "integer", "minimum": 1, "maximum": 9999}},
          "required": ["river", "length_km"]}


class TinyTest(CupelTest):
    def generate(self, *args, **options):
        return self.run_cupel("generate", "--model", self.tiny_model(), "--raw", "--prompt", "Say:", "--temperature",
                              1, *args, **options)

    def test_noise_keeps_a_pattern(self):
        for seed in range(5):
            done = self.generate("--regex", "(ab|cd){3}[0-9]{2}", "--seed", seed)
            self.assertEqual((done.code, done.err), (0, ""))
            self.assertRegex(done.out, r"\A(?:ab|cd){3}[0-9]{2}\n\Z")

    def test_a_cut_answer_is_no_answer(self):
        done = self.generate("--regex", "[a-z]{100}", "--max-tokens", 5)
        self.assertEqual(done.code, 1)
        self.assertRegex(done.err, r"\Acupel: [^\n]*1 of 1 answers were cut short[^\n]*--max-tokens[^\n]*\n\Z")
        done = self.generate("--regex", "[a-z]{100}", "--max-tokens", 5, "--format", "json")
        self.assertEqual((done.code, done.rows()[0]["finish_reason"]), (1, "length"))

    def test_what_cannot_be_followed_is_said_before_anything_is_printed(self):
        cases = [(json.dumps({"properties": {"a": {"not": {}}}}), CORRUPT, ["schema.json", "#/properties/a/not"]),
                 ("{", CORRUPT, ["schema.json", "line 1"]),
                 ("false", USAGE, ["schema.json", "no text satisfies"]),
                 (json.dumps({"type": "string", "maxLength": 10 ** 9}), EXHAUSTED, ["schema.json", "#"])]
        for content, code, says in cases:
            schema = self.file("schema.json", content)
            self.check_failure(self.generate("--json-schema", schema), code, says)
        self.check_failure(self.generate("--json-schema", "absent.json"), MISSING, ["absent.json"])
        self.check_failure(self.generate("--regex", "a(?=b)"), CORRUPT, ["--regex", "look-ahead"])
        schema = self.file("schema.json", "true")
        self.check_failure(self.generate("--regex", "a", "--json-schema", schema), USAGE, ["either"])
        self.check_failure(self.generate("--regex", "a", "--stop", "b"), USAGE, ["stop"])


@needs_model(SMOLLM2)
class ModelTest(CupelTest):
    def test_json_of_a_schema_greedy_and_sampled_in_a_batch(self):
        schema = self.file("schema.json", json.dumps(SCHEMA))
        prompts = self.file("prompts.jsonl", '{"prompt": "Name a river."}\n{"prompt": "Name another river."}\n' * 2)
        for temperature in (0, 1):
            rows = self.ok("generate", "--model", SMOLLM2, "--json-schema", schema, "--input", prompts, "--format",
                           "json", "--temperature", temperature).rows()
            for row in rows:
                value = json.loads(row["text"])
                self.assertEqual(list(value), ["river", "length_km"])
                self.assertTrue(1 <= value["length_km"] <= 9999 and len(value["river"]) <= 20, value)
                self.assertEqual(row["finish_reason"], "stop")


class EndpointTest(CupelTest):
    def test_endpoints_are_sent_the_schema(self):
        schema = self.file("schema.json", json.dumps(SCHEMA))
        answer = json.dumps({"river": "Rhine", "length_km": 1233})
        with Endpoint(lambda request, index: chat_reply(request, answer if index == 0 else "no JSON")) as endpoint:
            args = ("generate", "--model", endpoint.spec(), "--prompt", "A river?", "--json-schema", schema)
            self.assertEqual(self.ok(*args).out, answer + "\n")
            sent = endpoint.requests[0].json["response_format"]
            self.assertEqual((sent["type"], sent["json_schema"]["schema"]), ("json_schema", SCHEMA))
            self.assertEqual(self.run_cupel(*args).code, 1)
            done = self.run_cupel("generate", "--model", endpoint.spec(), "--prompt", "A?", "--regex", "a+")
            self.check_failure(done, CORRUPT, ["pattern"])
            self.assertEqual(len(endpoint.requests), 2)


if __name__ == "__main__":
    main()
