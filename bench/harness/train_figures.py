"""What the workload `train` comes to: its rows of the table and its targets, computed from the results alone."""

from __future__ import annotations

# Case → least ratio of TRL's epoch to Cupel's, and most of TRL's peak memory that Cupel may take.
SPEED = {"dpo f32": 2.0, "dpo bf16": 2.0, "lora dpo": 2.0, "sft packed": 1.5}
MEMORY = {"dpo f32": 0.6, "dpo bf16": 0.6}
# In f32 both compute the same losses: relative difference over the first three steps.
SAME_LOSS, SAME_LOSS_CASES = 1e-3, ("dpo f32", "sft packed")


def speed(case: dict) -> float:
    return case["trl"]["epoch_s"] / case["cupel"]["epoch_s"]


def memory(case: dict) -> float:
    return case["cupel"]["peak_bytes"] / case["trl"]["peak_bytes"]


def rows(training: dict) -> list[list[str]]:
    table = [["train", "Cupel, s/step", "TRL, s/step", "Cupel, s/epoch", "TRL, s/epoch", "ratio", "Cupel, MB", "TRL, MB",
              "memory", "forms"]]
    for case in training["cases"].values():
        sides = [case["cupel"], case["trl"]]
        table.append([case["what"], *(f"{side['step_s']:.2f}" for side in sides),
                      *(f"{side['epoch_s']:.0f}" for side in sides), f"{speed(case):.2f} x",
                      *(f"{side['peak_bytes'] / 1e6:.0f}" for side in sides), f"{memory(case):.2f} x",
                      f"{case['best']['cupel']}; {case['best']['trl']}"])
    return table


def figures(training: dict) -> list[tuple[str, str, str, bool, bool]]:
    """Of each target: what, the figure, the bound, whether it holds, and whether it is a time."""
    found = []
    for name, case in training["cases"].items():
        if name in SPEED:
            got = speed(case)
            found.append((f"train: {case['what']}, epoch, to TRL", f"{got:.2f} x", f">= {SPEED[name]} x",
                          got >= SPEED[name], True))
        if name in MEMORY:
            got = memory(case)
            found.append((f"train: {case['what']}, peak memory over TRL's", f"{got:.2f} x", f"<= {MEMORY[name]} x",
                          got <= MEMORY[name], False))
        if name in SAME_LOSS_CASES:
            got = case["loss_difference"]
            found.append((f"train: {case['what']}, losses of the first steps, from TRL's", f"{got:.1e}",
                          f"<= {SAME_LOSS:.0e}", got <= SAME_LOSS, False))
    return found
