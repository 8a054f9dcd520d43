#include "engine/model/families/gemma.h"

#include <cmath>

#include "base/error.h"
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

// null takes a cap away.
Result<double> cap_of(hf::ConfigReader& config, std::string_view key, double absent) {
  return config.number_or(key, config.states(key) ? 0 : absent);
}

}  // namespace

Result<ModelDescription> describe_gemma(MetadataReader& read, size_t layers_by_width) {
  CUPEL_TRY(ModelDescription model, describe_common(read));
  CUPEL_TRY_VOID(read.size("attention.sliding_window", int64_t{1} << 24));  // not optional here
  model.norm_place = NormPlace::kAround;
  const double root = std::sqrt(static_cast<double>(model.width));
  CUPEL_TRY(model.embedding_scale, read.positive_or("embedding_scale", root));
  for (LayerDescription& layer : model.layers) {
    layer.feed_forward.activation = GateKind::kGeluTanh;
    if (!read.contains("attention.scale") && model.layers.size() == layers_by_width) {
      layer.attention.scale =
          1 / std::sqrt(static_cast<double>(model.width / layer.attention.heads));
    }
  }
  return model;
}

Result<Ok> translate_gemma(hf::ConfigReader& config, hf::Translation& out) {
  out.absent.sliding_window = 4096;
  out.absent.tie_word_embeddings = true;
  CUPEL_TRY_VOID(hf::translate_common(config, out));
  CUPEL_TRY_VOID(config.expect_text("hidden_activation", {"gelu_pytorch_tanh"}));
  config.ignore({"hidden_act"});  // hidden_activation overrides it
  CUPEL_TRY(const double scalar, config.number("query_pre_attn_scalar"));
  CUPEL_TRY(const double score_cap,
            cap_of(config, "attn_logit_softcapping", out.absent.attention_softcap));
  CUPEL_TRY(const double logit_cap,
            cap_of(config, "final_logit_softcapping", out.absent.logit_softcap));
  if (!(scalar > 0)) {
    return corrupt_data("{}: \"query_pre_attn_scalar\" is {}; expected a positive number",
                        config.place(), scalar);
  }
  out.set_number("attention.scale", 1 / std::sqrt(scalar));
  out.set_number("attn_logit_softcapping", score_cap);
  out.set_number("final_logit_softcapping", logit_cap);
  out.set_flag("norm_plus_one", true);
  return Ok{};
}

Result<Ok> configure_gemma(const ModelDescription& model, hf::ConfigWriter& config) {
  const AttentionDescription& attention = model.layers.front().attention;
  const double scalar = 1 / (attention.scale * attention.scale);
  const double whole = std::round(scalar);  // of a scale in f32
  const bool is_whole = std::fabs(scalar - whole) < 1e-4 * whole;
  if (is_whole) {  // transformers takes no other type then
    config.set("query_pre_attn_scalar", static_cast<int64_t>(whole));
  } else {
    config.set_number("query_pre_attn_scalar", scalar);
  }
  config.set("hidden_activation", "gelu_pytorch_tanh");
  config.set_or_null("attn_logit_softcapping", attention.softcap);
  config.set_or_null("final_logit_softcapping", model.final_softcap);
  config.set_layer_windows();
  return Ok{};
}

std::vector<hf::TensorName> gemma_tensor_names() {
  return {{"model.layers.#.post_attention_layernorm", "blk.#.post_attention_norm"},
          {"model.layers.#.pre_feedforward_layernorm", "blk.#.ffn_norm"},
          {"model.layers.#.post_feedforward_layernorm", "blk.#.post_ffw_norm"}};
}

}  // namespace cupel::engine::family
