// SmolLM3: as Llama, but every fourth layer has no rotary embedding.
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

constexpr size_t kNoRopeInterval = 4;

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_common(read));
  CUPEL_TRY(const bool interleaved, read.flag_or("rope.interleaved", true));
  CUPEL_TRY(const std::vector<bool> rotates,
            read.flags_or("rope.layers", model.layers.size(),
                          [](size_t i) { return (i + 1) % kNoRopeInterval != 0; }));
  for (size_t i = 0; i < model.layers.size(); ++i) {
    RopeDescription& rope = model.layers[i].attention.rope;
    rope.interleaved = interleaved;
    if (!rotates[i]) {
      rope = {.rotary_dim = 0};
    }
  }
  CUPEL_TRY_VOID(describe_windows(read, model, [](size_t) { return true; }));
  return model;
}

Result<Ok> translate(hf::ConfigReader& config, hf::Translation& out) {
  CUPEL_TRY_VOID(hf::translate_common(config, out));
  CUPEL_TRY_VOID(config.expect_text("hidden_act", {"silu"}));
  out.set_flag("rope.interleaved", false);
  config.ignore({"no_rope_layer_interval"});  // the list is made of it
  CUPEL_TRY(const std::vector<float> rotates, config.numbers("no_rope_layers"));
  if (!rotates.empty()) {
    out.set_flags("rope.layers", {rotates.begin(), rotates.end()});
  }
  return Ok{};
}

Result<Ok> configure(const ModelDescription& model, hf::ConfigWriter& config) {
  config.set_kind("smollm3", "SmolLM3ForCausalLM");
  Json rotates = Json::array();
  for (const LayerDescription& layer : model.layers) {
    rotates.push_back(layer.attention.rope.rotary_dim > 0 ? 1 : 0);
  }
  config.set("no_rope_layers", std::move(rotates));
  config.set_layer_windows();
  return Ok{};
}

}  // namespace

ModelFamily smollm3() {
  return {.architecture = "smollm3",
          .summary = "SmolLM3",
          .features = "layers without rotation",
          .describe = &describe,
          .hf = {.model_types = {"smollm3"},
                 .translate = &translate,
                 .configure = &configure,
                 .biases = {.attention = "attention_bias", .feed_forward = "mlp_bias"}}};
}

}  // namespace cupel::engine::family
