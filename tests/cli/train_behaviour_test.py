#!/usr/bin/env python3
"""What methods are made for, on a tiny model and drawn data: the claims of their papers, each with several seeds."""
# Proves: system 94
# Proves: system 70
import random
import statistics

from support import main, read_json_lines, write_json_lines
from train_tune_test import TuneTest

GOOD, BAD = "abcd", "efgh"
BATCH = ("--batch.size", "8", "--batch.micro", "8")


def prompt(source):
    return "".join(source.choice("uvwxyz") for _ in range(3))


def letters(source, share, count, good=GOOD, bad=BAD):
    """So many letters, that share of them good ones."""
    return "".join(source.choice(good if source.random() < share else bad) for _ in range(count))


def answer(source, share):
    return letters(source, share, source.randint(4, 16))


class BehaviourTest(TuneTest):
    def rows(self, name, rows):
        return write_json_lines(self.folder / f"{name}.jsonl", rows)

    def tune(self, out, method, model, data, seed, *more):
        """A run from that model on; the folder of what it made."""
        self.model = model
        self.ok(*self.arguments(out, *BATCH, "--seed", seed, "--log.report", "false", "--log.tensorboard", "false", *more,
                                method=method, data=data), timeout=300)
        return self.folder / out / "model"

    def dialogues_of(self, name, source, count, share):
        return self.rows(name, [{"messages": [{"role": "user", "content": prompt(source)},
                                              {"role": "assistant", "content": answer(source, share)}]}
                                for _ in range(count)])


class OddsRatioTest(BehaviourTest):
    """ORPO (Hong et al. 2024, figure 3): imitating chosen answers makes rejected ones likelier too."""

    def pairs_of(self, name, source, count):
        return self.rows(name, [{"prompt": [{"role": "user", "content": prompt(source)}],
                                 "chosen": answer(source, 0.8), "rejected": answer(source, 0.2)} for _ in range(count)])

    def log_probs(self, model, pairs):
        """Mean log-prob of a token of chosen and of rejected answers: of an evaluation before a step that changes nothing."""
        out = f"probe-of-{model.parent.name}"
        self.tune(out, "orpo", model, pairs, 0, "--eval-data", pairs, "--eval.at_start", "true", "--max_steps", "1",
                  "--optim.lr", "0")
        found = next(record["eval"] for record in self.records(out) if "eval" in record)
        return {side: found[f"logps/{side}"] / found[f"length/{side}"] for side in ("chosen", "rejected")}

    def test_rejected_answers_stay_unlikely_and_chosen_ones_are_learnt_as_well(self):
        random_model = self.model
        for seed in (1, 2, 3):
            source = random.Random(seed)
            texts = self.dialogues_of(f"texts{seed}", source, 200, 0.5)
            base = self.tune(f"base{seed}", "sft", random_model, texts, seed, "--epochs", "1", "--optim.lr", "1e-3",
                             "--data.packing", "none")
            pairs = self.pairs_of(f"pairs{seed}", source, 300)
            held_out = self.pairs_of(f"held_out{seed}", source, 100)
            chosen = self.rows(f"chosen{seed}", [
                {"messages": [*row["prompt"], {"role": "assistant", "content": row["chosen"]}]}
                for row in read_json_lines(pairs)])
            flags = ("--epochs", "2", "--optim.lr", "1e-3")
            imitated = self.tune(f"sft{seed}", "sft", base, chosen, seed, "--data.packing", "none", *flags)
            held_apart = self.tune(f"orpo{seed}", "orpo", base, pairs, seed, "--set", "preference.params.lambda=0.5",
                                   *flags)
            before, sft, orpo = (self.log_probs(model, held_out) for model in (base, imitated, held_apart))
            print(f"seed {seed}: log-probs of a token before {before}, sft {sft}, orpo {orpo}")
            self.assertGreater(sft["rejected"], before["rejected"] + 0.2)
            self.assertLess(orpo["rejected"], sft["rejected"] - 0.2)
            self.assertLess(-orpo["chosen"], 1.05 * -sft["chosen"])
            self.assertGreater(orpo["chosen"], before["chosen"] + 0.2)


