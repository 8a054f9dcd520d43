// Qwen3: Q and K heads normalised before the rotation.
#include "engine/model/families/qwen.h"
#include "engine/model/hf/translation.h"

namespace cupel::engine::family {
namespace {

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_qwen(read));
  for (LayerDescription& layer : model.layers) {
    layer.attention.head_norm = HeadNorm::kRms;
  }
  return model;
}

}  // namespace

ModelFamily qwen3() {
  return {.architecture = "qwen3",
          .summary = "Qwen3",
          .features = "normalised heads",
          .describe = &describe,
          .hf = {.model_types = {"qwen3"}, .translate = &translate_qwen}};
}

}  // namespace cupel::engine::family
