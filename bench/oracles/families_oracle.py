#!/usr/bin/env python3
"""Logits and greedy continuations of tiny models of every family, by transformers.

Usage: families_oracle.py [--out DIR] [--only NAME…] [--keep DIR]

Writes tests/data/oracles/families/<name>.json: the configuration as transformers saves it, the names and shapes of
the saved tensors, token ids, logits and a greedy continuation. Weights are no part of it: each is a function of the
tensor's name and the element's index (see `weights`), which tests/support/seeded_weights.cpp repeats. --keep leaves
the checkpoints in a folder. The fixtures name the version of transformers.
"""
import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors import safe_open

MASK = (1 << 64) - 1
IDS = 40          # of the prompt
GREEDY = 32       # tokens that follow it
SHOWN = (0, 1, 7, 8, 9, 20, 39)  # positions of which all logits are kept


def mix(x):
    """The finaliser of SplitMix64, over uint64 arrays."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def seed_of(name):
    """FNV-1a of the name."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


def weights(name, shape):
    """Uniform in [-1, 1) with 24 bits, times a scale, plus 1 for norms: what a file holds."""
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        index = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        bits = mix(index + np.uint64(seed_of(name)))
    unit = (bits >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1
    scale, offset = scale_of(name, shape)
    return (unit * scale + offset).astype(np.float32).reshape(shape)


def scale_of(name, shape):
    if len(shape) == 1:
        norm = "norm" in name.lower() and name.endswith("weight")
        return 0.25, (1.0 if norm else 0.0)
    if "embed_tokens" in name:
        return 1.0, 0.0
    return 2.0 / np.sqrt(shape[-1]), 0.0


COMMON = dict(vocab_size=96, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, max_position_embeddings=128, bos_token_id=1, eos_token_id=2, pad_token_id=0)
LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
LONG = dict(rope_type="longrope", rope_theta=10000.0, short_factor=[1.0 + 0.05 * i for i in range(8)],
            long_factor=[1.0 + 0.4 * i for i in range(8)])


def rope(**settings):
    return dict(rope_theta=10000.0, rope_type="default") | settings


# name: (class of the configuration, its settings beyond COMMON)
CASES = {
    "llama": ("LlamaConfig", dict()),
    "llama_mha_bias": ("LlamaConfig", dict(num_key_value_heads=4, attention_bias=True, mlp_bias=True)),
    "llama_head_dim": ("LlamaConfig", dict(head_dim=32, tie_word_embeddings=True)),
    "llama_llama3": ("LlamaConfig", dict(rope_parameters=LLAMA3)),
    "llama_linear": ("LlamaConfig", dict(rope_parameters=rope(rope_type="linear", factor=4.0))),
    "llama_dynamic": ("LlamaConfig", dict(rope_parameters=rope(rope_type="dynamic", factor=2.0))),
    "llama_yarn": ("LlamaConfig", dict(rope_parameters=rope(rope_type="yarn", factor=4.0,
                                                            original_max_position_embeddings=32))),
    "mistral_window": ("MistralConfig", dict(sliding_window=8)),
    "mistral": ("MistralConfig", dict(sliding_window=None)),
    "mixtral": ("MixtralConfig", dict(num_local_experts=4, num_experts_per_tok=2, sliding_window=None)),
    "qwen2": ("Qwen2Config", dict(rms_norm_eps=1e-6)),
    "qwen2_window": ("Qwen2Config", dict(use_sliding_window=True, sliding_window=8, max_window_layers=1)),
    "qwen2_yarn_tied": ("Qwen2Config", dict(tie_word_embeddings=True, rope_parameters=rope(
        rope_theta=1e6, rope_type="yarn", factor=4.0, original_max_position_embeddings=32))),
    "qwen2_moe": ("Qwen2MoeConfig", dict(num_experts=6, num_experts_per_tok=3, moe_intermediate_size=32,
                                         shared_expert_intermediate_size=64)),
    "qwen2_moe_mixed": ("Qwen2MoeConfig", dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32,
                                               shared_expert_intermediate_size=32, mlp_only_layers=[0],
                                               norm_topk_prob=True)),
    "qwen3": ("Qwen3Config", dict(head_dim=32)),
    "qwen3_moe": ("Qwen3MoeConfig", dict(head_dim=32, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32,
                                         norm_topk_prob=True)),
    "gemma2": ("Gemma2Config", dict(head_dim=32, query_pre_attn_scalar=24, sliding_window=8,
                                    attn_logit_softcapping=5.0, final_logit_softcapping=3.0)),
    "gemma3": ("Gemma3TextConfig", dict(head_dim=32, query_pre_attn_scalar=32, sliding_window=8, num_hidden_layers=6)),
    "gemma3_linear": ("Gemma3TextConfig", dict(
        head_dim=32, query_pre_attn_scalar=32, sliding_window=8, num_hidden_layers=3,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        rope_parameters=dict(full_attention=rope(rope_theta=1e6, rope_type="linear", factor=8.0),
                             sliding_attention=rope()))),
    # The folder holds a vision tower too; text alone is read.
    "gemma3_multimodal": ("Gemma3Config", dict(head_dim=32, query_pre_attn_scalar=32, sliding_window=8,
                                               num_hidden_layers=6)),
    "phi3": ("Phi3Config", dict(sliding_window=8)),
    "phi3_long": ("Phi3Config", dict(rope_parameters=LONG | dict(original_max_position_embeddings=64),
                                     original_max_position_embeddings=64, sliding_window=None)),
    "phi3_long_beyond": ("Phi3Config", dict(rope_parameters=LONG | dict(original_max_position_embeddings=30),
                                            original_max_position_embeddings=30, sliding_window=None)),
    "phi3_partial": ("Phi3Config", dict(num_key_value_heads=4, sliding_window=None,
                                        rope_parameters=rope(partial_rotary_factor=0.5))),
    "phimoe": ("PhimoeConfig", dict(num_local_experts=4, num_experts_per_tok=2, attention_bias=True, lm_head_bias=True,
                                    sliding_window=None)),
    # Below the original length: beyond it transformers goes on with the short factors, its authors with the long ones.
    "phimoe_long": ("PhimoeConfig", dict(num_local_experts=4, num_experts_per_tok=2, attention_bias=True,
                                         lm_head_bias=True, sliding_window=None, rope_parameters=LONG | dict(
                                             original_max_position_embeddings=100, short_mscale=1.2, long_mscale=1.2))),
    "stablelm": ("StableLmConfig", dict(rope_parameters=rope(partial_rotary_factor=0.25))),
    "stablelm_parallel": ("StableLmConfig", dict(use_parallel_residual=True, qk_layernorm=True, use_qkv_bias=True,
                                                 rope_parameters=rope(partial_rotary_factor=0.25))),
    "smollm3": ("SmolLM3Config", dict(num_hidden_layers=4, rope_parameters=rope(rope_theta=5e6))),
    "olmo2": ("Olmo2Config", dict()),
}


