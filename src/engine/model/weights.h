#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "engine/checkpoint/damage.h"
#include "engine/checkpoint/gguf.h"
#include "engine/kernels/operators.h"
#include "engine/model/description.h"

namespace cupel::engine {

/// Weights of one layer in the layout of one CPU level. Norm vectors are f32; absent ones are
/// empty.
struct LayerWeights {
  std::vector<float> attn_norm;       // [D]
  std::vector<float> q_norm;          // [H]
  std::vector<float> k_norm;          // [H]
  std::vector<float> post_attn_norm;  // [D]
  std::vector<float> ffn_norm;        // [D]
  std::vector<float> post_ffn_norm;   // [D]
  PackedMatrix q, k, v, attn_output, gate, up, down;
};

struct Weights {
  PackedMatrix embedding;  // [V, D]
  PackedMatrix head;       // [V, D]; the embedding again when tied
  std::vector<float> output_norm;
  std::vector<LayerWeights> layers;
  /// Tensors of the file that the description gives no place to; for `inspect` and warnings.
  std::vector<std::string> unused;

  [[nodiscard]] size_t bytes() const;
};

/// Loads and repacks every tensor that the description names. Independent of the number of threads.
/// `noise` damages the blocks' matrices (not embedding, head or norms) before they are packed.
/// Errors: kCorruptData - a tensor is missing or has another shape (names tensor, found, expected);
/// kUnsupported - a type without kernels, or one that noise cannot be added to.
Result<Weights> load_weights(const GgufFile& file,
                             const ModelDescription& description,
                             const Operators& operators,
                             const std::optional<NoiseOptions>& noise,
                             ThreadPool& pool);

}  // namespace cupel::engine
