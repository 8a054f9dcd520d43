#!/usr/bin/env python3
"""A real model learns from a few dialogues, and what comes out runs (training-core, Done 14)."""
import os
import time

from support import SMOLLM2, CupelTest, main, needs_model, read_json_lines, write_json_lines

STEPS = 30
COLOURS = "red green blue yellow white black brown grey".split()
THINGS = {"red": "a ripe tomato", "green": "fresh moss", "blue": "a clear sky", "yellow": "a lemon", "white": "new snow",
          "black": "wet coal", "brown": "dry bark", "grey": "river stone"}
QUESTIONS = ["Name something {}.", "What is {}?", "Give me one {} thing.", "Tell me a thing that is {}.",
             "Which thing is {}?", "Say something {}.", "I need a {} thing.", "Find me something {}."]


@needs_model(SMOLLM2)
class SmolLM2Test(CupelTest):
    def test_thirty_steps_lower_the_loss_and_the_result_answers(self):
        rows = write_json_lines(self.folder / "rows.jsonl", [
            {"messages": [{"role": "user", "content": question.format(colour)},
                          {"role": "assistant", "content": f"Look for {THINGS[colour]}, that is {colour}."}]}
            for colour in COLOURS for question in QUESTIONS])
        begin = time.monotonic()
        self.ok("tune", "--method", "sft", "--model", SMOLLM2, "--data", rows, "--out", "run", "--max_steps", STEPS,
                "--batch.size", "8", "--batch.micro", "8", "--data.packing", "none", "--optim.lr", "1e-4", timeout=580)
        seconds = time.monotonic() - begin
        losses = [record["loss"] for record in read_json_lines(self.folder / "run/train.jsonl")]
        self.assertEqual(len(losses), STEPS)
        self.assertLess(sum(losses[-5:]) / 5, 0.8 * losses[0])
        print(f"{STEPS} steps in {seconds:.0f} s of {os.cpu_count()} CPUs: loss {losses[0]:.3f} to {losses[-1]:.3f}")
        answer = self.ok("generate", "--model", "run/model", "--prompt", "Name something green.", "--max-tokens", "24",
                         timeout=300).out
        self.assertTrue(answer.startswith("Look for"), answer)  # the words of all that it learnt


if __name__ == "__main__":
    main()
