// OLMo 2: norms after the blocks only, before the residual is added; queries and keys normalised
// over all their heads together.
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_common(read));
  model.norm_place = NormPlace::kAfter;
  for (LayerDescription& layer : model.layers) {
    layer.attention.head_norm = HeadNorm::kRmsWide;
  }
  return model;
}

Result<Ok> translate(hf::ConfigReader& config, hf::Translation& out) {
  CUPEL_TRY_VOID(config.expect_text("hidden_act", {"silu"}));
  return hf::translate_common(config, out);
}

Result<Ok> configure(const ModelDescription& /*model*/, hf::ConfigWriter& config) {
  config.set_kind("olmo2", "Olmo2ForCausalLM");
  return Ok{};
}

}  // namespace

ModelFamily olmo2() {
  return {.architecture = "olmo2",
          .summary = "OLMo 2",
          .features = "norms after the blocks, heads normalised together",
          .describe = &describe,
          .hf = {.model_types = {"olmo2"},
                 .translate = &translate,
                 .names = {{"model.layers.#.post_attention_layernorm", "blk.#.post_attention_norm"},
                           {"model.layers.#.post_feedforward_layernorm", "blk.#.post_ffw_norm"}},
                 .configure = &configure,
                 .biases = {.attention = "attention_bias"}}};
}

}  // namespace cupel::engine::family
