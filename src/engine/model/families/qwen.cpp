#include "engine/model/families/qwen.h"

#include "base/error.h"
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

constexpr int64_t kMaxContext = int64_t{1} << 28;

Result<Ok> describe_dual_chunk(MetadataReader& read, ModelDescription& model) {
  if (!read.contains("attention.dual_chunk.length")) {
    return Ok{};
  }
  DualChunkDescription dual;
  CUPEL_TRY(dual.chunk, read.size("attention.dual_chunk.length", kMaxContext));
  CUPEL_TRY(dual.window, read.size("attention.dual_chunk.window", kMaxContext));
  if (dual.chunk >= dual.window) {
    return corrupt_data("{}: {} is {}; expected less than the trained window of {}",
                        read.file().path(), read.key("attention.dual_chunk.length"), dual.chunk,
                        dual.window);
  }
  // No published model does; it would let a small file ask for large tables of rotations.
  if (dual.window > 2 * dual.chunk) {
    return unsupported("{}: {} is {}; more than two chunks of {} are not supported",
                       read.file().path(), read.key("attention.dual_chunk.window"), dual.window,
                       dual.chunk);
  }
  for (LayerDescription& layer : model.layers) {
    layer.attention.dual_chunk = dual;
  }
  return Ok{};
}

}  // namespace
Result<ModelDescription> describe_qwen(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_common(read));
  CUPEL_TRY_VOID(describe_dual_chunk(read, model));
  CUPEL_TRY_VOID(describe_windows(read, model, [](size_t) { return true; }));
  return model;
}

Result<Ok> translate_qwen(hf::ConfigReader& config, hf::Translation& out) {
  CUPEL_TRY(const std::string type, config.text_or("model_type", ""));
  out.absent.use_sliding_window = false;
  out.absent.sliding_window = 4096;
  out.absent.windows = type == "qwen3_moe"   ? hf::WindowLayers::kAlwaysAll
                       : type == "qwen2_moe" ? hf::WindowLayers::kListed
                                             : hf::WindowLayers::kFromMaxWindowLayers;
  CUPEL_TRY_VOID(hf::translate_common(config, out));
  CUPEL_TRY_VOID(config.expect_text("hidden_act", {"silu"}));
  const Json* object = config.find("dual_chunk_attention_config");
  if (object == nullptr) {
    return Ok{};
  }
  if (!object->is_object()) {
    return corrupt_data("{}: dual_chunk_attention_config is {}; expected an object", config.place(),
                        object->type_name());
  }
  // chunk_size is what was trained, of which local_size stays for the chunk before.
  hf::ConfigReader dual(*object, config.place() + ": dual_chunk_attention_config");
  CUPEL_TRY(const int64_t window, dual.integer("chunk_size"));
  CUPEL_TRY(const int64_t local, dual.integer("local_size"));
  dual.ignore({"original_max_position_embeddings"});
  if (local < 1 || local >= window) {
    return corrupt_data("{}: \"local_size\" is {}; expected 1 to chunk_size - 1", dual.place(),
                        local);
  }
  out.set_size("attention.dual_chunk.length", window - local);
  out.set_size("attention.dual_chunk.window", window);
  return dual.refuse_unread();
}

Result<Ok> translate_qwen_experts(hf::ConfigReader& config, hf::Translation& out) {
  CUPEL_TRY_VOID(translate_qwen(config, out));
  config.ignore({"qkv_bias"});  // told by the tensors
  CUPEL_TRY(const bool renormalise, config.flag_or("norm_topk_prob", false));
  out.set_flag("expert_weights_norm", renormalise);
  return hf::translate_experts(config, out);
}

Result<Ok> configure_qwen(const ModelDescription& model, hf::ConfigWriter& config) {
  config.set_layer_windows();
  const DualChunkDescription& dual = model.layers.front().attention.dual_chunk;
  if (dual.chunk > 0) {
    config.set("dual_chunk_attention_config",
               Json::object()
                   .set("chunk_size", dual.window)
                   .set("local_size", dual.window - dual.chunk)
                   .set("original_max_position_embeddings", model.context_length));
  }
  return Ok{};
}

Result<Ok> configure_qwen_experts(const ModelDescription& model, hf::ConfigWriter& config) {
  config.set_experts("num_experts");
  Json dense = Json::array();
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const ExpertsDescription& experts = model.layers[i].feed_forward.experts;
    if (experts.count == 0) {
      dense.push_back(i);
      continue;
    }
    config.set("moe_intermediate_size", experts.width);
    config.set("norm_topk_prob", experts.renormalise);
    if (experts.shared_width > 0) {
      config.set("shared_expert_intermediate_size", experts.shared_width);
    }
  }
  config.set("mlp_only_layers", std::move(dense));
  config.set("decoder_sparse_step", 1);
  return configure_qwen(model, config);
}

}  // namespace cupel::engine::family
