#include "engine/model/description.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "engine/model/metadata_reader.h"
#include "engine/model/rope_scaling.h"

namespace cupel::engine {

namespace family {
#define CUPEL_FAMILY(id) ModelFamily id();
#include "engine/model/families.def"
#undef CUPEL_FAMILY
}  // namespace family

namespace {

// Bounds on what a file may ask for: far above any real model, low enough that products of two of
// them fit int64 and that a 200-byte file cannot make us allocate gigabytes.
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxWidth = 1 << 20;
constexpr int64_t kMaxHeads = 4096;
constexpr int64_t kMaxHeadDim = 4096;
constexpr int64_t kMaxContext = int64_t{1} << 28;
constexpr int64_t kMaxExperts = 4096;

Result<Ok> describe_heads(MetadataReader& read, int64_t width, AttentionDescription& attention) {
  const std::string& path = read.file().path();
  CUPEL_TRY(attention.heads, read.size("attention.head_count", kMaxHeads));
  CUPEL_TRY(attention.kv_heads,
            read.size_or("attention.head_count_kv", attention.heads, kMaxHeads));
  if (attention.heads % attention.kv_heads != 0) {
    return corrupt_data("{}: {} query heads cannot share {} key-value heads evenly", path,
                        attention.heads, attention.kv_heads);
  }
  const int64_t even_share = std::max<int64_t>(1, width / attention.heads);
  CUPEL_TRY(attention.head_dim, read.size_or("attention.key_length", even_share, kMaxHeadDim));
  if (attention.head_dim % 2 != 0) {  // the int16 cache keeps coordinates in pairs
    return unsupported("{}: heads are {} wide ({}, or {} / {}); odd widths are not supported", path,
                       attention.head_dim, read.key("attention.key_length"),
                       read.key("embedding_length"), read.key("attention.head_count"));
  }
  CUPEL_TRY(const int64_t value_length,
            read.size_or("attention.value_length", attention.head_dim, kMaxHeadDim));
  if (value_length != attention.head_dim) {
    return unsupported("{}: {} is {} but key heads are {} wide; different widths are not supported",
                       path, read.key("attention.value_length"), value_length, attention.head_dim);
  }
  return Ok{};
}

Result<AttentionDescription> describe_attention(MetadataReader& read,
                                                int64_t width,
                                                int64_t context_length) {
  AttentionDescription attention;
  CUPEL_TRY_VOID(describe_heads(read, width, attention));
  const double plain = 1.0 / std::sqrt(static_cast<double>(attention.head_dim));
  CUPEL_TRY(attention.scale, read.positive_or("attention.scale", plain));
  CUPEL_TRY(attention.softcap, read.number_or("attn_logit_softcapping", 0));
  CUPEL_TRY(attention.rope.rotary_dim,
            read.size_or("rope.dimension_count", attention.head_dim, attention.head_dim));
  if (attention.rope.rotary_dim % 2 != 0) {
    return corrupt_data("{}: {} is odd; rotary dimensions come in pairs", read.file().path(),
                        read.key("rope.dimension_count"));
  }
  CUPEL_TRY(attention.rope.interleaved, read.flag_or("rope.interleaved", false));
  CUPEL_TRY_VOID(describe_rope(read, context_length, attention.rope));
  return attention;
}

Result<Ok> describe_norm(MetadataReader& read, ModelDescription& model) {
  const bool layer = read.contains("attention.layer_norm_epsilon");
  model.norm = layer ? NormKind::kLayer : NormKind::kRms;
  const std::string_view key =
      layer ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon";
  CUPEL_TRY(model.norm_epsilon, read.positive(key));
  if (model.norm_epsilon >= 1) {
    return corrupt_data("{}: {} is {}; expected a small positive number", read.file().path(),
                        read.key(key), model.norm_epsilon);
  }
  CUPEL_TRY(model.norm_plus_one, read.flag_or("norm_plus_one", false));
  return Ok{};
}

}  // namespace

std::span<const std::string_view> pooling_names() {
  static constexpr std::string_view kNames[] = {
      "cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"};
  return kNames;
}

const std::vector<ModelFamily>& model_families() {
  static const std::vector<ModelFamily> families = {
#define CUPEL_FAMILY(id) family::id(),
#include "engine/model/families.def"
#undef CUPEL_FAMILY
  };
  return families;
}

Result<ModelDescription> describe_common(MetadataReader& read) {
  const Checkpoint& file = read.file();
  ModelDescription model;
  model.architecture = std::string(read.prefix());
  CUPEL_TRY(model.name, file.get_string_or("general.name", ""));
  CUPEL_TRY(model.width, read.size("embedding_length", kMaxWidth));
  CUPEL_TRY(const int64_t layers, read.size("block_count", kMaxLayers));
  CUPEL_TRY(model.context_length, read.size("context_length", kMaxContext));
  CUPEL_TRY_VOID(describe_norm(read, model));
  CUPEL_TRY(const CheckpointTensor* embedding, file.get_tensor("token_embd.weight"));
  model.vocabulary_size = static_cast<int64_t>(embedding->rows());
  read.ignore("vocab_size");  // the embedding's rows say it
  model.tied_head = file.find_tensor("output.weight") == nullptr;
  if (const CheckpointTensor* head = file.find_tensor("cls.output.weight"); head != nullptr) {
    constexpr uint64_t kMaxOutputs = 4096;
    if (head->rows() > kMaxOutputs) {
      return corrupt_data("{}: cls.output.weight has {} rows; expected at most {}", file.path(),
                          head->rows(), kMaxOutputs);
    }
    model.outputs = static_cast<int64_t>(head->rows());
    model.tied_head = false;
  }
  CUPEL_TRY(model.final_softcap, read.number_or("final_logit_softcapping", 0));

  LayerDescription layer;
  CUPEL_TRY(layer.attention, describe_attention(read, model.width, model.context_length));
  layer.attention.fused = file.find_tensor("blk.0.attn_qkv.weight") != nullptr;
  CUPEL_TRY(layer.feed_forward.width, read.size("feed_forward_length", kMaxWidth * 4));
  model.layers.assign(static_cast<size_t>(layers), layer);
  return model;
}

Result<Ok> describe_windows(MetadataReader& read,
                            ModelDescription& model,
                            FunctionRef<bool(size_t)> local) {
  // Files of models without windows state 0, or nothing.
  CUPEL_TRY(const int64_t window, read.size_or_zero("attention.sliding_window", kMaxContext));
  CUPEL_TRY(const std::vector<bool> slides,
            read.flags_or("attention.sliding_window_pattern", model.layers.size(), local));
  for (size_t i = 0; i < model.layers.size(); ++i) {
    if (slides[i] && window > 0) {
      model.layers[i].attention.window = window;
    }
  }
  return Ok{};
}

Result<Ok> describe_experts(MetadataReader& read, ModelDescription& model) {
  ExpertsDescription experts;
  CUPEL_TRY(experts.count, read.size_or_zero("expert_count", kMaxExperts));
  read.ignore("expert_used_count");
  if (experts.count == 0) {
    return Ok{};
  }
  CUPEL_TRY(experts.used, read.size("expert_used_count", experts.count));
  const int64_t dense_width = model.layers.front().feed_forward.width;
  CUPEL_TRY(experts.width, read.size_or("expert_feed_forward_length", dense_width, kMaxWidth * 4));
  CUPEL_TRY(experts.renormalise, read.flag_or("expert_weights_norm", false));
  if (read.contains("expert_shared_feed_forward_length")) {
    CUPEL_TRY(experts.shared_width, read.size("expert_shared_feed_forward_length", kMaxWidth * 4));
  }
  // Some layers may be dense: the tensors decide.
  for (size_t i = 0; i < model.layers.size(); ++i) {
    if (read.file().find_tensor(format("blk.{}.ffn_gate_inp.weight", i)) != nullptr) {
      model.layers[i].feed_forward.experts = experts;
    }
  }
  return Ok{};
}

Result<ModelDescription> describe_model(const Checkpoint& file) {
  CUPEL_TRY(const std::string architecture, file.get_string("general.architecture"));
  std::vector<std::string> known;
  for (const ModelFamily& candidate : model_families()) {
    if (candidate.architecture == architecture) {
      MetadataReader read(file, architecture);
      CUPEL_TRY(ModelDescription model, candidate.describe(read));
      CUPEL_TRY_VOID(read.refuse_unread());
      return model;
    }
    known.emplace_back(candidate.architecture);
  }
  return unsupported("{}: general.architecture is \"{}\"; supported: {}", file.path(),
                     printable(architecture), join(known, ", "));
}

}  // namespace cupel::engine
