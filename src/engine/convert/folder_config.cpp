#include "engine/convert/folder_config.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/open_folder.h"

namespace cupel::engine {
namespace {

constexpr std::string_view kFactors[] = {"rope_freqs.weight", "rope_factors_long.weight",
                                         "rope_factors_short.weight"};

/// Holds the vectors that a configuration computes.
class VectorStorage final : public TensorStorage {
 public:
  explicit VectorStorage(std::vector<std::vector<float>> vectors) : vectors_(std::move(vectors)) {}
  [[nodiscard]] const std::string& fingerprint() const override { return fingerprint_; }
  [[nodiscard]] uint64_t size_bytes() const override { return 0; }
  void expect(std::span<const std::byte> /*part*/) const override {}
  void release(std::span<const std::byte> /*part*/) const override {}
  void release_all() const override {}
  [[nodiscard]] std::span<const float> vector(size_t i) const { return vectors_[i]; }

 private:
  std::vector<std::vector<float>> vectors_;
  std::string fingerprint_;
};

/// What the configuration describes over the tensors of `file`.
Result<ModelDescription> read_back(const Checkpoint& file, const Json& config) {
  CUPEL_TRY(const hf::TranslatedConfig read, hf::translate_config(config, "config.json"));
  std::vector<std::vector<float>> numbers;
  for (const auto& [name, values] : read.translation.vectors) {
    numbers.push_back(values);
  }
  auto storage = std::make_unique<const VectorStorage>(std::move(numbers));
  std::vector<ForeignTensor> tensors;
  for (const CheckpointTensor& tensor : file.tensors()) {
    if (std::find(std::begin(kFactors), std::end(kFactors), tensor.name) == std::end(kFactors)) {
      tensors.push_back({.name = std::string(tensor.name),
                         .type = tensor.type,
                         .dims = tensor.dims,
                         .num_dims = tensor.num_dims,
                         .offset = tensor.offset,
                         .data = tensor.data});
    }
  }
  for (size_t i = 0; i < read.translation.vectors.size(); ++i) {
    const std::span<const float> values = storage->vector(i);
    tensors.push_back({.name = read.translation.vectors[i].first,
                       .dims = {values.size(), 1, 1, 1},
                       .data = std::as_bytes(values)});
  }
  CUPEL_TRY(const Checkpoint model,
            Checkpoint::assemble("config.json", read.translation.header.encode(),
                                 std::move(tensors), std::move(storage)));
  return describe_model(model);
}

bool near(double a, double b) {
  return a == b || std::fabs(a - b) <= 1e-5 * std::max(std::fabs(a), std::fabs(b));
}
bool near(std::span<const float> a, std::span<const float> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](float x, float y) { return near(static_cast<double>(x), y); });
}

/// Which part of two rotary descriptions differs; empty: none. The order of pairs is the tensors'.
std::string_view difference(const RopeDescription& a, const RopeDescription& b) {
  if (a.rotary_dim == 0 && b.rotary_dim == 0) {
    return "";
  }
  return !near(a.base, b.base) || a.rotary_dim != b.rotary_dim ? "the rotary embedding"
         : !near(a.position_scale, b.position_scale) || !near(a.magnitude, b.magnitude) ||
                 !near(a.frequency_factors, b.frequency_factors) ||
                 !near(a.long_factors, b.long_factors) || a.long_from != b.long_from ||
                 a.dynamic_from != b.dynamic_from || !near(a.dynamic_factor, b.dynamic_factor)
             ? "the scaling of the rotary embedding"
             : "";
}

std::string_view difference(const ExpertsDescription& a, const ExpertsDescription& b) {
  const bool same = a.count == b.count &&
                    (a.count == 0 || (a.used == b.used && a.width == b.width &&
                                      a.router == b.router && a.renormalise == b.renormalise &&
                                      near(a.near, b.near) && a.shared_width == b.shared_width));
  return same ? "" : "its experts";
}

