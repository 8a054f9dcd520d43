// Phi-3.5-MoE: layer norms with bias, biases on attention and head, two of sixteen experts by
// SparseMixer routing, LongRoPE.
#include "base/error.h"
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_common(read));
  // Converters have written the layer norms' epsilon under either key.
  model.norm = NormKind::kLayer;
  CUPEL_TRY_VOID(describe_experts(read, model));
  CUPEL_TRY(const double near, read.positive_or("router_jitter", 0.01));
  for (LayerDescription& layer : model.layers) {
    ExpertsDescription& experts = layer.feed_forward.experts;
    if (experts.count > 0 && experts.used != 2) {
      return unsupported("{}: {} is {}; SparseMixer chooses 2 experts", read.file().path(),
                         read.key("expert_used_count"), experts.used);
    }
    experts.router = RouterKind::kSparseMixer;
    experts.near = near;
  }
  CUPEL_TRY_VOID(describe_windows(read, model, [](size_t) { return true; }));
  return model;
}

Result<Ok> translate(hf::ConfigReader& config, hf::Translation& out) {
  out.absent.rope_theta = 1e6;
  CUPEL_TRY_VOID(hf::translate_common(config, out));
  CUPEL_TRY_VOID(config.expect_text("hidden_act", {"silu"}));
  CUPEL_TRY(const double near, config.number_or("router_jitter_noise", 0.01));
  out.set_number("router_jitter", near);
  return hf::translate_experts(config, out);
}

/// LongRoPE's magnitude has two keys here, and transformers needs both.
void set_magnitudes(const RopeDescription& rope, hf::ConfigWriter& config) {
  if (rope.long_factors.empty()) {
    return;
  }
  const Json magnitude = hf::ConfigWriter::number(rope.magnitude);
  Json scaling = *config.json().find("rope_scaling");
  config.set("rope_scaling", scaling.set("short_mscale", magnitude).set("long_mscale", magnitude));
}

Result<Ok> configure(const ModelDescription& model, hf::ConfigWriter& config) {
  config.set_kind("phimoe", "PhimoeForCausalLM");
  config.set_experts("num_local_experts");
  const ExpertsDescription& experts = model.layers.front().feed_forward.experts;
  config.set("intermediate_size", experts.width);
  config.set_number("router_jitter_noise", experts.near);
  set_magnitudes(model.layers.front().attention.rope, config);
  return config.set_one_window();
}

}  // namespace

ModelFamily phimoe() {
  return {.architecture = "phimoe",
          .summary = "Phi-3.5-MoE",
          .features = "LongRoPE, layer norms, SparseMixer routing",
          .describe = &describe,
          .hf = {.model_types = {"phimoe"},
                 .translate = &translate,
                 .names = hf::sparse_block_names(),
                 .configure = &configure,
                 .biases = {.attention = "attention_bias", .head = "lm_head_bias"}}};
}

}  // namespace cupel::engine::family
