#include "engine/checkpoint/quantize_plan.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/error.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

constexpr std::string_view kMixture = "q4_k_m";

// Small matrices whose error would cost more than their bytes save; runtimes expect them as floats.
bool stays_float(std::string_view name) {
  constexpr std::string_view kParts[] = {"_norm.",     "ffn_gate_inp",  "ssm_conv1d",
                                         "ssm_x",      "ssm_dt",        "ssm_a",
                                         "rope_freqs", "position_embd", "token_types"};
  return std::any_of(std::begin(kParts), std::end(kParts), [&](std::string_view part) {
    return name.find(part) != std::string_view::npos;
  });
}

bool is_weight_matrix(const SourceTensor& tensor) {
  return tensor.dims.size() >= 2 && tensor.name.ends_with(".weight") && !stays_float(tensor.name);
}

// What stands in for a type whose super-blocks do not fit a row.
TensorType simpler_type(TensorType type) {
  switch (type) {
    case TensorType::kQ4_K:
      return TensorType::kQ5_0;
    case TensorType::kQ5_K:
      return TensorType::kQ5_1;
    case TensorType::kQ6_K:
      return TensorType::kQ8_0;
    default:
      return type;
  }
}

TensorPlan fit_to_rows(TensorType wanted, uint64_t columns) {
  for (TensorType type = wanted;; type = simpler_type(type)) {
    if (columns % tensor_type_info(type).block_elements == 0) {
      return {type, type == wanted
                        ? std::string()
                        : format("{}: rows of {} are no multiple of {}", tensor_type_name(type),
                                 columns, tensor_type_info(wanted).block_elements)};
    }
    if (simpler_type(type) == type) {
      return {TensorType::kF16, format("F16: rows of {} are no multiple of {}", columns,
                                       tensor_type_info(type).block_elements)};
    }
  }
}

// "blk.7.attn_v.weight" → 7.
int64_t layer_of(std::string_view name) {
  int64_t layer = -1;
  if (name.starts_with("blk.")) {
    std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  }
  return layer;
}

// The rule of llama.cpp's mixtures for a model.
class Mixture {
 public:
  static Result<Mixture> of(const ModelSource& source);
  [[nodiscard]] TensorType type_of(std::string_view name) const;

 private:
  using Layers = std::set<int64_t>;

  // Whether the layer is among the first and the last eighth, or every third between.
  [[nodiscard]] static bool has_more_bits(const Layers& layers, std::string_view name) {
    const auto count = static_cast<int64_t>(layers.size());
    const auto i =
        static_cast<int64_t>(std::distance(layers.begin(), layers.lower_bound(layer_of(name))));
    return i < count / 8 || i >= 7 * count / 8 || (i - count / 8) % 3 == 2;
  }

  bool tied_ = true;  // the token embedding is the output too
  bool eight_experts_ = false;
  bool llama_70b_ = false;
  Layers attention_;
  Layers feed_forward_;
};

Result<Mixture> Mixture::of(const ModelSource& model) {
  const Checkpoint& source = model.file();
  Mixture mixture;
  CUPEL_TRY(const std::string family, source.get_string_or("general.architecture", ""));
  CUPEL_TRY(const uint64_t experts, source.get_u64_or(family + ".expert_count", 0));
  mixture.eight_experts_ = experts == 8;
  if (family == "llama" && source.contains("llama.block_count")) {
    CUPEL_TRY(const uint64_t layers, source.get_u64("llama.block_count"));
    CUPEL_TRY(const uint64_t heads, source.get_u64_or("llama.attention.head_count", 0));
    CUPEL_TRY(const uint64_t kv_heads, source.get_u64_or("llama.attention.head_count_kv", heads));
    mixture.llama_70b_ = layers == 80 && heads != kv_heads;
  }
  for (const SourceTensor& tensor : model.tensors()) {
    mixture.tied_ = mixture.tied_ && tensor.name != "output.weight";
    if (tensor.name.find("attn_v.weight") != std::string::npos ||
        tensor.name.find("attn_qkv.weight") != std::string::npos) {
      mixture.attention_.insert(layer_of(tensor.name));
    } else if (tensor.name.find("ffn_down") != std::string::npos) {
      mixture.feed_forward_.insert(layer_of(tensor.name));
    }
  }
  return mixture;
}

TensorType Mixture::type_of(std::string_view name) const {
  const auto has = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  if (name == "output.weight" || (tied_ && name == "token_embd.weight")) {
    return TensorType::kQ6_K;
  }
  if (has("attn_v.weight")) {
    return eight_experts_                    ? TensorType::kQ8_0
           : has_more_bits(attention_, name) ? TensorType::kQ6_K
           : llama_70b_                      ? TensorType::kQ5_K
                                             : TensorType::kQ4_K;
  }
  if (has("ffn_down")) {
    return has_more_bits(feed_forward_, name) ? TensorType::kQ6_K : TensorType::kQ4_K;
  }
  if (eight_experts_ && has("attn_k.weight")) {
    return TensorType::kQ8_0;
  }
  if (has("attn_qkv.weight") || (eight_experts_ && has("attn_output.weight"))) {
    return TensorType::kQ5_K;
  }
  return TensorType::kQ4_K;
}

}  // namespace

const std::vector<std::string>& quantize_target_names() {
  static const std::vector<std::string> names = {
      "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q4_k", "q5_k", "q6_k", std::string(kMixture)};
  return names;
}

Result<QuantizeTarget> parse_quantize_target(std::string_view name) {
  if (to_lower_ascii(name) == kMixture) {
    return QuantizeTarget(TensorType::kQ4_K, true);
  }
  const auto type = parse_tensor_type(name);
  if (!type || !tensor_type_info(*type).writable) {
    return invalid_argument("\"{}\" is no type that can be written; expected {}",
                            printable(name, 32), join(quantize_target_names(), ", "));
  }
  return QuantizeTarget(*type);
}

uint32_t file_type_id(const QuantizeTarget& target) {
  switch (target.type) {
    case TensorType::kF16:
      return 1;
    case TensorType::kQ4_0:
      return 2;
    case TensorType::kQ4_1:
      return 3;
    case TensorType::kQ8_0:
      return 7;
    case TensorType::kQ5_0:
      return 8;
    case TensorType::kQ5_1:
      return 9;
    case TensorType::kQ4_K:
      return target.mixture ? 15 : 14;
    case TensorType::kQ5_K:
      return 16;
    case TensorType::kQ6_K:
      return 18;
    case TensorType::kBF16:
      return 32;
    default:
      return 0;  // F32
  }
}

Result<std::vector<TensorPlan>> plan_tensors(const ModelSource& source,
                                             const QuantizeTarget& target) {
  CUPEL_TRY(const Mixture mixture, Mixture::of(source));
  std::vector<TensorPlan> plans;
  for (const SourceTensor& tensor : source.tensors()) {
    if (!is_weight_matrix(tensor)) {
      plans.push_back({tensor.type, "kept: no weight matrix"});
      continue;
    }
    const TensorType wanted = target.mixture ? mixture.type_of(tensor.name) : target.type;
    plans.push_back(fit_to_rows(wanted, tensor.columns()));
  }
  return plans;
}

}  // namespace cupel::engine