VISION = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14)


def configuration(name):
    kind, settings = CASES[name]
    settings = COMMON | settings
    if kind == "Gemma3Config":
        return transformers.Gemma3Config(text_config=settings, vision_config=VISION, mm_tokens_per_image=4)
    return getattr(transformers, kind)(**settings)


def make(name, folder):
    """A checkpoint of the case with seeded weights; returns the model read back from it."""
    config = configuration(name)
    config._attn_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.save_pretrained(folder)
    from safetensors.numpy import save_file
    tensors = {}
    with safe_open(folder / "model.safetensors", "np") as file:
        for key in file.keys():
            tensors[key] = weights(key, file.get_slice(key).get_shape())
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    return model.eval(), [[key, list(value.shape)] for key, value in sorted(tensors.items())]


def run(name, out, keep):
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(keep) / name if keep else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        model, tensors = make(name, folder)
        config = json.loads((folder / "config.json").read_text())
        ids = [int(x) for x in mix(np.arange(7, 7 + IDS, dtype=np.uint64)) % np.uint64(90) + np.uint64(3)]
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0].double().numpy()
            model.generation_config.eos_token_id = None  # nothing ends it, and nothing is suppressed
            written = model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=GREEDY, pad_token_id=0,
                                     attention_mask=torch.ones(1, IDS, dtype=torch.long))
    fixture = dict(made_with=f"transformers {transformers.__version__}", config=config, tensors=tensors, ids=ids,
                   positions=list(SHOWN), logits=[[float(f"{x:.7g}") for x in logits[p]] for p in SHOWN],
                   greedy=written[0][IDS:].tolist())
    (out / f"{name}.json").write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
    print(name, len(tensors), "tensors", fixture["greedy"][:6])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=Path, default=root / "tests/data/oracles/families")
    parser.add_argument("--only", nargs="*", default=list(CASES))
    parser.add_argument("--keep")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.only:
        run(name, args.out, args.keep)


if __name__ == "__main__":
    main()
