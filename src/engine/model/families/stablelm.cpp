// StableLM, Stable Code: layer norms with bias, rotary embedding on a part of each head; in some
// sizes a parallel residual (one norm for both blocks) and normalised Q and K heads.
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_common(read));
  CUPEL_TRY(const bool parallel, read.flag_or("use_parallel_residual", false));
  // Older files state the wish and hold the second norm all the same: the tensors decide.
  const bool one_norm = read.file().find_tensor("blk.0.ffn_norm.weight") == nullptr;
  model.norm_place = parallel && one_norm ? NormPlace::kParallel : NormPlace::kBefore;
  const bool normed = read.file().find_tensor("blk.0.attn_q_norm.weight") != nullptr ||
                      read.file().find_tensor("blk.0.attn_q_norm.0.weight") != nullptr;
  for (LayerDescription& layer : model.layers) {
    layer.attention.head_norm = normed ? HeadNorm::kLayer : HeadNorm::kNone;
  }
  return model;
}

Result<Ok> translate(hf::ConfigReader& config, hf::Translation& out) {
  out.absent.partial_rotary_factor = 0.25;
  CUPEL_TRY_VOID(hf::translate_common(config, out));
  CUPEL_TRY_VOID(config.expect_text("hidden_act", {"silu"}));
  CUPEL_TRY(const bool parallel, config.flag_or("use_parallel_residual", false));
  out.set_flag("use_parallel_residual", parallel);
  config.ignore({"qk_layernorm"});  // told by the tensors
  return Ok{};
}

Result<Ok> configure(const ModelDescription& model, hf::ConfigWriter& config) {
  config.set_kind("stablelm", "StableLmForCausalLM");
  config.set("use_parallel_residual", model.norm_place == NormPlace::kParallel);
  const AttentionDescription& attention = model.layers.front().attention;
  config.set("partial_rotary_factor", static_cast<double>(attention.rope.rotary_dim) /
                                          static_cast<double>(attention.head_dim));
  config.set("qk_layernorm", model.layers.front().attention.head_norm == HeadNorm::kLayer);
  return Ok{};
}

}  // namespace

ModelFamily stablelm() {
  return {.architecture = "stablelm",
          .summary = "StableLM 2, Stable Code",
          .features = "layer norms, partial rotation, parallel residual, normalised heads",
          .describe = &describe,
          .hf = {.model_types = {"stablelm"},
                 .translate = &translate,
                 .names = {{"model.layers.#.self_attn.q_layernorm.norms.*", "blk.#.attn_q_norm.*"},
                           {"model.layers.#.self_attn.k_layernorm.norms.*", "blk.#.attn_k_norm.*"}},
                 .configure = &configure,
                 .biases = {.attention = "use_qkv_bias", .output = false}}};
}

}  // namespace cupel::engine::family
