// SmolLM3: as Llama, but every fourth layer has no rotary embedding.
#include <algorithm>

#include "base/error.h"
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

constexpr int64_t kNoRopeInterval = 4;
constexpr int64_t kMostListedLayers = 1024;  // more are refused later

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_common(read));
  CUPEL_TRY(const bool interleaved, read.flag_or("rope.interleaved", true));
  CUPEL_TRY(const std::vector<bool> rotates,
            read.flags_or("rope.layers", model.layers.size(), [](size_t i) {
              return (static_cast<int64_t>(i) + 1) % kNoRopeInterval != 0;
            }));
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

/// Which layers rotate: as listed, or all but every `no_rope_layer_interval`-th.
Result<Ok> translate_rotated_layers(hf::ConfigReader& config, hf::Translation& out) {
  CUPEL_TRY(const std::vector<float> listed, config.numbers("no_rope_layers"));
  CUPEL_TRY(const int64_t interval, config.integer_or("no_rope_layer_interval", kNoRopeInterval));
  CUPEL_TRY(const int64_t layers, config.integer("num_hidden_layers"));
  if (interval < 1) {
    return corrupt_data("{}: \"no_rope_layer_interval\" is {}; expected at least 1", config.place(),
                        interval);
  }
  std::vector<bool> rotates(listed.begin(), listed.end());
  for (int64_t i = 0; listed.empty() && i < std::min(layers, kMostListedLayers); ++i) {
    rotates.push_back((i + 1) % interval != 0);
  }
  out.set_flags("rope.layers", rotates);
  return Ok{};
}

Result<Ok> translate(hf::ConfigReader& config, hf::Translation& out) {
  out.absent.rope_theta = 2e6;
  out.absent.use_sliding_window = false;
  out.absent.windows = hf::WindowLayers::kListed;
  out.absent.tie_word_embeddings = true;
  CUPEL_TRY_VOID(hf::translate_common(config, out));
  CUPEL_TRY_VOID(config.expect_text("hidden_act", {"silu"}));
  out.set_flag("rope.interleaved", false);
  return translate_rotated_layers(config, out);
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
