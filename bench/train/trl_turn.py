#!/usr/bin/env python3
"""One turn of TRL, in the environment of `bench/setup.sh --train`; prints one JSON object.

    trl_turn.py {dpo,lora,sft} --model DIR --rows FILE --steps N --threads N [--precision f32|bf16|autocast]
                [--reference live|precomputed] [--micro 4]

bf16: the model itself is in bf16; autocast: f32 weights, products in bf16. No checkpointing, no evaluation, nothing
saved. "steps_s": the time of each optimiser step; "reference_s": that of the log-probs computed beforehand; what came
before (imports, the model's file, tokens) counts for nothing.
"""
from __future__ import annotations

import argparse
import json
import os
import tempfile
import time

os.environ |= {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
import torch  # noqa: E402
import transformers  # noqa: E402
from datasets import load_dataset  # noqa: E402
from peft import LoraConfig  # noqa: E402
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer  # noqa: E402

BATCH, PACKED_LENGTH = 4, 1024


class Clock(transformers.TrainerCallback):
    def __init__(self):
        self.steps, self.losses, self.began = [], [], 0.0

    def on_step_begin(self, *args, **kwargs):
        self.began = time.perf_counter()

    def on_step_end(self, *args, **kwargs):
        self.steps.append(time.perf_counter() - self.began)

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            self.losses.append(logs["loss"])


class TimedDPOTrainer(DPOTrainer):
    reference_s = 0.0

    def _precompute_ref_logps(self, *args, **kwargs):
        began = time.perf_counter()
        result = super()._precompute_ref_logps(*args, **kwargs)
        self.reference_s += time.perf_counter() - began
        return result


def trainer_of(options, out, clock):
    shared = dict(output_dir=out, max_steps=options.steps, num_train_epochs=100, learning_rate=1e-5, seed=1,
                  per_device_train_batch_size=options.micro, gradient_accumulation_steps=BATCH // options.micro,
                  logging_steps=1, save_strategy="no", report_to="none", disable_tqdm=True, use_cpu=True,
                  bf16=options.precision == "autocast", gradient_checkpointing=False, warmup_steps=0,
                  train_sampling_strategy="sequential", dataloader_pin_memory=False, max_grad_norm=1.0,
                  lr_scheduler_type="constant", weight_decay=0.0,
                  model_init_kwargs=dict(dtype="bfloat16" if options.precision == "bf16" else "float32"))
    rows = load_dataset("json", data_files=options.rows, split="train", cache_dir=out)
    if options.method == "sft":
        config = SFTConfig(**shared, packing=True, packing_strategy="bfd", max_length=PACKED_LENGTH)
        return SFTTrainer(options.model, args=config, train_dataset=rows, callbacks=[clock])
    rows = rows.select(range(min(len(rows), options.steps * BATCH)))
    config = DPOConfig(**shared, beta=0.1, precompute_ref_log_probs=options.reference == "precomputed")
    lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")
    return TimedDPOTrainer(options.model, args=config, train_dataset=rows, callbacks=[clock],
                           peft_config=lora if options.method == "lora" else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=("dpo", "lora", "sft"))
    parser.add_argument("--model", required=True)
    parser.add_argument("--rows", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--precision", choices=("f32", "bf16", "autocast"), default="f32")
    parser.add_argument("--reference", choices=("live", "precomputed"), default="live")
    parser.add_argument("--micro", type=int, default=BATCH)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = Clock()
    with tempfile.TemporaryDirectory() as out:
        trainer = trainer_of(options, out, clock)
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    print(json.dumps({"steps_s": clock.steps, "reference_s": getattr(trainer, "reference_s", 0.0),
                      "losses": clock.losses}))


if __name__ == "__main__":
    main()
