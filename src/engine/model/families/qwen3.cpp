// Qwen3: Q and K heads normalised before the rotation.
#include "engine/model/families/qwen.h"
#include "engine/model/hf/config_writer.h"
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

Result<Ok> configure(const ModelDescription& model, hf::ConfigWriter& config) {
  config.set_kind("qwen3", "Qwen3ForCausalLM");
  return configure_qwen(model, config);
}

}  // namespace

ModelFamily qwen3() {
  return {.architecture = "qwen3",
          .summary = "Qwen3",
          .features = "normalised heads",
          .describe = &describe,
          .hf = {.model_types = {"qwen3"},
                 .translate = &translate_qwen,
                 .configure = &configure,
                 .biases = {.attention = "attention_bias"}}};
}

}  // namespace cupel::engine::family
