#!/usr/bin/env python3
"""What methods are made for, on a tiny model and drawn data: the claims of their papers, each with several seeds."""
# Proves: system 94
import random

from support import main, read_json_lines, write_json_lines
from train_tune_test import TuneTest

GOOD, BAD = "abcd", "efgh"
BATCH = ("--batch.size", "8", "--batch.micro", "8")


def prompt(source):
    return "".join(source.choice("uvwxyz") for _ in range(3))


def answer(source, share):
    """4 to 16 letters, that share of them good ones."""
    return "".join(source.choice(GOOD if source.random() < share else BAD) for _ in range(source.randint(4, 16)))


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


if __name__ == "__main__":
    main()
