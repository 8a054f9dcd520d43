#!/usr/bin/env python3
"""Trains a small llama in f32 on the documents and sources of this repository: weights that were never quantised.

    python bench/quant/train_model.py --out DIR [--steps 400]

Byte-level BPE of 2048 tokens and a llama of 4 layers, width 256 (K types need rows of 256), trained for some minutes on
one core; the last tenth of the text is held out and written to DIR/held-out.txt. The folder is one of transformers'.
Seeded: the same machine writes the same folder.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

ROOT = Path(__file__).resolve().parents[2]
SEQUENCE, BATCH, RATE = 128, 16, 2e-3


def corpus() -> tuple[str, str]:
    """Training and held-out text: every tenth file is held out."""
    paths = sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("src/**/*.md"), *ROOT.glob("src/**/*.h"), ROOT / "README.md"])
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return "".join(t for i, t in enumerate(texts) if i % 10), "".join(t for i, t in enumerate(texts) if i % 10 == 0)


def train_tokenizer(text: str) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=2048, special_tokens=["<|endoftext|>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(text.splitlines(keepends=True), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>")


def train(ids: torch.Tensor, vocabulary: int, steps: int) -> LlamaForCausalLM:
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=vocabulary, hidden_size=256, intermediate_size=768, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=1024, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.1, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        starts = torch.randint(0, len(ids) - SEQUENCE - 1, (BATCH,))
        batch = torch.stack([ids[start:start + SEQUENCE] for start in starts])
        loss = model(batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    print(f"loss {loss.item():.3f} nats a token after {steps} steps")
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=400)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    text, held_out = corpus()
    tokenizer = train_tokenizer(text)
    ids = torch.tensor(tokenizer.encode(text))
    model = train(ids, len(tokenizer), options.steps)
    model.save_pretrained(options.out)
    tokenizer.save_pretrained(options.out)
    (options.out / "held-out.txt").write_text(held_out[:24000], encoding="utf-8")


if __name__ == "__main__":
    main()
