// Puts the parameters of a model in the places that its description has for them.
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "tensor/guard.h"
#include "train/model/twin.h"

namespace cupel::train {

class TwinBuilder {
 public:
  TwinBuilder(const Model& model, const TwinOptions& options) : model_(model) {
    twin_.description_ = model.description;
    twin_.options_ = options;
    twin_.norm_ = {.kind = model.description.norm,
                   .epsilon = model.description.norm_epsilon,
                   .plus_one = model.description.norm_plus_one};
    twin_.threads_ = std::make_unique<ThreadPool>(1);
  }

  Result<Twin> run() {
    CUPEL_TRY_VOID(add_ends());
    for (size_t i = 0; i < model_.description.layers.size(); ++i) {
      layer_ = i;
      CUPEL_TRY_VOID(add_layer(model_.description.layers[i]));
    }
    CUPEL_TRY_VOID(refuse_unused());
    return std::move(twin_);
  }

 private:
  [[nodiscard]] std::string in_layer(std::string_view part) const {
    return format("blk.{}.{}", layer_, part);
  }

  /// The module of transformers that holds the tensor of that name of GGUF.
  [[nodiscard]] std::string module_of(const std::string& gguf_name) const {
    const std::string name = model_.name_of(gguf_name);
    return name.substr(0, name.rfind('.'));
  }

  /// The parameter of that name of GGUF in the shape that the description asks for.
  Result<Ok> take(const std::string& gguf_name, at::IntArrayRef shape, at::Tensor& out) {
    const std::string name = model_.name_of(gguf_name);
    const at::Tensor* found = model_.parameters.find(name);
    if (found == nullptr) {
      return corrupt_data("{}: tensor {} is missing", model_.source->path(), name);
    }
    if (found->sizes() != shape) {
      return corrupt_data("{}: tensor {} has shape {}; its settings ask for {}",
                          model_.source->path(), name, text_of(found->sizes()), text_of(shape));
    }
    used_.insert(found->unsafeGetTensorImpl());
    out = *found;
    return Ok{};
  }
  /// The same of one that may be absent.
  Result<Ok> take_if_there(const std::string& gguf_name, at::IntArrayRef shape, at::Tensor& out) {
    return model_.find(gguf_name) == nullptr ? Ok{} : take(gguf_name, shape, out);
  }

  static std::string text_of(at::IntArrayRef shape) {
    std::vector<std::string> sizes;
    for (const int64_t size : shape) {
      sizes.push_back(format("{}", size));
    }
    return format("[{}]", join(sizes, ", "));
  }

  Result<Ok> take_norm(const std::string& gguf_name, NormParameters& out) {
    const int64_t width = model_.description.width;
    CUPEL_TRY_VOID(take(gguf_name + ".weight", {width}, out.weight));
    return model_.description.norm == engine::NormKind::kLayer
               ? take_if_there(gguf_name + ".bias", {width}, out.bias)
               : Ok{};
  }

  Result<Ok> take_linear(const std::string& gguf_name, int64_t rows, int64_t cols, Linear& out) {
    out.name = module_of(gguf_name + ".weight");
    CUPEL_TRY_VOID(take(gguf_name + ".weight", {rows, cols}, out.weight));
    return take_if_there(gguf_name + ".bias", {rows}, out.bias);
  }

  Result<Ok> add_ends() {
    const engine::ModelDescription& model = model_.description;
    CUPEL_TRY_VOID(
        take("token_embd.weight", {model.vocabulary_size, model.width}, twin_.embedding_.weight));
    twin_.embedding_.name = module_of("token_embd.weight");
    const std::string head(model.head_name());
    CUPEL_TRY_VOID(take(head + ".weight", {model.head_rows(), model.width}, twin_.head_.weight));
    CUPEL_TRY_VOID(take_if_there(head + ".bias", {model.head_rows()}, twin_.head_.bias));
    twin_.head_.softcap = model.final_softcap;
    return take_norm("output_norm", twin_.output_norm_);
  }

  Result<Ok> add_layer(const engine::LayerDescription& description) {
    TwinLayer layer;
    layer.attention = description.attention;
    layer.feed_forward.description = description.feed_forward;
    if (description.attention.dual_chunk.chunk > 0) {
      return unsupported(
          "{}: dual chunk attention is not trained; remove dual_chunk_attention_config, which "
          "changes nothing within one chunk of {} tokens",
          model_.source->path(), description.attention.dual_chunk.chunk);
    }
    CUPEL_TRY_VOID(add_norms(layer));
    CUPEL_TRY_VOID(add_attention(layer));
    CUPEL_TRY_VOID(add_feed_forward(layer.feed_forward));
    layer.rotation = rotation_of(description.attention.rope);
    twin_.layers_.push_back(std::move(layer));
    return Ok{};
  }

  size_t rotation_of(const engine::RopeDescription& rope) {
    size_t index = 0;
    while (index < twin_.rope_variants_.size() && !(twin_.rope_variants_[index] == rope)) {
      ++index;
    }
    if (index == twin_.rope_variants_.size()) {
      twin_.rope_variants_.push_back(rope);
      twin_.rope_tables_.emplace_back(rope);
    }
    return index;
  }

