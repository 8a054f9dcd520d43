"""Float32 transformers models rebuilt from GGUF files.

Weights are gguf-py's dequantised tensors, so the models hold exactly what the file holds; attention is
transformers' eager one. The configuration comes from the metadata, plus what Gemma 3 files do not
state: five sliding layers per full one, RoPE base 10,000 on sliding layers, tanh GELU.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader, dequantize
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM

from gguf_tokenizers import MODEL_FILES

LAYER_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_norm": "input_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
# The same GGUF name stands before different norms in the two families.
FAMILY_NAMES = {
    "llama": {"ffn_norm": "post_attention_layernorm"},
    "gemma3": {"post_attention_norm": "post_attention_layernorm", "ffn_norm": "pre_feedforward_layernorm"},
}


def make_config(get, family: str, vocab_size: int):
    """`get` reads one metadata key below the family's prefix."""
    common = dict(
        vocab_size=vocab_size,
        hidden_size=get("embedding_length"),
        intermediate_size=get("feed_forward_length"),
        num_hidden_layers=get("block_count"),
        num_attention_heads=get("attention.head_count"),
        num_key_value_heads=get("attention.head_count_kv"),
        rms_norm_eps=get("attention.layer_norm_rms_epsilon"),
        max_position_embeddings=get("context_length"),
        tie_word_embeddings=True,
        attn_implementation="eager",
    )
    full_rope = {"rope_type": "default", "rope_theta": get("rope.freq_base")}
    if family == "llama":
        return LlamaConfig(**common, head_dim=get("rope.dimension_count"), rope_parameters=full_rope)
    return Gemma3TextConfig(
        **common,
        head_dim=get("attention.key_length"),
        query_pre_attn_scalar=get("attention.key_length"),
        sliding_window=get("attention.sliding_window"),
        sliding_window_pattern=6,
        hidden_activation="gelu_pytorch_tanh",
        rope_parameters={
            "full_attention": full_rope,
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        },
    )


def half_split_rows(weight: np.ndarray, heads: int) -> np.ndarray:
    """Undoes the row order of llama-family Q and K, which pairs neighbours for RoPE, per head."""
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def torch_name(name: str, family: str) -> str:
    if name == "token_embd.weight":
        return "model.embed_tokens.weight"
    if name == "output_norm.weight":
        return "model.norm.weight"
    _, layer, kind, suffix = name.split(".")
    return f"model.layers.{layer}.{(LAYER_NAMES | FAMILY_NAMES[family])[kind]}.{suffix}"


def load_model(gguf_path: str | Path) -> torch.nn.Module:
    """The model of one GGUF file in float32 on the CPU, in evaluation mode."""
    reader = GGUFReader(str(gguf_path))
    family = reader.fields["general.architecture"].contents()

    def get(key: str):
        return reader.fields[f"{family}.{key}"].contents()

    tensors = {tensor.name: tensor for tensor in reader.tensors}
    config = make_config(get, family, vocab_size=int(tensors["token_embd.weight"].shape[1]))
    model = (LlamaForCausalLM if family == "llama" else Gemma3ForCausalLM)(config)

    state = {}
    for name, tensor in tensors.items():
        weight = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if family == "llama" and name.endswith(("attn_q.weight", "attn_k.weight")):
            heads = config.num_attention_heads if "attn_q" in name else config.num_key_value_heads
            weight = half_split_rows(weight, heads)
        if family == "gemma3" and name.endswith("norm.weight"):
            # transformers multiplies by 1 + weight; the file holds the sum.
            stored, weight = weight, weight - np.float32(1)
            if not np.allclose(weight + np.float32(1), stored, rtol=1e-6, atol=1e-7):
                raise ValueError(f"{name}: taking 1 from the weights loses too much")
        state[torch_name(name, family)] = torch.from_numpy(weight)
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or set(missing) != {"lm_head.weight"}:
        raise ValueError(f"missing {missing}, unexpected {unexpected}")
    model.tie_weights()
    if model.lm_head.weight.data_ptr() != model.get_input_embeddings().weight.data_ptr():
        raise ValueError("the head is not tied to the embedding")
    return model.float().eval()


def load_named_model(model: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return load_model(MODEL_FILES[model])
