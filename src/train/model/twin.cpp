#include "train/model/twin.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "tensor/guard.h"
#include "train/model/recompute.h"

namespace cupel::train {
namespace {

using engine::NormPlace;

/// Whether each document's text, branches included, is so long that LongRoPE's other factors apply.
Result<std::vector<bool>> long_documents(const PackedLayout& layout, int64_t long_from) {
  const auto documents = layout.documents();
  std::vector<bool> is_long(documents.size());
  std::vector<bool> continued(documents.size());
  // From the end: a document has the factors of the texts that go on from it.
  for (size_t i = documents.size(); i-- > 0;) {
    if (!continued[i]) {
      is_long[i] = layout.first_position(i) + documents[i].length > long_from;
    }
    if (documents[i].parent == DocumentSpan::kNoParent) {
      continue;
    }
    const auto parent = static_cast<size_t>(documents[i].parent);
    if (continued[parent] && is_long[parent] != is_long[i]) {
      return unsupported(
          "document {} and another branch of document {} are on both sides of {} positions, where "
          "LongRoPE's factors change; train them as texts of their own",
          i, parent, long_from);
    }
    continued[parent] = true;
    is_long[parent] = is_long[i];
  }
  return is_long;
}

}  // namespace

std::vector<at::Tensor> TwinLayer::tensors() const {
  std::vector<at::Tensor> result;
  for (const NormParameters* norm :
       {&attention_norm, &post_attention_norm, &feed_forward_norm, &post_feed_forward_norm}) {
    for (const at::Tensor& tensor : {norm->weight, norm->bias}) {
      if (tensor.defined()) {
        result.push_back(tensor);
      }
    }
  }
  for (const std::vector<at::Tensor>* norms : {&q_norm, &k_norm}) {
    result.insert(result.end(), norms->begin(), norms->end());
  }
  for_each_linear(*this, [&](const Linear& linear) { linear.add_tensors(result); });
  return result;
}

Result<std::shared_ptr<const BatchPlan>> Twin::plan(const PackedLayout& layout) {
  return tensor::guard([&]() -> Result<std::shared_ptr<const BatchPlan>> {
    const at::Device device = embedding_.weight.device();
    BatchPlan plan{.attention = AttentionPlan(layout, options_.compute, device), .rotations = {}};
    for (const TwinLayer& layer : layers_) {
      plan.attention.prepare(layer.attention);
    }
    const std::vector<int64_t> positions = layout.positions();
    int64_t furthest = 0;
    for (const int64_t position : positions) {
      furthest = std::max(furthest, position + 1);
    }
    for (size_t i = 0; i < rope_variants_.size(); ++i) {
      std::vector<TokenPlace> places;
      for (const int64_t position : positions) {
        places.push_back({.position = position});
      }
      if (const int64_t from = rope_variants_[i].long_from; from > 0) {
        CUPEL_TRY(const std::vector<bool> is_long, long_documents(layout, from));
        for (size_t j = 0; j < is_long.size(); ++j) {
          const DocumentSpan& document = layout.documents()[j];
          for (int64_t row = 0; row < document.length; ++row) {
            places[static_cast<size_t>(document.begin + row)].long_factors = is_long[j];
          }
        }
      }
      rope_tables_[i].grow(furthest, *threads_);
      plan.rotations.push_back(rotation_of(rope_variants_[i], rope_tables_[i], places, device));
    }
    return std::make_shared<const BatchPlan>(std::move(plan));
  });
}

/// x [T, N, H].
at::Tensor Twin::normed_heads(const at::Tensor& x,
                              const std::vector<at::Tensor>& weights,
                              engine::HeadNorm kind) const {
  NormSettings settings = norm_;
  settings.kind =
      kind == engine::HeadNorm::kLayer ? engine::NormKind::kLayer : engine::NormKind::kRms;
  if (kind == engine::HeadNorm::kRmsWide) {
    const at::Tensor wide = x.flatten(1);
    return norm(wide, {.weight = weights.front()}, settings, x.scalar_type()).view_as(x);
  }
  const at::Tensor weight = weights.size() == 1 ? weights.front() : at::stack(weights, 0);
  return norm(x, {.weight = weight}, settings, x.scalar_type());  // weight [H] or [N, H]
}

at::Tensor Twin::attention_block(const TwinLayer& layer,
                                 const at::Tensor& x,
                                 const BatchPlan& plan,
                                 const Pass& pass) const {
  const engine::AttentionDescription& a = layer.attention;
  const int64_t q_width = a.heads * a.head_dim;
  const int64_t kv_width = a.kv_heads * a.head_dim;
  std::vector<at::Tensor> parts;
  if (a.fused) {
    parts = layer.qkv(x, pass).split_with_sizes({q_width, kv_width, kv_width}, -1);
  } else {
    parts = {layer.q(x, pass), layer.k(x, pass), layer.v(x, pass)};
  }
  at::Tensor q = parts[0].unflatten(-1, {a.heads, a.head_dim});           // [T, N, H]
  at::Tensor k = parts[1].unflatten(-1, {a.kv_heads, a.head_dim});        // [T, G, H]
  const at::Tensor v = parts[2].unflatten(-1, {a.kv_heads, a.head_dim});  // [T, G, H]
  if (a.head_norm != engine::HeadNorm::kNone) {
    q = normed_heads(q, layer.q_norm, a.head_norm);
    k = normed_heads(k, layer.k_norm, a.head_norm);
  }
  const Rotation& rotation = plan.rotations[layer.rotation];
  return layer.output(attend(q, k, v, a, rotation, plan.attention), pass);
}

Twin::Stream Twin::run_layer(const TwinLayer& layer,
                             const Stream& stream,
                             const BatchPlan& plan,
                             const Pass& pass) const {
  const NormPlace place = description_.norm_place;
  if (place == NormPlace::kAfter) {
    return run_layer_normed_after(layer, stream, plan, pass);
  }
  const auto [x, input] =
      added_norm(stream.x, stream.addend, layer.attention_norm, norm_, pass.compute);
  at::Tensor block = attention_block(layer, input, plan, pass);
  if (place == NormPlace::kParallel) {
    return {.x = x, .addend = block + feed_forward(layer.feed_forward, input, pass)};
  }
  const bool post = place == NormPlace::kAround;
  if (post) {
    block = norm(block, layer.post_attention_norm, norm_, x.scalar_type());
  }
  const auto [between, second] = added_norm(x, block, layer.feed_forward_norm, norm_, pass.compute);
  block = feed_forward(layer.feed_forward, second, pass);
  if (post) {
    block = norm(block, layer.post_feed_forward_norm, norm_, x.scalar_type());
  }
  return {.x = between, .addend = block};
}

Twin::Stream Twin::run_layer_normed_after(const TwinLayer& layer,
                                          const Stream& stream,
                                          const BatchPlan& plan,
                                          const Pass& pass) const {
  const at::Tensor x = stream.sum();
  const at::Tensor block = attention_block(layer, x.to(pass.compute), plan, pass);
  const at::Tensor between = x + norm(block, layer.post_attention_norm, norm_, x.scalar_type());
  const at::Tensor second = feed_forward(layer.feed_forward, between.to(pass.compute), pass);
  return {.x = between,
          .addend = norm(second, layer.post_feed_forward_norm, norm_, x.scalar_type())};
}

at::Tensor Twin::hidden(const at::Tensor& ids,
                        const std::shared_ptr<const BatchPlan>& plan,
                        const ForwardOptions& options) const {
  CUPEL_CHECK(ids.dim() == 1 && ids.size(0) == plan->attention.layout().tokens(),
              "ids of the planned batch");
  const Pass pass{.compute = options_.compute, .dropout = options.dropout, .casts = casts_.get()};
  at::Tensor x = embedding_(ids, pass);  // [T, D]
  if (description_.embedding_scale != 1) {
    x = x * description_.embedding_scale;
  }
  if (options.embedding_noise.defined()) {
    x = x + options.embedding_noise;
  }
  Stream stream{.x = x, .addend = {}};
  for (const TwinLayer& layer : layers_) {
    if (options_.recompute_layers) {
      const Step step = [this, &layer, plan, pass](const at::Tensor& input) {
        return run_layer(layer, {.x = input, .addend = {}}, *plan, pass).sum();
      };
      stream.x = recomputed(step, stream.x, layer.tensors());
    } else {
      stream = run_layer(layer, stream, *plan, pass);
    }
  }
  return added_norm(stream.x, stream.addend, output_norm_, norm_, x.scalar_type()).normed;
}

Head Twin::head() const {
  Head head = head_;
  head.casts = casts_;
  return head;
}

at::Tensor Twin::logits(const at::Tensor& hidden) const {
  const auto type = hidden.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor result = at::linear(hidden.to(type), head_.weight.to(type));  // [T, V]
  if (head_.bias.defined()) {
    result = result + head_.bias.to(type);
  }
  return head_.softcap > 0 ? head_.softcap * at::tanh(result / head_.softcap) : result;
}

std::vector<Linear*> Twin::linears() {
  std::vector<Linear*> result;
  for (TwinLayer& layer : layers_) {
    TwinLayer::for_each_linear(layer, [&](Linear& linear) { result.push_back(&linear); });
  }
  return result;
}

}  // namespace cupel::train
