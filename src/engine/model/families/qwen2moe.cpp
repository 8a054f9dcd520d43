// Qwen2-MoE (57B-A14B, Qwen1.5-MoE): softmax over all experts, the chosen weights are not
// renormalised; a shared expert times a sigmoid gate.
#include "engine/model/families/qwen.h"
#include "engine/model/hf/config_writer.h"

namespace cupel::engine::family {
namespace {

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_qwen(read));
  CUPEL_TRY_VOID(describe_experts(read, model));
  return model;
}

Result<Ok> configure(const ModelDescription& model, hf::ConfigWriter& config) {
  config.set_kind("qwen2_moe", "Qwen2MoeForCausalLM");
  return configure_qwen_experts(model, config);
}

}  // namespace

ModelFamily qwen2moe() {
  return {.architecture = "qwen2moe",
          .summary = "Qwen2-MoE",
          .features = "softmax router, shared expert, dense layers among the others",
          .describe = &describe,
          .hf = {.model_types = {"qwen2_moe"},
                 .translate = &translate_qwen_experts,
                 .configure = &configure,
                 .biases = {.attention = "qkv_bias", .output = false, .attention_unsaid = true}}};
}

}  // namespace cupel::engine::family
