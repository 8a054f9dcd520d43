#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/damage.h"
#include "engine/kernels/operators.h"
#include "engine/model/description.h"

namespace cupel::engine {

/// A norm's vectors, f32; empty where the description has none.
struct NormWeights {
  std::vector<float> weight;
  std::vector<float> bias;

  [[nodiscard]] bool empty() const { return weight.empty(); }
};

/// A matrix in the layout of one CPU level, and what is added to its products; may be empty.
struct LinearWeights {
  PackedMatrix matrix;
  std::vector<float> bias;
};

struct FeedForwardWeights {
  LinearWeights gate, up, down;  // gate: empty in blocks without one
};

/// Weights of one layer.
struct LayerWeights {
  NormWeights attn_norm;       // [D]; empty with norms after the blocks, as ffn_norm
  NormWeights q_norm;          // HeadNorm: kRms [H], kRmsWide and kLayer [N·H]
  NormWeights k_norm;          // the same with G
  NormWeights post_attn_norm;  // [D]
  NormWeights ffn_norm;        // [D]
  NormWeights post_ffn_norm;   // [D]
  LinearWeights q, k, v, attn_output;
  FeedForwardWeights feed_forward;          // the shared expert's in layers with experts
  PackedMatrix router;                      // [experts, D]
  PackedMatrix shared_gate;                 // [1, D]
  std::vector<FeedForwardWeights> experts;  // empty in dense layers
};

struct Weights {
  PackedMatrix embedding;   // [V, D]
  LinearWeights head;       // [V, D]; the embedding again when tied; decoders
  NormWeights output_norm;  // decoders
  // Encoders:
  PackedMatrix positions;      // [positions, D]
  PackedMatrix token_types;    // [token types, D]
  NormWeights embedding_norm;  // [D]
  std::vector<LayerWeights> layers;
  /// Tensors of the file that the description gives no place to; for `inspect` and warnings.
  std::vector<std::string> unused;

  /// Every matrix once: a tied head is the embedding.
  void for_each_matrix(FunctionRef<void(const PackedMatrix&)> visit) const;
  [[nodiscard]] size_t bytes() const;
};

/// Loads and repacks every tensor that the description names. Independent of the number of threads.
/// `noise` damages the blocks' matrices (not embedding, head or norms) before they are packed.
/// Errors: kCorruptData - a tensor is missing or has another shape (names tensor, found, expected);
/// kUnsupported - a type without kernels, or one that noise cannot be added to.
Result<Weights> load_weights(const Checkpoint& file,
                             const ModelDescription& description,
                             const Operators& operators,
                             const std::optional<NoiseOptions>& noise,
                             ThreadPool& pool);

/// Whether load_weights would find all that the description names, of types that the operators
/// have. Errors: those of load_weights.
Result<Ok> check_weights(const Checkpoint& file,
                         const ModelDescription& description,
                         const Operators& operators);

}  // namespace cupel::engine
