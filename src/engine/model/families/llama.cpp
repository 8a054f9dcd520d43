// Llama 1-3, SmolLM2, Mistral, Mixtral and others that GGUF files under "llama": RMS norm before
// each block, SwiGLU, rotary embedding on pairs (2i, 2i+1) since the converter permutes Q and K
// rows. Mixtral's experts: the chosen weights sum to 1.
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_common(read));
  CUPEL_TRY(const bool interleaved, read.flag_or("rope.interleaved", true));
  CUPEL_TRY_VOID(describe_experts(read, model));
  for (LayerDescription& layer : model.layers) {
    layer.attention.rope.interleaved = interleaved;
    layer.feed_forward.experts.renormalise = true;
  }
  CUPEL_TRY_VOID(describe_windows(read, model, [](size_t) { return true; }));
  return model;
}

Result<Ok> translate(hf::ConfigReader& config, hf::Translation& out) {
  CUPEL_TRY(const std::string type, config.text_or("model_type", ""));
  out.absent.sliding_window = type == "mistral" ? 4096 : 0;
  out.absent.rope_theta = type == "mixtral" ? 1e6 : 1e4;
  CUPEL_TRY_VOID(hf::translate_common(config, out));
  CUPEL_TRY_VOID(config.expect_text("hidden_act", {"silu"}));
  out.set_flag("rope.interleaved", false);
  return config.contains("num_local_experts") ? hf::translate_experts(config, out) : Ok{};
}

Result<Ok> configure(const ModelDescription& model, hf::ConfigWriter& config) {
  const bool experts = model.layers.front().feed_forward.experts.count > 0;
  const bool slides = model.layers.front().attention.window > 0;
  config.set_kind(experts  ? "mixtral"
                  : slides ? "mistral"
                           : "llama",
                  experts  ? "MixtralForCausalLM"
                  : slides ? "MistralForCausalLM"
                           : "LlamaForCausalLM");
  if (experts || slides) {
    CUPEL_TRY_VOID(config.refuse_biases());
  }
  if (experts) {
    config.set_experts("num_local_experts");
    config.set("intermediate_size", model.layers.front().feed_forward.experts.width);
  }
  return config.set_one_window();
}

}  // namespace

ModelFamily llama() {
  return {.architecture = "llama",
          .summary = "Llama 1-3, SmolLM2, 1.5-Pints, Mistral, Bielik, Mixtral",
          .features = "grouped heads, biases where there are tensors, sliding window, experts",
          .describe = &describe,
          .hf = {.model_types = {"llama", "mistral", "mixtral"},
                 .translate = &translate,
                 .names = hf::sparse_block_names(),
                 .configure = &configure,
                 .biases = {.attention = "attention_bias", .feed_forward = "mlp_bias"}}};
}

}  // namespace cupel::engine::family
