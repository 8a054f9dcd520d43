// Qwen3-MoE: as Qwen3, with experts whose chosen weights sum to 1 and no shared one.
#include "engine/model/families/qwen.h"
#include "engine/model/hf/config_writer.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_qwen(read));
  CUPEL_TRY_VOID(describe_experts(read, model));
  const bool says = read.contains("expert_weights_norm");
  for (LayerDescription& layer : model.layers) {
    layer.attention.head_norm = HeadNorm::kRms;
    ExpertsDescription& experts = layer.feed_forward.experts;
    experts.renormalise = experts.renormalise || !says;
  }
  return model;
}

Result<Ok> configure(const ModelDescription& model, hf::ConfigWriter& config) {
  config.set_kind("qwen3_moe", "Qwen3MoeForCausalLM");
  return configure_qwen_experts(model, config);
}

}  // namespace

ModelFamily qwen3moe() {
  return {.architecture = "qwen3moe",
          .summary = "Qwen3-MoE",
          .features = "normalised heads, softmax router",
          .describe = &describe,
          .hf = {.model_types = {"qwen3_moe"},
                 .translate = &translate_qwen_experts,
                 .configure = &configure,
                 .biases = {.attention = "attention_bias"}}};
}

}  // namespace cupel::engine::family
