#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/checkpoint/model_source.h"

namespace cupel::engine {

/// What a model is to become: one type for all weight matrices, or a mixture.
struct QuantizeTarget {
  TensorType type = TensorType::kQ8_0;  ///< of most matrices
  bool mixture = false;                 ///< the matrices that matter most get more bits

  QuantizeTarget(TensorType one) : type(one) {}  // NOLINT(google-explicit-constructor)
  QuantizeTarget(TensorType most, bool mixed) : type(most), mixture(mixed) {}
};

/// The names that parse_quantize_target reads: "q8_0", …, "q6_k", "q4_k_m".
const std::vector<std::string>& quantize_target_names();
/// A type that can be written, by its name, or the mixture "q4_k_m". Errors: kInvalidArgument.
Result<QuantizeTarget> parse_quantize_target(std::string_view name);
/// `general.file_type` of a file that was made so (GGUF's own numbering).
uint32_t file_type_id(const QuantizeTarget& target);

/// The type that a tensor gets, and why when it is not the one asked for.
struct TensorPlan {
  TensorType type = TensorType::kF32;
  std::string note;
};

/// Plans all tensors, in file order.
///
/// Weight matrices (two and more dimensions, named `*.weight`) get the target; norms, biases and
/// the small matrices of router, convolution and state stay. The mixture q4_k_m follows llama.cpp:
/// Q4_K, but Q6_K for the output (or the token embedding where it is the output too), and for
/// attn_v and ffn_down of the layers i of n with i < n/8, i ≥ 7n/8 or (i - n/8) mod 3 = 2; Q5_K for
/// a joint attn_qkv, and for attn_v of the other layers of a Llama 70B; of models with 8 experts
/// Q8_0 for attn_k and attn_v, Q5_K for attn_output.
/// Rows that are no multiple of 256 make Q4_K to Q5_0, Q5_K to Q5_1 and Q6_K to Q8_0; rows that
/// are no multiple of 32 make F16. Errors: kCorruptData - mistyped metadata.
/// Source: llama.cpp, src/llama-quant.cpp, llama_tensor_get_type.
Result<std::vector<TensorPlan>> plan_tensors(const ModelSource& source,
                                             const QuantizeTarget& target);

}  // namespace cupel::engine
