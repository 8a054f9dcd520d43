#include "engine/model/hf/translation.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "engine/model/hf/rope_config.h"
#include "engine/model/hf/window_config.h"

namespace cupel::engine::hf {
namespace {

// What most families call their tensors. Norms of another place come first in a family's own list.
constexpr TensorName kCommonNames[] = {
    {"model.embed_tokens", "token_embd"},
    {"model.norm", "output_norm"},
    {"lm_head", "output"},
    {"score", "cls.output"},
    {"model.layers.#.input_layernorm", "blk.#.attn_norm"},
    {"model.layers.#.self_attn.q_proj", "blk.#.attn_q"},
    {"model.layers.#.self_attn.k_proj", "blk.#.attn_k"},
    {"model.layers.#.self_attn.v_proj", "blk.#.attn_v"},
    {"model.layers.#.self_attn.qkv_proj", "blk.#.attn_qkv"},
    {"model.layers.#.self_attn.o_proj", "blk.#.attn_output"},
    {"model.layers.#.self_attn.q_norm", "blk.#.attn_q_norm"},
    {"model.layers.#.self_attn.k_norm", "blk.#.attn_k_norm"},
    {"model.layers.#.post_attention_layernorm", "blk.#.ffn_norm"},
    {"model.layers.#.mlp.gate_proj", "blk.#.ffn_gate"},
    {"model.layers.#.mlp.up_proj", "blk.#.ffn_up"},
    {"model.layers.#.mlp.down_proj", "blk.#.ffn_down"},
    {"model.layers.#.mlp.gate", "blk.#.ffn_gate_inp"},
    {"model.layers.#.mlp.experts.*.gate_proj", "blk.#.ffn_gate.*"},
    {"model.layers.#.mlp.experts.*.up_proj", "blk.#.ffn_up.*"},
    {"model.layers.#.mlp.experts.*.down_proj", "blk.#.ffn_down.*"},
    {"model.layers.#.mlp.shared_expert_gate", "blk.#.ffn_gate_inp_shexp"},
    {"model.layers.#.mlp.shared_expert.gate_proj", "blk.#.ffn_gate_shexp"},
    {"model.layers.#.mlp.shared_expert.up_proj", "blk.#.ffn_up_shexp"},
    {"model.layers.#.mlp.shared_expert.down_proj", "blk.#.ffn_down_shexp"},
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The numbers that stand for '#' and '*', in order; nothing when `name` does not fit `pattern`.
bool fits(std::string_view name, std::string_view pattern, std::vector<std::string_view>& numbers) {
  numbers.clear();
  while (!pattern.empty()) {
    if (pattern.front() == '#' || pattern.front() == '*') {
      const auto* end = std::find_if_not(name.begin(), name.end(), is_digit);
      const auto digits = static_cast<size_t>(end - name.begin());
      if (digits == 0) {
        return false;
      }
      numbers.push_back(name.substr(0, digits));
      name.remove_prefix(digits);
    } else if (!name.empty() && name.front() == pattern.front()) {
      name.remove_prefix(1);
    } else {
      return false;
    }
    pattern.remove_prefix(1);
  }
  return name.empty();
}

std::string filled_in(std::string_view pattern, const std::vector<std::string_view>& numbers) {
  std::string name;
  size_t used = 0;
  for (const char c : pattern) {
    if (c == '#' || c == '*') {
      name += numbers[used++];
    } else {
      name += c;
    }
  }
  return name;
}

/// Settings of training, of the file's history and of generation.
void ignore_what_changes_nothing(ConfigReader& config) {
  config.ignore({"architectures",
                 "id2label",
                 "label2id",
                 "num_labels",
                 "problem_type",
                 "model_type",
                 "_name_or_path",
                 "name_or_path",
                 "auto_map",
                 "torch_dtype",
                 "dtype",
                 "transformers_version",
                 "use_cache",
                 "cache_implementation",
                 "bos_token_id",
                 "eos_token_id",
                 "pad_token_id",
                 "unk_token_id",
                 "initializer_range",
                 "initializer_factor",
                 "attention_dropout",
                 "attn_dropout",
                 "attn_pdrop",
                 "embd_pdrop",
                 "resid_pdrop",
                 "hidden_dropout",
                 "dropout",
                 "output_router_logits",
                 "router_aux_loss_coef",
                 "is_llama_config",
                 "rope_interleaved",
                 "transformers.js_config",  // how a browser keeps its cache
                 "unsloth_fixed",
                 "unsloth_version",
                 "pretraining_tp",  // parts that matrices were once computed in: the same sums
                 "_attn_implementation",
                 "_attn_implementation_autoset",
                 "max_window_layers",
                 "use_sliding_window",
                 "tie_word_embeddings"});
}

Result<Ok> translate_norm(ConfigReader& config, Translation& out) {
  if (config.contains("rms_norm_eps")) {
    CUPEL_TRY(const double epsilon, config.number("rms_norm_eps"));
    out.set_number("attention.layer_norm_rms_epsilon", epsilon);
    return Ok{};
  }
  CUPEL_TRY(const double epsilon, config.number("layer_norm_eps"));
  out.set_number("attention.layer_norm_epsilon", epsilon);
  return Ok{};
}

Result<Ok> translate_counts(ConfigReader& config, Translation& out) {
  CUPEL_TRY(const int64_t width, config.integer("hidden_size"));
  CUPEL_TRY(const int64_t layers, config.integer("num_hidden_layers"));
  CUPEL_TRY(const int64_t heads, config.integer("num_attention_heads"));
  CUPEL_TRY(const int64_t kv_heads, config.integer_or("num_key_value_heads", heads));
  CUPEL_TRY(const int64_t head_dim,
            config.integer_or("head_dim", width / std::max<int64_t>(1, heads)));
  CUPEL_TRY(const int64_t context, config.integer("max_position_embeddings"));
  CUPEL_TRY(const int64_t feed_forward, config.integer("intermediate_size"));
  CUPEL_TRY(const int64_t vocabulary, config.integer("vocab_size"));
  out.set_size("embedding_length", width);
  out.set_size("block_count", layers);
  out.set_size("attention.head_count", heads);
  out.set_size("attention.head_count_kv", kv_heads);
  out.set_size("attention.key_length", head_dim);
  out.set_size("attention.value_length", head_dim);
  out.set_size("context_length", context);
  out.set_size("feed_forward_length", feed_forward);
  out.set_size("vocab_size", vocabulary);
  return Ok{};
}

}  // namespace

std::string Translation::key(std::string_view name) const {
  return format("{}.{}", architecture, name);
}
void Translation::set_size(std::string_view name, int64_t value) {
  if (value >= 0 && value <= std::numeric_limits<uint32_t>::max()) {
    header.set<uint32_t>(key(name), static_cast<uint32_t>(value));  // what readers of GGUF expect
  } else {
    header.set<int64_t>(key(name), value);
  }
}
void Translation::set_number(std::string_view name, double value) {
  header.set<float>(key(name), static_cast<float>(value));
}
void Translation::set_flag(std::string_view name, bool value) {
  header.set<bool>(key(name), value);
}
void Translation::set_text(std::string_view name, std::string_view value) {
  header.set_string(key(name), value);
}
void Translation::set_flags(std::string_view name, const std::vector<bool>& values) {
  const std::vector<int32_t> numbers(values.begin(), values.end());
  header.set_array<int32_t>(key(name), numbers);
}

namespace {

/// `name` by the first entry whose `from` fits, in the words of its `to`.
std::string renamed(std::string_view name,
                    std::span<const TensorName> names,
                    std::string_view TensorName::*from,
                    std::string_view TensorName::*to) {
  const size_t dot = name.rfind('.');
  const std::string_view stem = name.substr(0, dot);
  const std::string_view end = dot == std::string_view::npos ? "" : name.substr(dot);
  std::vector<std::string_view> numbers;
  const std::span<const TensorName> common = kCommonNames;
  for (const std::span<const TensorName> list : {names, common}) {
    for (const TensorName& entry : list) {
      if (fits(stem, entry.*from, numbers)) {
        return filled_in(entry.*to, numbers) + std::string(end);
      }
    }
  }
  return {};
}

}  // namespace

std::string gguf_name(std::string_view hf_name, std::span<const TensorName> names) {
  return renamed(hf_name, names, &TensorName::hf, &TensorName::gguf);
}

std::string hf_name(std::string_view gguf_name, std::span<const TensorName> names) {
  return renamed(gguf_name, names, &TensorName::gguf, &TensorName::hf);
}

std::vector<TensorName> sparse_block_names() {
  return {{"model.layers.#.block_sparse_moe.gate", "blk.#.ffn_gate_inp"},
          {"model.layers.#.block_sparse_moe.experts.*.w1", "blk.#.ffn_gate.*"},
          {"model.layers.#.block_sparse_moe.experts.*.w3", "blk.#.ffn_up.*"},
          {"model.layers.#.block_sparse_moe.experts.*.w2", "blk.#.ffn_down.*"}};
}

Result<Ok> translate_sizes(ConfigReader& config, Translation& out) {
  ignore_what_changes_nothing(config);
  CUPEL_TRY_VOID(translate_counts(config, out));
  return translate_norm(config, out);
}

Result<Ok> translate_common(ConfigReader& config, Translation& out) {
  CUPEL_TRY_VOID(translate_sizes(config, out));
  // Whether there are biases is told by the tensors; a bias without its tensor is refused later.
  config.ignore({"attention_bias", "mlp_bias", "use_qkv_bias", "lm_head_bias"});
  CUPEL_TRY_VOID(translate_windows(config, out));
  return translate_rope(config, out);
}

Result<Ok> translate_experts(ConfigReader& config, Translation& out) {
  const std::string_view count_key =
      config.contains("num_local_experts") ? "num_local_experts" : "num_experts";
  CUPEL_TRY(const int64_t count, config.integer(count_key));
  CUPEL_TRY(const int64_t used, config.integer("num_experts_per_tok"));
  out.set_size("expert_count", count);
  out.set_size("expert_used_count", used);
  if (config.contains("moe_intermediate_size")) {
    CUPEL_TRY(const int64_t width, config.integer("moe_intermediate_size"));
    out.set_size("expert_feed_forward_length", width);
  }
  if (config.contains("shared_expert_intermediate_size")) {
    CUPEL_TRY(const int64_t width, config.integer("shared_expert_intermediate_size"));
    out.set_size("expert_shared_feed_forward_length", width);
  }
  if (config.contains("norm_topk_prob")) {
    CUPEL_TRY(const bool renormalise, config.flag_or("norm_topk_prob", false));
    out.set_flag("expert_weights_norm", renormalise);
  }
  // Which layers have experts is told by the tensors.
  config.ignore(
      {"decoder_sparse_step", "mlp_only_layers", "router_jitter_noise", "input_jitter_noise"});
  return Ok{};
}

}  // namespace cupel::engine::hf
