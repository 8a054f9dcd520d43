#!/usr/bin/env python3
"""Reward models: trained from comparisons and ratings, rated by the engine, in files that others read."""
import json
import random
from pathlib import Path

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

    def test_texts_are_rated_as_they_were_trained(self):
        """Without the template, and answers that would merge with their prompt apart from it."""
        source = random.Random(13)
        rows = [{"prompt": sentence(source, 4) + " a", "chosen": "n oak " + sentence(source, 4),
                 "rejected": " " + sentence(source, 4)} for _ in range(48)]
        data = write_json_lines(self.folder / "texts.jsonl", rows)
        shown = self.ok("tune", "inspect", "--model", self.model, "--data", data, "--method", "reward-model", "--format",
                        "json").json()
        self.assertGreater(shown["counts"]["retokenized"], 0)
        self.ok(*self.arguments("run", "--epochs", "2", "--optim.lr", "3e-3", "--eval-data", data, method="reward-model",
                                data=data))
        evaluation = self.records("run")[-1]["eval"]
        score = ("score", "--reward-model", "run/model", "--input", data, "--activations", "f32")
        found = [row["rewards"] for row in self.ok(*score).rows()]
        for key in ("chosen", "rejected"):
            mean = sum(row[key] for row in found) / len(found)
            self.assertAlmostEqual(mean, evaluation[f"rewards/{key}"], delta=2e-4)
        self.fails(USAGE, *score, "--raw", says="--raw is of --model")

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

    def trained_where_the_end_pads(self, out, spare=None, ends=()):
        """config.json and tokenizer_config.json of a model whose base pads with its end; and what was said."""
        base = self.folder / f"base-of-{out}"
        self.ok("convert", self.tiny_model(), base)
        config, tokenizer = (json.loads((base / name).read_text()) for name in ("config.json", "tokenizer.json"))
        end = config["eos_token_id"]
        (base / "config.json").write_text(json.dumps(
            config | {"pad_token_id": end, "eos_token_id": [end, *ends] if ends else end}))
        if spare:  # instead of the last piece that letters are merged to
            piece, number = max(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])
            del tokenizer["model"]["vocab"][piece], tokenizer["model"]["merges"][-1]
            tokenizer["added_tokens"].append(tokenizer["added_tokens"][0] | {"id": number, "content": spare})
            (base / "tokenizer.json").write_text(json.dumps(tokenizer))
        self.model = base
        done = self.train(out, "--max_steps", "1")
        return [json.loads(self.bytes_of(f"{out}/model", name)) for name in ("config.json", "tokenizer_config.json")], done

    def test_padding_is_not_the_end_token(self):
        """transformers reads the reward at the last token that is no padding: that must be the end token."""
        (config, tokenizer), done = self.trained_where_the_end_pads("spare", "<|unused_0|>")
        self.assertEqual((config["pad_token_id"], config["eos_token_id"]), (291, 257))
        self.assertEqual((tokenizer["pad_token"], tokenizer["eos_token"]), ("<|unused_0|>", "<|end_of_text|>"))
        self.assertNotIn("warning", done.err)
        (config, tokenizer), done = self.trained_where_the_end_pads("other")
        self.assertEqual((config["pad_token_id"], tokenizer["pad_token"]), (258, "<|im_start|>"))
        self.assertNotIn("warning", done.err)
        (config, tokenizer), done = self.trained_where_the_end_pads("none", ends=(258, 259))
        self.assertEqual((config["pad_token_id"], config["eos_token_id"]), (None, [257, 258, 259]))
        self.assertNotIn("pad_token", tokenizer)
        self.assertIn("warning: no special token can be padding beside the end token", done.err)

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
        rated = self.ok("score", "--reward-model", "run/model", "--input", data).rows()
        self.assertEqual(len(rated[0]["reward"]), 2)
        error = sum(abs(found["reward"][0] - row["length"]) for found, row in zip(rated, rows, strict=True)) / len(rows)
        self.assertLess(error, 1)
        self.fails(USAGE, *self.arguments("x", "--reward.loss", "reward_regression", method="reward-model", data=data),
                   says="reward.attributes")

    def test_ratings_come_from_parquet_too(self):
        data = Path(__file__).resolve().parents[1] / "data" / "parquet" / "ratings.parquet"
        flags = ("--reward.loss", "reward_regression", "--set", 'reward.attributes=["helpfulness","brevity"]')
        shown = self.run_cupel("tune", "inspect", "--model", self.model, "--data", data, "--method", "reward-model")
        if "setup.sh parquet" in shown.err:
            self.skipTest("built without Parquet (scripts/setup.sh parquet)")
        self.ok(*self.arguments("run", "--max_steps", "1", *flags, method="reward-model", data=data))
        self.assertEqual(json.loads(self.bytes_of("run/model", "config.json"))["id2label"],
                         {"0": "LABEL_0", "1": "LABEL_1"})

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
