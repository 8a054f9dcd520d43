#include "engine/model/hf/config_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "engine/model/rope_scaling.h"

namespace cupel::engine::hf {
namespace {

Json numbers(std::span<const float> values) {
  Json list = Json::array();
  for (const float value : values) {
    list.push_back(ConfigWriter::number(value));
  }
  return list;
}

bool near(double a, double b) {
  return std::fabs(a - b) <= 1e-6 * std::max(std::fabs(a), std::fabs(b));
}

}  // namespace

Json ConfigWriter::number(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, static_cast<float>(value)).ptr;
  double shortest = 0;
  std::from_chars(text, end, shortest);
  return shortest;
}

void ConfigWriter::set_kind(std::string_view model_type, std::string_view architecture) {
  set("architectures", Json::array().push_back(architecture));
  set("model_type", model_type);
}

void ConfigWriter::set_experts(std::string_view count_key) {
  for (const LayerDescription& layer : model_.layers) {
    const ExpertsDescription& experts = layer.feed_forward.experts;
    if (experts.count > 0) {
      set(count_key, experts.count);
      set("num_experts_per_tok", experts.used);
    }
  }
}

Result<Ok> ConfigWriter::set_one_window() {
  const int64_t window = model_.layers.front().attention.window;
  for (const LayerDescription& layer : model_.layers) {
    if (layer.attention.window != window) {
      return unsupported(
          "{}: only some layers have a sliding window, which config.json cannot say of this family",
          file_.path());
    }
  }
  set("sliding_window", window > 0 ? Json(window) : Json());
  return Ok{};
}

void ConfigWriter::set_layer_windows() {
  Json types = Json::array();
  int64_t window = 0;
  int64_t full_layers = 0;  // before the first that slides: what older files state
  for (const LayerDescription& layer : model_.layers) {
    const bool slides = layer.attention.window > 0;
    window = slides ? layer.attention.window : window;
    full_layers += window == 0 ? 1 : 0;
    types.push_back(slides ? "sliding_attention" : "full_attention");
  }
  set("layer_types", std::move(types));
  set("sliding_window", window > 0 ? Json(window) : Json());
  set("use_sliding_window", window > 0);
  set("max_window_layers", full_layers);
}

Result<bool> ConfigWriter::has_biases(std::initializer_list<std::string_view> parts) const {
  std::string with;
  std::string without;
  for (const CheckpointTensor& tensor : file_.tensors()) {
    const std::vector<std::string_view> name = split(tensor.name, '.');
    if (name.size() != 4 || name[3] != "weight" ||
        std::find(parts.begin(), parts.end(), name[2]) == parts.end()) {
      continue;
    }
    const std::string bias = format("blk.{}.{}.bias", name[1], name[2]);
    (file_.find_tensor(bias) != nullptr ? with : without) = bias;
  }
  if (!with.empty() && !without.empty()) {
    return unsupported("{}: has {} but no {}, which config.json cannot say", file_.path(), with,
                       without);
  }
  return !with.empty();
}

Result<Ok> ConfigWriter::refuse_biases() const {
  for (const CheckpointTensor& tensor : file_.tensors()) {
    if (tensor.name.ends_with(".bias")) {
      return unsupported("{}: transformers has no place for {} in a model of this kind",
                         file_.path(), printable(tensor.name));
    }
  }
  return Ok{};
}

Result<Ok> ConfigWriter::check_norm_biases() const {
  for (const CheckpointTensor& tensor : file_.tensors()) {
    const bool of_heads = tensor.name.find("attn_q_norm") != std::string_view::npos ||
                          tensor.name.find("attn_k_norm") != std::string_view::npos;
    if (!tensor.name.ends_with("norm.weight")) {
      continue;
    }
    const std::string bias = std::string(tensor.name.substr(0, tensor.name.rfind('.'))) + ".bias";
    const bool expected = model_.norm == NormKind::kLayer && !of_heads;
    if ((file_.find_tensor(bias) != nullptr) != expected) {
      return unsupported("{}: {} tensor {}, unlike transformers' models of this kind", file_.path(),
                         expected ? "has no" : "has a", bias);
    }
  }
  return Ok{};
}

Result<Ok> ConfigWriter::set_biases(const HfBiases& biases) {
  CUPEL_TRY_VOID(check_norm_biases());
  CUPEL_TRY(const bool qkv, has_biases({"attn_q", "attn_k", "attn_v", "attn_qkv"}));
  CUPEL_TRY(const bool output, has_biases({"attn_output"}));
  CUPEL_TRY(const bool dense, has_biases({"ffn_gate", "ffn_up", "ffn_down"}));
  const bool head = file_.find_tensor("output.bias") != nullptr;
  struct Group {
    std::string_view what;
    bool present;
    bool expected;
  };
  const bool may_qkv = biases.attention_always || !biases.attention.empty();
  const Group groups[] = {
      {"attn_q", qkv, biases.attention_always || (qkv && may_qkv)},
      {"attn_output", output, biases.output && qkv && may_qkv},
      {"ffn_up", dense, dense && !biases.feed_forward.empty()},
      {"output", head, head && !biases.head.empty()},
  };
  for (const Group& group : groups) {
    if (group.present != group.expected) {
      return unsupported("{}: its {} {} a bias, unlike transformers' models of this kind",
                         file_.path(), group.what, group.present ? "has" : "has not");
    }
  }
  for (const auto& [key, value] :
       {std::pair(biases.attention, qkv), std::pair(biases.feed_forward, dense),
        std::pair(biases.head, head)}) {
    if (!key.empty()) {
      set(key, value);
    }
  }
  return Ok{};
}

