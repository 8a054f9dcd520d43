#include "engine/model/description.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"

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

class Reader {
 public:
  Reader(const GgufFile& file, std::string_view prefix) : file_(file), prefix_(prefix) {}

  [[nodiscard]] std::string key(std::string_view name) const {
    return format("{}.{}", prefix_, name);
  }
  [[nodiscard]] Result<int64_t> size(std::string_view name, int64_t limit) const {
    CUPEL_TRY(const uint64_t value, file_.get_u64(key(name)));
    return checked(name, value, limit);
  }
  [[nodiscard]] Result<int64_t> size_or(std::string_view name,
                                        int64_t fallback,
                                        int64_t limit) const {
    CUPEL_TRY(const uint64_t value, file_.get_u64_or(key(name), static_cast<uint64_t>(fallback)));
    return checked(name, value, limit);
  }

 private:
  [[nodiscard]] Result<int64_t> checked(std::string_view name,
                                        uint64_t value,
                                        int64_t limit) const {
    if (value == 0 || value > static_cast<uint64_t>(limit)) {
      return corrupt_data("{}: {} is {}; expected 1 to {}", file_.path(), key(name), value, limit);
    }
    return static_cast<int64_t>(value);
  }
  const GgufFile& file_;
  std::string_view prefix_;
};

Result<AttentionDescription> describe_attention(const GgufFile& file,
                                                const Reader& read,
                                                int64_t width) {
  AttentionDescription attention;
  CUPEL_TRY(attention.heads, read.size("attention.head_count", kMaxHeads));
  CUPEL_TRY(attention.kv_heads,
            read.size_or("attention.head_count_kv", attention.heads, kMaxHeads));
  if (attention.heads % attention.kv_heads != 0) {
    return corrupt_data("{}: {} query heads cannot share {} key-value heads evenly", file.path(),
                        attention.heads, attention.kv_heads);
  }
  const int64_t even_share = std::max<int64_t>(1, width / attention.heads);
  CUPEL_TRY(attention.head_dim, read.size_or("attention.key_length", even_share, 4096));
  CUPEL_TRY(const int64_t value_length,
            read.size_or("attention.value_length", attention.head_dim, 4096));
  if (value_length != attention.head_dim) {
    return unsupported("{}: {} is {} but key heads are {} wide; different widths are not supported",
                       file.path(), read.key("attention.value_length"), value_length,
                       attention.head_dim);
  }
  attention.scale = 1.0 / std::sqrt(static_cast<double>(attention.head_dim));
  CUPEL_TRY(attention.rope.rotary_dim,
            read.size_or("rope.dimension_count", attention.head_dim, attention.head_dim));
  if (attention.rope.rotary_dim % 2 != 0) {
    return corrupt_data("{}: {} is odd; rotary dimensions come in pairs", file.path(),
                        read.key("rope.dimension_count"));
  }
  CUPEL_TRY(attention.rope.base, file.get_f64_or(read.key("rope.freq_base"), 10000.0));
  CUPEL_TRY(const std::string scaling, file.get_string_or(read.key("rope.scaling.type"), "none"));
  if (scaling == "linear") {
    CUPEL_TRY(const double factor, file.get_f64_or(read.key("rope.scaling.factor"), 1.0));
    attention.rope.position_scale = 1.0 / factor;
  } else if (scaling != "none") {
    return unsupported("{}: {} is \"{}\"; supported: none, linear", file.path(),
                       read.key("rope.scaling.type"), printable(scaling));
  }
  const bool sane = std::isfinite(attention.rope.base) && attention.rope.base > 0 &&
                    std::isfinite(attention.rope.position_scale) &&
                    attention.rope.position_scale > 0;
  if (!sane) {
    return corrupt_data("{}: rotary base and scaling factor must be positive numbers", file.path());
  }
  return attention;
}

}  // namespace

const std::vector<ModelFamily>& model_families() {
  static const std::vector<ModelFamily> families = {
#define CUPEL_FAMILY(id) family::id(),
#include "engine/model/families.def"
#undef CUPEL_FAMILY
  };
  return families;
}

Result<ModelDescription> describe_common(const GgufFile& file, std::string_view prefix) {
  const Reader read(file, prefix);
  ModelDescription model;
  model.architecture = std::string(prefix);
  CUPEL_TRY(model.name, file.get_string_or("general.name", ""));
  CUPEL_TRY(model.width, read.size("embedding_length", kMaxWidth));
  CUPEL_TRY(const int64_t layers, read.size("block_count", kMaxLayers));
  CUPEL_TRY(model.context_length, read.size("context_length", int64_t{1} << 28));
  CUPEL_TRY(model.norm_epsilon, file.get_f64(read.key("attention.layer_norm_rms_epsilon")));
  if (!(model.norm_epsilon > 0 && model.norm_epsilon < 1)) {
    return corrupt_data("{}: {} is {}; expected a small positive number", file.path(),
                        read.key("attention.layer_norm_rms_epsilon"), model.norm_epsilon);
  }
  CUPEL_TRY(const GgufTensor* embedding, file.get_tensor("token_embd.weight"));
  model.vocabulary_size = static_cast<int64_t>(embedding->rows());
  model.tied_head = file.find_tensor("output.weight") == nullptr;

  LayerDescription layer;
  CUPEL_TRY(layer.attention, describe_attention(file, read, model.width));
  CUPEL_TRY(layer.feed_forward.width, read.size("feed_forward_length", kMaxWidth * 4));
  model.layers.assign(static_cast<size_t>(layers), layer);
  return model;
}

Result<ModelDescription> describe_model(const GgufFile& file) {
  CUPEL_TRY(const std::string architecture, file.get_string("general.architecture"));
  std::vector<std::string> known;
  for (const ModelFamily& candidate : model_families()) {
    if (candidate.architecture == architecture) {
      return candidate.describe(file);
    }
    known.emplace_back(candidate.architecture);
  }
  return unsupported("{}: general.architecture is \"{}\"; supported: {}", file.path(),
                     printable(architecture), join(known, ", "));
}

}  // namespace cupel::engine