class LengthTest(BehaviourTest):
    """SimPO (Meng et al. 2024, section 4): it does not make answers as long as DPO makes them.

    Chosen answers have better letters, and by noise 70 % of them are the longer ones. DPO counts from the reference, so
    that length pays as far as answers become longer than those of the reference. In a mean of log-probs the end, a rare
    token, weighs less in long answers from the start; with a large beta little of that preference is left to learn once
    the letters tell pairs apart. With a small one (2.5) there is, and SimPO lengthens answers more than DPO.
    """

    LONGER_WINS, SHORTEST, LONGEST = 0.7, 8, 40
    LEARNING = ("--max_steps", "200", "--epochs", "100", "--optim.lr", "2e-5", "--sched.name", "constant")
    # Settings of the papers: DPO's usual one, SimPO's for Llama-3-8B-Instruct v0.2.
    METHODS = {"dpo": ("preference.params.beta=0.1",),
               "simpo": ("preference.params.beta=10", "preference.params.gamma_beta_ratio=0.3")}
    SMALL_BETA = ("preference.params.beta=2.5", "preference.params.gamma_beta_ratio=0.55")  # Llama-3-8B-Instruct

    def text(self, source, share, count):
        return letters(source, share, count, good="ab", bad="ef")

    def texts_of(self, name, source, count):
        return self.rows(name, [{"messages": [{"role": "user", "content": prompt(source)}, {
            "role": "assistant", "content": self.text(source, 0.5, source.randint(self.SHORTEST, self.LONGEST))}]}
                                for _ in range(count)])

    def pair(self, source):
        short, long = sorted(source.sample(range(self.SHORTEST, self.LONGEST + 1), 2))
        won, lost = (long, short) if source.random() < self.LONGER_WINS else (short, long)
        return {"prompt": [{"role": "user", "content": prompt(source)}], "chosen": self.text(source, 0.8, won),
                "rejected": self.text(source, 0.2, lost)}

    def sampled(self, model):
        """Mean number of letters of 200 sampled answers, and the share of good ones among all their letters."""
        asked = [{"prompt": a + b + "x"} for a in "uvwyz" for b in "uvwxy"]
        out = f"answers-of-{model.parent.name}"
        self.ok("pairs", "--model", model, "--prompts", self.rows("prompts", asked), "--rule",
                '{"kind": "contains", "any": ["a"]}', "--out", out, "--samples", "8", "--max-tokens", "128", "--batch", "64",
                "--threads", "1", "--activations", "f32", "--quiet", timeout=300)
        texts = [response["content"] for row in read_json_lines(self.folder / out / "answers.jsonl")
                 for response in row["responses"]]
        self.assertEqual(len(texts), 8 * len(asked))
        good = sum(text.count("a") + text.count("b") for text in texts)
        return statistics.mean(map(len, texts)), good / sum(map(len, texts))

    def accuracy(self, out):
        """Share of held-out pairs that the method's own reward tells apart, at the end."""
        return [record["eval"]["rewards/accuracies"] for record in self.records(out) if "eval" in record][-1]

    def learn(self, seed, methods):
        """Name of a run (a method, and what else) → letters that answers grew by. All start from the same model."""
        source, random_model = random.Random(seed), self.tiny_model()
        base = self.tune(f"base{seed}", "sft", random_model, self.texts_of(f"texts{seed}", source, 400), seed, "--epochs",
                         "6", "--optim.lr", "1e-3", "--data.packing", "none")
        pairs, held_out = (self.rows(f"{name}{seed}", [self.pair(source) for _ in range(count)])
                           for name, count in (("pairs", 400), ("held_out", 100)))
        (before, _), growth = self.sampled(base), {}
        for name, params in methods.items():
            out = f"{name.replace(' ', '-')}{seed}"
            model = self.tune(out, name.split()[0], base, pairs, seed, "--eval-data", held_out, *self.LEARNING,
                              *(flag for param in params for flag in ("--set", param)))
            after, good = self.sampled(model)
            right, growth[name] = self.accuracy(out), after - before
            print(f"seed {seed}, {name}: {before:.1f} to {after:.1f} letters, {good:.0%} of them good; "
                  f"{right:.0%} of held-out pairs told apart", flush=True)
            self.assertGreater(good, 0.75)  # half of them were: the preference is learnt
            self.assertGreaterEqual(right, 0.97)  # alike for both
        return growth

    def test_answers_grow_at_most_half_as_much_as_under_dpo(self):
        growth = [self.learn(seed, self.METHODS) for seed in (1, 2, 3, 4, 5)]
        for of_seed in growth:
            self.assertGreater(of_seed["dpo"], 5)
            self.assertLess(of_seed["simpo"], 0.75 * of_seed["dpo"])
        mean = {method: statistics.mean(of_seed[method] for of_seed in growth) for method in self.METHODS}
        self.assertLessEqual(mean["simpo"], mean["dpo"] / 2)

    def test_with_a_small_beta_they_grow_as_under_dpo(self):
        growth = self.learn(1, {"dpo": self.METHODS["dpo"], "simpo with a small beta": self.SMALL_BETA})
        self.assertGreater(growth["simpo with a small beta"], growth["dpo"])


if __name__ == "__main__":
    main()