Result<Ok> ConfigWriter::set_common() {
  const AttentionDescription& attention = model_.layers.front().attention;
  set("vocab_size", model_.vocabulary_size);
  set("hidden_size", model_.width);
  set("intermediate_size", model_.layers.front().feed_forward.width);
  set("num_hidden_layers", model_.layers.size());
  set("num_attention_heads", attention.heads);
  set("num_key_value_heads", attention.kv_heads);
  set("head_dim", attention.head_dim);
  set("max_position_embeddings", model_.context_length);
  set("hidden_act", "silu");
  set_number(file_.contains(model_.architecture + ".attention.layer_norm_rms_epsilon")
                 ? "rms_norm_eps"
                 : "layer_norm_eps",
             model_.norm_epsilon);
  set("tie_word_embeddings", model_.tied_head);
  set("use_cache", true);
  return set_rope();
}

Result<Ok> ConfigWriter::set_rope() {
  const auto layer = std::find_if(model_.layers.begin(), model_.layers.end(), [](const auto& each) {
    return each.attention.window == 0 && each.attention.rope.rotary_dim > 0;
  });
  const AttentionDescription& attention =
      (layer == model_.layers.end() ? model_.layers.front() : *layer).attention;
  set_number("rope_theta", attention.rope.base);
  if (attention.rope.rotary_dim != attention.head_dim) {
    set("partial_rotary_factor",
        static_cast<double>(attention.rope.rotary_dim) / static_cast<double>(attention.head_dim));
  }
  CUPEL_TRY(Json scaling, rope_scaling(attention.rope));
  set("rope_scaling", std::move(scaling));
  return Ok{};
}

Result<Json> ConfigWriter::rope_scaling(const RopeDescription& rope) {
  const std::string prefix = model_.architecture + ".rope.scaling.";
  CUPEL_TRY(const std::string type, file_.get_string_or(prefix + "type", "none"));
  if (file_.find_tensor("rope_freqs.weight") != nullptr) {
    return llama3_scaling(rope);
  }
  if (rope.long_from > 0) {
    return long_rope_scaling(rope);
  }
  if (type == "yarn") {
    return yarn_scaling();
  }
  if (rope.dynamic_from > 0) {
    return Json::object().set("rope_type", "dynamic").set("factor", number(rope.dynamic_factor));
  }
  if (rope.position_scale != 1) {
    return Json::object().set("rope_type", "linear").set("factor", number(1 / rope.position_scale));
  }
  return Json();
}

/// GGUF holds the factors alone: the settings that published models have are tried.
Result<Json> ConfigWriter::llama3_scaling(const RopeDescription& rope) const {
  Llama3Scaling scaling{.factor = 1};
  for (const float factor : rope.frequency_factors) {
    scaling.factor = std::max(scaling.factor, static_cast<double>(factor));
  }
  for (int64_t original = 1; original <= model_.context_length; original *= 2) {
    scaling.original_context = static_cast<double>(original);
    const std::vector<float> factors = llama3_factors(scaling, rope.base, rope.rotary_dim);
    if (std::equal(factors.begin(), factors.end(), rope.frequency_factors.begin(),
                   rope.frequency_factors.end(), near)) {
      return Json::object()
          .set("rope_type", "llama3")
          .set("factor", number(scaling.factor))
          .set("low_freq_factor", number(scaling.low_factor))
          .set("high_freq_factor", number(scaling.high_factor))
          .set("original_max_position_embeddings", original);
    }
  }
  return unsupported(
      "{}: no setting of llama3 scaling with frequency factors 1 and 4 gives the numbers of "
      "rope_freqs.weight, so that config.json cannot say them",
      file_.path());
}

Result<Json> ConfigWriter::yarn_scaling() const {
  const std::string prefix = model_.architecture + ".rope.scaling.";
  CUPEL_TRY(const double factor, file_.get_f64(prefix + "factor"));
  CUPEL_TRY(const uint64_t original,
            file_.get_u64_or(prefix + "original_context_length",
                             static_cast<uint64_t>(model_.context_length)));
  CUPEL_TRY(const double fast, file_.get_f64_or(prefix + "yarn_beta_fast", 32));
  CUPEL_TRY(const double slow, file_.get_f64_or(prefix + "yarn_beta_slow", 1));
  CUPEL_TRY(const bool truncate, file_.get_bool_or(prefix + "yarn_truncate", true));
  const double implied = yarn_magnitude(factor);
  CUPEL_TRY(const double attention, file_.get_f64_or(prefix + "attn_factor", implied));
  Json scaling = Json::object()
                     .set("rope_type", "yarn")
                     .set("factor", number(factor))
                     .set("original_max_position_embeddings", original)
                     .set("beta_fast", number(fast))
                     .set("beta_slow", number(slow));
  if (!truncate) {
    scaling.set("truncate", false);
  }
  if (!near(attention, implied)) {
    scaling.set("attention_factor", number(attention));
  }
  return scaling;
}

Json ConfigWriter::long_rope_scaling(const RopeDescription& rope) {
  set("original_max_position_embeddings", rope.long_from);
  Json scaling = Json::object()
                     .set("rope_type", "longrope")
                     .set("long_factor", numbers(rope.long_factors))
                     .set("short_factor", numbers(rope.frequency_factors));
  const double implied = long_rope_magnitude(static_cast<double>(model_.context_length),
                                             static_cast<double>(rope.long_from));
  if (!near(rope.magnitude, implied)) {
    scaling.set("attention_factor", number(rope.magnitude));
  }
  return scaling;
}

}  // namespace cupel::engine::hf