  Result<Ok> add_norms(TwinLayer& layer) {
    const engine::NormPlace place = model_.description.norm_place;
    const bool after = place == engine::NormPlace::kAfter;
    if (!after) {
      CUPEL_TRY_VOID(take_norm(in_layer("attn_norm"), layer.attention_norm));
    }
    if (!after && place != engine::NormPlace::kParallel) {
      CUPEL_TRY_VOID(take_norm(in_layer("ffn_norm"), layer.feed_forward_norm));
    }
    if (after || place == engine::NormPlace::kAround) {
      CUPEL_TRY_VOID(take_norm(in_layer("post_attention_norm"), layer.post_attention_norm));
      CUPEL_TRY_VOID(take_norm(in_layer("post_ffw_norm"), layer.post_feed_forward_norm));
    }
    const engine::AttentionDescription& a = layer.attention;
    CUPEL_TRY_VOID(add_head_norm("attn_q_norm", a, a.heads, layer.q_norm));
    return add_head_norm("attn_k_norm", a, a.kv_heads, layer.k_norm);
  }

  Result<Ok> add_head_norm(std::string_view part,
                           const engine::AttentionDescription& a,
                           int64_t heads,
                           std::vector<at::Tensor>& out) {
    if (a.head_norm == engine::HeadNorm::kNone) {
      return Ok{};
    }
    const bool each = a.head_norm == engine::HeadNorm::kLayer;
    const int64_t wide = a.head_norm == engine::HeadNorm::kRmsWide ? heads : 1;
    out.resize(each ? static_cast<size_t>(heads) : 1);
    for (size_t i = 0; i < out.size(); ++i) {
      const std::string name =
          each ? format("{}.{}.weight", in_layer(part), i) : in_layer(part) + ".weight";
      CUPEL_TRY_VOID(take(name, {wide * a.head_dim}, out[i]));
    }
    return Ok{};
  }

  Result<Ok> add_attention(TwinLayer& layer) {
    const engine::AttentionDescription& a = layer.attention;
    const int64_t width = model_.description.width;
    const int64_t q = a.heads * a.head_dim;
    const int64_t kv = a.kv_heads * a.head_dim;
    if (a.fused) {
      CUPEL_TRY_VOID(take_linear(in_layer("attn_qkv"), q + 2 * kv, width, layer.qkv));
    } else {
      CUPEL_TRY_VOID(take_linear(in_layer("attn_q"), q, width, layer.q));
      CUPEL_TRY_VOID(take_linear(in_layer("attn_k"), kv, width, layer.k));
      CUPEL_TRY_VOID(take_linear(in_layer("attn_v"), kv, width, layer.v));
    }
    return take_linear(in_layer("attn_output"), width, q, layer.output);
  }

  Result<Ok> add_block(const engine::FeedForwardDescription& description,
                       int64_t ff,
                       const std::string& end,
                       FeedForwardLinears& out) {
    const int64_t width = model_.description.width;
    if (description.gated && !description.fused) {
      CUPEL_TRY_VOID(take_linear(in_layer("ffn_gate" + end), ff, width, out.gate));
    }
    CUPEL_TRY_VOID(
        take_linear(in_layer("ffn_up" + end), description.fused ? 2 * ff : ff, width, out.up));
    return take_linear(in_layer("ffn_down" + end), width, ff, out.down);
  }

  Result<Ok> add_feed_forward(FeedForward& block) {
    const engine::ExpertsDescription& experts = block.description.experts;
    if (experts.count == 0) {
      return add_block(block.description, block.description.width, "", block.dense);
    }
    const int64_t width = model_.description.width;
    CUPEL_TRY_VOID(take_linear(in_layer("ffn_gate_inp"), experts.count, width, block.router));
    block.experts.resize(static_cast<size_t>(experts.count));
    for (size_t e = 0; e < block.experts.size(); ++e) {
      CUPEL_TRY_VOID(
          add_block(block.description, experts.width, format(".{}", e), block.experts[e]));
    }
    if (experts.shared_width == 0) {
      return Ok{};
    }
    CUPEL_TRY_VOID(take_linear(in_layer("ffn_gate_inp_shexp"), 1, width, block.shared_gate));
    return add_block(block.description, experts.shared_width, "_shexp", block.dense);
  }

  // A bias that is not added would give fluent nonsense.
  [[nodiscard]] Result<Ok> refuse_unused() const {
    for (const ParameterSet::Entry& entry : model_.parameters.entries()) {
      if (!used_.contains(entry.tensor.unsafeGetTensorImpl())) {
        return unsupported(
            "{}: tensor {} belongs to a variant of this architecture that is not supported",
            model_.source->path(), printable(entry.name));
      }
    }
    return Ok{};
  }

  const Model& model_;
  Twin twin_;
  size_t layer_ = 0;
  std::unordered_set<const void*> used_;
};

Result<Twin> Twin::create(const Model& model, const TwinOptions& options) {
  return tensor::guard([&]() -> Result<Twin> { return TwinBuilder(model, options).run(); });
}

}  // namespace cupel::train
