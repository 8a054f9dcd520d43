// Gemma 3, its text model: Q and K heads normalised before the rotation, five layers with a sliding
// window (rotary base 10 000, no scaling) to one that sees everything (base and scaling of the
// file).
#include "base/error.h"
#include "engine/model/families/gemma.h"
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

constexpr int64_t kLayersPerGlobal = 6;
constexpr size_t kLayersOf27b = 62;
/// Published folders of 4B, 12B and 27B say of the text model only what differs from these.
constexpr std::string_view kTextDefaults = R"({
  "vocab_size": 262208, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
  "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 131072,
  "rms_norm_eps": 1e-6, "query_pre_attn_scalar": 256
})";

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_gemma(read, kLayersOf27b));
  CUPEL_TRY_VOID(describe_windows(
      read, model, [](size_t i) { return (static_cast<int64_t>(i) + 1) % kLayersPerGlobal != 0; }));
  CUPEL_TRY(const double local_base, read.positive_or("rope.freq_base_swa", 10000));
  for (LayerDescription& layer : model.layers) {
    AttentionDescription& attention = layer.attention;
    attention.head_norm = HeadNorm::kRms;
    if (attention.window > 0) {
      attention.rope = {.base = local_base,
                        .rotary_dim = attention.rope.rotary_dim,
                        .interleaved = attention.rope.interleaved};
    }
  }
  return model;
}

Result<Ok> translate(hf::ConfigReader& config, hf::Translation& out) {
  CUPEL_TRY_VOID(config.expect_flag("use_bidirectional_attention", false));
  // Older files give the interval of global layers, newer ones the list of layers as well.
  for (const std::string_view key : {"sliding_window_pattern", "_sliding_window_pattern"}) {
    CUPEL_TRY(const int64_t interval, config.integer_or(key, kLayersPerGlobal));
    if (interval != kLayersPerGlobal && !config.contains("layer_types")) {
      return unsupported("{}: \"{}\" is {}; only {} is supported", config.place(), key, interval,
                         kLayersPerGlobal);
    }
  }
  if (config.contains("attn_logit_softcapping")) {
    return unsupported("{}: \"attn_logit_softcapping\" is set; Gemma 3 caps no scores",
                       config.place());
  }
  out.absent.rope_theta = 1e6;
  return translate_gemma(config, out);
}

Result<Ok> configure(const ModelDescription& model, hf::ConfigWriter& config) {
  config.set_kind("gemma3_text", "Gemma3ForCausalLM");
  for (const LayerDescription& layer : model.layers) {
    if (layer.attention.window > 0) {
      config.set_number("rope_local_base_freq", layer.attention.rope.base);
    }
  }
  return configure_gemma(model, config);
}

}  // namespace

ModelFamily gemma3() {
  return {
      .architecture = "gemma3",
      .summary = "Gemma 3 (text; the text model of folders that see images)",
      .features =
          "norms around blocks, normalised heads, local and global layers with a rotary base each",
      .describe = &describe,
      .hf = {.model_types = {"gemma3_text"},
             .translate = &translate,
             .names = gemma_tensor_names(),
             .prefixes = {"language_model."},
             .unused = {"vision_tower.", "multi_modal_projector."},
             .configure = &configure,
             .biases = {.attention = "attention_bias"},
             .multimodal_type = "gemma3",
             .text_defaults = kTextDefaults}};
}

}  // namespace cupel::engine::family