std::string_view difference(const LayerDescription& a, const LayerDescription& b) {
  const AttentionDescription& x = a.attention;
  const AttentionDescription& y = b.attention;
  const FeedForwardDescription& f = a.feed_forward;
  const FeedForwardDescription& g = b.feed_forward;
  const bool has_dense = f.experts.count == 0;
  return x.heads != y.heads || x.kv_heads != y.kv_heads || x.head_dim != y.head_dim
             ? "its attention heads"
         : !near(x.scale, y.scale)                          ? "the scale of queries"
         : !near(x.softcap, y.softcap)                      ? "the soft cap of scores"
         : x.window != y.window                             ? "its sliding windows"
         : x.head_norm != y.head_norm || x.fused != y.fused ? "its attention"
         : x.dual_chunk.chunk != y.dual_chunk.chunk || x.dual_chunk.window != y.dual_chunk.window
             ? "dual chunk attention"
         : f.activation != g.activation || f.fused != g.fused || (has_dense && f.width != g.width)
             ? "its feed-forward blocks"
         : !difference(f.experts, g.experts).empty() ? difference(f.experts, g.experts)
                                                     : difference(x.rope, y.rope);
}

std::string_view difference(const ModelDescription& a, const ModelDescription& b) {
  if (a.layers.size() != b.layers.size() || a.vocabulary_size != b.vocabulary_size ||
      a.width != b.width || a.context_length != b.context_length) {
    return "its sizes";
  }
  if (a.norm != b.norm || a.norm_place != b.norm_place || !near(a.norm_epsilon, b.norm_epsilon)) {
    return "its norms";
  }
  if (!near(a.embedding_scale, b.embedding_scale) || !near(a.final_softcap, b.final_softcap) ||
      a.tied_head != b.tied_head) {
    return "its embedding or head";
  }
  for (size_t i = 0; i < a.layers.size(); ++i) {
    if (const std::string_view what = difference(a.layers[i], b.layers[i]); !what.empty()) {
      return what;
    }
  }
  return "";
}

}  // namespace

Result<const ModelFamily*> folder_family(const Checkpoint& file) {
  CUPEL_TRY(const std::string architecture, file.get_string("general.architecture"));
  std::vector<std::string> known;
  for (const ModelFamily& family : model_families()) {
    if (family.hf.configure == nullptr) {
      continue;
    }
    if (family.architecture == architecture) {
      return &family;
    }
    known.emplace_back(family.architecture);
  }
  return unsupported("{}: folders of the architecture \"{}\" are not written; supported: {}",
                     file.path(), printable(architecture), join(known, ", "));
}

Result<Json> folder_config(const Checkpoint& file, const ModelFamily& family) {
  CUPEL_TRY(const ModelDescription model, describe_model(file));
  hf::ConfigWriter writer(model, file);
  CUPEL_TRY_VOID(writer.set_common());
  CUPEL_TRY_VOID(writer.set_biases(family.hf.biases));
  CUPEL_TRY_VOID(family.hf.configure(model, writer));
  auto again = read_back(file, writer.json());
  if (!again) {
    return in_context(std::move(again).error(),
                      format("{}: the configuration made of it does not read back", file.path()));
  }
  if (const std::string_view what = difference(model, *again); !what.empty()) {
    return unsupported("{}: config.json cannot say {}", file.path(), what);
  }
  return writer.json();
}

void set_outputs(Json& config, int64_t outputs) {
  const Json* const names = config.find("architectures");
  if (outputs == 0 || names == nullptr || !names->is_array()) {
    return;
  }
  constexpr std::string_view kWrites = "ForCausalLM";
  Json architectures = Json::array();
  for (const Json& name : names->as_array()) {
    std::string text = name.is_string() ? name.as_string() : "";
    if (const size_t at = text.find(kWrites); at != std::string::npos) {
      text.replace(at, kWrites.size(), "ForSequenceClassification");
    }
    architectures.push_back(text);
  }
  config.set("architectures", std::move(architectures));
  Json labels = Json::object();
  Json ids = Json::object();
  for (int64_t i = 0; i < outputs; ++i) {
    labels.set(format("{}", i), format("LABEL_{}", i));
    ids.set(format("LABEL_{}", i), i);
  }
  config.set("id2label", std::move(labels)).set("label2id", std::move(ids));
}

}  // namespace cupel::engine
