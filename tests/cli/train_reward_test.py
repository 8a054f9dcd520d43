#!/usr/bin/env python3
"""Reward models: trained from comparisons and ratings, rated by the engine, in files that others read."""
import json
import random

from support import USAGE, main, read_json_lines, write_json_lines
from train_tune_test import TuneTest, sentence

WANTED = "oak"


class RewardTest(TuneTest):
    """A wanted answer names an oak."""

    def setUp(self):
        super().setUp()
        source = random.Random(11)

        def pair():
            words = [word for word in sentence(source, 6).split() if word != WANTED] or ["elm"]
            better = list(words)
            better.insert(source.randint(0, len(words)), WANTED)
            return {"prompt": [{"role": "user", "content": sentence(source, 4)}], "chosen": " ".join(better),
                    "rejected": " ".join(words)}

        self.pairs = write_json_lines(self.folder / "pairs.jsonl", [pair() for _ in range(96)])
        self.held_out = write_json_lines(self.folder / "held_out.jsonl", [pair() for _ in range(64)])

    def train(self, out, *more):
        return self.ok(*self.arguments(out, "--epochs", "6", "--batch.size", "8", "--batch.micro", "8", *more,
                                       method="reward-model", data=self.pairs))

    def rewards(self, model, rows):
        return [row["rewards"] for row in self.ok("score", "--reward-model", model, "--input", rows, "--activations",
                                                  "f32").rows()]

    def test_held_out_pairs_are_told_apart_in_training_and_by_the_engine(self):
        self.train("run", "--optim.lr", "3e-3", "--eval-data", self.held_out)
        evaluation = self.records("run")[-1]["eval"]
        self.assertGreaterEqual(evaluation["rewards/accuracies"], 0.95)
        found = self.rewards("run/model", self.held_out)
        right = sum(row["chosen"] > row["rejected"] for row in found) / len(found)
        self.assertAlmostEqual(right, evaluation["rewards/accuracies"], places=12)
        for key in ("chosen", "rejected"):
            mean = sum(row[key] for row in found) / len(found)
            self.assertAlmostEqual(mean, evaluation[f"rewards/{key}"], delta=2e-4)

    def test_adapters_keep_their_head(self):
        self.train("run", "--optim.lr", "1e-2", "--parameters", "lora", "--eval-data", self.held_out)
        config = json.loads(self.bytes_of("run/adapter", "adapter_config.json"))
        self.assertEqual((config["task_type"], config["modules_to_save"]), ("SEQ_CLS", ["score"]))
        self.ok("tune", "export", "run", "--out", "merged")
        evaluation = self.records("run")[-1]["eval"]
        found = self.rewards("./merged", self.held_out)
        mean = sum(row["chosen"] for row in found) / len(found)
        self.assertAlmostEqual(mean, evaluation["rewards/chosen"], delta=2e-3)

    def test_files_say_what_they_are(self):
        self.train("run", "--max_steps", "1")
        config = json.loads(self.bytes_of("run/model", "config.json"))
        self.assertEqual(config["architectures"], ["LlamaForSequenceClassification"])
        self.assertEqual(config["id2label"], {"0": "LABEL_0"})
        self.fails(USAGE, "generate", "--model", "run/model", "--prompt", "x", says="is a reward model")
        self.fails(USAGE, "score", "--reward-model", self.model, "--input", self.pairs, says="no head that rates it")
        self.fails(USAGE, "score", "--input", self.pairs, says="--model or --reward-model")
        again = ["tune", "--method", "reward-model", "--model", "run/model", "--data", self.pairs, "--out", "again",
                 "--precision", "fp32", "--max_steps", "1"]
        self.ok(*again)

    def test_padding_is_not_the_end_token(self):
        """transformers reads the reward at the last token that is no padding: that must be the end token."""
        self.ok("convert", self.model, "base")
        path = self.folder / "base" / "config.json"
        config = json.loads(path.read_text())
        path.write_text(json.dumps(config | {"pad_token_id": config["eos_token_id"]}))
        self.model = self.folder / "base"
        self.train("run", "--max_steps", "1")
        written = json.loads(self.bytes_of("run/model", "config.json"))
        self.assertEqual((written["pad_token_id"], written["eos_token_id"]), (None, config["eos_token_id"]))

    def test_ratings_of_attributes(self):
        source = random.Random(3)
        rows = []
        for _ in range(96):
            words = sentence(source, 8).split()
            rows.append({"prompt": sentence(source, 4) + ".", "response": " " + " ".join(words),
                         "length": len(words), "oaks": words.count(WANTED)})
        data = write_json_lines(self.folder / "rated.jsonl", rows)
        self.ok(*self.arguments("run", "--epochs", "12", "--batch.size", "8", "--batch.micro", "8", "--optim.lr",
                                "1e-2", "--set", 'reward.attributes=["length","oaks"]', "--reward.loss",
                                "reward_regression", method="reward-model", data=data))
        self.assertLess(self.losses("run")[-1], 0.1 * self.losses("run")[0])
        rated = self.ok("score", "--reward-model", "run/model", "--raw", "--input", data).rows()
        self.assertEqual(len(rated[0]["reward"]), 2)
        error = sum(abs(found["reward"][0] - row["length"]) for found, row in zip(rated, rows, strict=True)) / len(rows)
        self.assertLess(error, 1)
        self.fails(USAGE, *self.arguments("x", "--reward.loss", "reward_regression", method="reward-model", data=data),
                   says="reward.attributes")

    def test_responses_and_whole_conversations(self):
        self.train("run", "--max_steps", "1")
        prompt = read_json_lines(self.pairs)[0]["prompt"]
        rows = write_json_lines(self.folder / "rows.jsonl", [
            {"prompt": prompt, "responses": ["oak", {"content": "elm"}, "fir"]},
            {"messages": [*prompt, {"role": "assistant", "content": "oak"}]},
            {"prompt": prompt, "completion": "oak"}])
        found = self.ok("score", "--reward-model", "run/model", "--input", rows).rows()
        self.assertEqual(len(found[0]["rewards"]), 3)
        self.assertEqual(found[0]["rewards"][0], found[1]["reward"])
        self.assertEqual(found[1], found[2])


if __name__ == "__main__":
    main()
