// Gemma 3 (text): embeddings scaled by √width, norms before and after each block (the file's
// weights already hold the +1), Q and K heads normalised before the rotation, GeGLU with the tanh
// form, five layers with a sliding window (rotary base 10 000) to one that sees everything (base of
// the file).
#include <cmath>

#include "base/error.h"
#include "engine/model/description.h"

namespace cupel::engine::family {
namespace {

// Neither is in the metadata of a GGUF: Gemma 3's configuration fixes both.
constexpr int64_t kLayersPerGlobal = 6;
constexpr double kLocalRopeBase = 10000;
// The largest size alone scales queries by the width per head instead of the head's own width
// (query_pre_attn_scalar 168 against head_dim 128); it is told by its number of layers.
constexpr size_t kLayersOfLargest = 62;

Result<ModelDescription> describe(const GgufFile& file) {
  CUPEL_TRY(ModelDescription model, describe_common(file, "gemma3"));
  CUPEL_TRY(const uint64_t window, file.get_u64_or("gemma3.attention.sliding_window", 0));
  if (window == 0 || window > (1U << 24U)) {
    return corrupt_data("{}: gemma3.attention.sliding_window is {}; expected a positive size",
                        file.path(), window);
  }
  model.embedding_scale = std::sqrt(static_cast<double>(model.width));
  for (size_t i = 0; i < model.layers.size(); ++i) {
    LayerDescription& layer = model.layers[i];
    layer.post_norms = true;
    layer.feed_forward.activation = GateKind::kGeluTanh;
    layer.attention.qk_norm = true;
    if (model.layers.size() == kLayersOfLargest) {
      layer.attention.scale =
          1 / std::sqrt(static_cast<double>(model.width / layer.attention.heads));
    }
    if ((static_cast<int64_t>(i) + 1) % kLayersPerGlobal != 0) {
      layer.attention.window = static_cast<int64_t>(window);
      layer.attention.rope.base = kLocalRopeBase;
      layer.attention.rope.position_scale = 1;
    }
  }
  return model;
}

}  // namespace

ModelFamily gemma3() {
  return {.architecture = "gemma3", .summary = "Gemma 3, text part", .describe = &describe};
}

}  // namespace cupel::engine::family
