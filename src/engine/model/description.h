#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/checkpoint/gguf.h"
#include "engine/kernels/operators.h"

namespace cupel::engine {

/// Rotary position embedding of one layer.
struct RopeDescription {
  double base = 10000;
  double position_scale = 1;  ///< positions are multiplied by it (linear scaling: 1 / factor)
  int64_t rotary_dim = 0;     ///< dimensions of a head that rotate, from the front
  bool interleaved = false;   ///< pairs (2i, 2i+1) when true, else (i, i + rotary_dim / 2)
  std::vector<float> frequency_factors;  ///< divides each frequency (llama3 scaling); empty = 1
};

/// Softmax attention with grouped heads.
struct AttentionDescription {
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  double scale = 0;      ///< multiplies q·k
  double softcap = 0;    ///< > 0: softcap · tanh(x / softcap)
  int64_t window = 0;    ///< positions a row sees, its own included; 0 = all
  bool qk_norm = false;  ///< RMS norm of every query and key head before the rotation
  RopeDescription rope;
};

/// Gated feed-forward block: down(act(gate(x)) · up(x)).
struct FeedForwardDescription {
  int64_t width = 0;
  GateKind activation = GateKind::kSilu;
};

/// One layer: mixer, then feed-forward, each with a norm before it and, where `post_norms` is set,
/// one after it and before the residual is added. State-space mixers will be a second alternative
/// here.
struct LayerDescription {
  AttentionDescription attention;
  FeedForwardDescription feed_forward;
  bool post_norms = false;
};

/// What a model computes, whatever the format it came in. The one description that the engine's
/// transformer executes and that the differentiable twin of training will share.
struct ModelDescription {
  std::string architecture;
  std::string name;
  int64_t vocabulary_size = 0;
  int64_t width = 0;
  int64_t context_length = 0;
  double norm_epsilon = 1e-5;
  double embedding_scale = 1;
  double final_softcap = 0;
  bool tied_head = false;
  std::vector<LayerDescription> layers;
};

/// One family of architectures: how metadata becomes a description. One file, one line in
/// families.def.
struct ModelFamily {
  std::string_view architecture;  ///< value of general.architecture
  std::string_view summary;
  Result<ModelDescription> (*describe)(const GgufFile& file);
};

/// All families, sorted by architecture.
const std::vector<ModelFamily>& model_families();

/// The description of a checkpoint, checked for sane sizes (so that nothing later divides by zero,
/// overflows or allocates without bound). Errors: kUnsupported - an architecture or a setting that
/// is not understood, by the name of the key; kCorruptData - missing or absurd values.
Result<ModelDescription> describe_model(const GgufFile& file);

/// Shared by families: the fields that every decoder-only transformer of GGUF has, with the same
/// layer throughout. `prefix` is the architecture.
Result<ModelDescription> describe_common(const GgufFile& file, std::string_view prefix);

}  // namespace cupel::engine
