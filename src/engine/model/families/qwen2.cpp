// Qwen2, Qwen2.5: biases on Q, K and V.
#include "engine/model/families/qwen.h"
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/translation.h"

namespace cupel::engine::family {
namespace {

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_qwen(read));
  return model;
}

Result<Ok> configure(const ModelDescription& model, hf::ConfigWriter& config) {
  config.set_kind("qwen2", "Qwen2ForCausalLM");
  return configure_qwen(model, config);
}

}  // namespace

ModelFamily qwen2() {
  return {.architecture = "qwen2",
          .summary = "Qwen2, Qwen2.5",
          .features = "biases on Q, K, V; sliding windows by layer; dual chunk attention",
          .describe = &describe,
          .hf = {.model_types = {"qwen2"},
                 .translate = &translate_qwen,
                 .configure = &configure,
                 .biases = {.output = false, .attention_always = true}}};
}

}  // namespace cupel::engine::family
