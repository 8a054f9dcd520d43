// Phi-3 mini and medium, Phi-4 mini: one tensor for Q, K and V, one for gate and up, LongRoPE in
// the long-context variants, a sliding window in the short ones.
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_common(read));
  for (LayerDescription& layer : model.layers) {
    layer.feed_forward.fused = true;
  }
  CUPEL_TRY_VOID(describe_windows(read, model, [](size_t) { return true; }));
  return model;
}

Result<Ok> translate(hf::ConfigReader& config, hf::Translation& out) {
  CUPEL_TRY_VOID(config.expect_text("hidden_act", {"silu"}));
  // Phi-4 mini states them; transformers computes no other values either.
  for (const std::string_view key : {"full_attn_mod", "interpolate_factor"}) {
    CUPEL_TRY_VOID(config.expect_integer(key, 1));
  }
  out.absent.partial_rotary_factor = 1;
  out.absent.original_max_position_embeddings = 4096;
  return hf::translate_common(config, out);
}

Result<Ok> configure(const ModelDescription& model, hf::ConfigWriter& config) {
  config.set_kind("phi3", "Phi3ForCausalLM");
  if (model.layers.front().attention.rope.long_from == 0) {
    config.set("original_max_position_embeddings", model.context_length);
  }
  return config.set_one_window();
}

}  // namespace

ModelFamily phi3() {
  return {.architecture = "phi3",
          .summary = "Phi-3 mini and medium",
          .features = "fused matrices, LongRoPE, partial rotation, sliding window",
          .describe = &describe,
          .hf = {.model_types = {"phi3"},
                 .translate = &translate,
                 .names = {{"model.layers.#.mlp.gate_up_proj", "blk.#.ffn_up"}},
                 .configure = &configure}};
}

}  // namespace cupel::engine::family
