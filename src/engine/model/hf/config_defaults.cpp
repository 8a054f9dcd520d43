#include "engine/model/hf/config_defaults.h"

#include "base/check.h"
#include "base/result.h"

namespace cupel::engine::hf {
namespace {

struct Default {
  std::string_view model_type;
  std::string_view key;
  std::string_view value;  // as JSON
};

// Only what no tensor shows: a wrong guess of the others is refused by their shapes.
constexpr Default kDefaults[] = {
    {"gemma2", "attn_logit_softcapping", "50.0"},   {"gemma2", "final_logit_softcapping", "30.0"},
    {"gemma2", "tie_word_embeddings", "true"},      {"gemma3_text", "rope_theta", "1000000.0"},
    {"gemma3_text", "tie_word_embeddings", "true"}, {"mistral", "sliding_window", "4096"},
    {"mixtral", "rope_theta", "1000000.0"},         {"phimoe", "rope_theta", "1000000.0"},
    {"qwen2", "use_sliding_window", "false"},       {"qwen2", "max_window_layers", "28"},
    {"qwen2_moe", "use_sliding_window", "false"},   {"qwen2_moe", "max_window_layers", "28"},
    {"qwen3", "use_sliding_window", "false"},       {"qwen3", "max_window_layers", "28"},
    {"qwen3_moe", "norm_topk_prob", "false"},       {"qwen3_moe", "use_sliding_window", "false"},
    {"smollm3", "no_rope_layer_interval", "4"},     {"smollm3", "rope_theta", "2000000.0"},
    {"smollm3", "tie_word_embeddings", "true"},     {"smollm3", "use_sliding_window", "false"},
    {"stablelm", "partial_rotary_factor", "0.25"}};

}  // namespace

Json with_defaults(const Json& config, std::string_view model_type) {
  Json complete = config;
  for (const Default& each : kDefaults) {
    if (each.model_type == model_type && !config.contains(each.key)) {
      auto value = parse_json(each.value);
      CUPEL_CHECK(value.has_value(), each.value);
      complete.set(each.key, std::move(*value));
    }
  }
  return complete;
}

}  // namespace cupel::engine::hf
