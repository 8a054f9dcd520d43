#include "train/model/attention.h"

#include <limits>
#include <optional>

#include "train/model/grouped_attention.h"
#include "train/model/kernel_values.h"

namespace cupel::train {
namespace {

/// [L, G, H] → [1, N, L, H]: each group's head for all of its queries' heads.
at::Tensor by_heads(const at::Tensor& x, int64_t heads) {
  const int64_t group = heads / x.size(1);
  const at::Tensor heads_first = x.transpose(0, 1).unsqueeze(0);  // [1, G, L, H]
  if (group == 1) {
    return heads_first;
  }
  return heads_first.unsqueeze(2)
      .expand({-1, -1, group, -1, -1})
      .reshape({1, heads, x.size(0), x.size(2)});
}

/// Scores in full: what the fused kernels have no word for.
at::Tensor attend_with_softcap(const at::Tensor& q,
                               const at::Tensor& k,
                               const at::Tensor& v,
                               const engine::AttentionDescription& attention,
                               const at::Tensor& mask) {
  const auto type = q.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor scores = at::matmul(q, k.transpose(-2, -1)).to(type) * attention.scale;
  const at::Tensor capped = attention.softcap * at::tanh(scores / attention.softcap);
  const at::Tensor weights = at::softmax(capped + mask.to(type), -1);  // [1, N, L, K]
  return at::matmul(weights.to(q.scalar_type()), v);
}

/// The keys or values that a document sees: its ancestors', then its own.
at::Tensor with_ancestors(const std::vector<at::Tensor>& parts,
                          const PackedLayout& layout,
                          size_t index) {
  std::vector<at::Tensor> seen;
  for (const size_t ancestor : layout.ancestors(index)) {
    seen.push_back(parts[ancestor]);
  }
  if (seen.empty()) {
    return parts[index];
  }
  seen.push_back(parts[index]);
  return at::cat(seen, 0);
}

}  // namespace

AttentionPlan::Shape AttentionPlan::shape_of(size_t index, int64_t window) const {
  const int64_t length = layout_.documents()[index].length;
  const int64_t before = layout_.first_position(index);
  return {length, before, window >= before + length ? 0 : window};
}

void AttentionPlan::prepare(const engine::AttentionDescription& attention) {
  for (size_t i = 0; i < layout_.documents().size(); ++i) {
    const Shape shape = shape_of(i, attention.window);
    const bool needed = attention.softcap > 0 || !is_causal(i, attention.window);
    if (!needed || masks_.contains(shape)) {
      continue;
    }
    const auto [length, before, slides] = shape;
    const at::Tensor queries = at::arange(before, before + length, at::kLong).unsqueeze(1);
    const at::Tensor keys = at::arange(before + length, at::kLong).unsqueeze(0);
    at::Tensor hidden = keys > queries;  // [L, K]
    if (slides > 0) {
      hidden = hidden.logical_or(keys <= queries - slides);
    }
    const at::Tensor mask = at::zeros({length, before + length}, type_);
    masks_[shape] = mask.masked_fill(hidden, -std::numeric_limits<double>::infinity()).to(device_);
  }
}

at::Tensor AttentionPlan::mask(size_t index, int64_t window) const {
  return masks_.at(shape_of(index, window));
}

bool AttentionPlan::is_causal(size_t index, int64_t window) const {
  const auto [length, before, slides] = shape_of(index, window);
  return before == 0 && slides == 0;
}

at::Tensor attend(const at::Tensor& q,
                  const at::Tensor& k,
                  const at::Tensor& v,
                  const engine::AttentionDescription& attention,
                  const Rotation& rotation,
                  const AttentionPlan& plan) {
  if (attention.softcap == 0 && has_kernels(q)) {
    return grouped_attention(q, k, v, rotation, plan.layout(),
                             {.scale = attention.scale, .window = attention.window});
  }
  return plain_attend(rotate(q, rotation), rotate(k, rotation), v, attention, plan);
}

at::Tensor plain_attend(const at::Tensor& q,
                        const at::Tensor& k,
                        const at::Tensor& v,
                        const engine::AttentionDescription& attention,
                        const AttentionPlan& plan) {
  const PackedLayout& layout = plan.layout();
  const std::vector<int64_t> lengths = layout.lengths();
  const std::vector<at::Tensor> queries = q.split_with_sizes(lengths, 0);
  const std::vector<at::Tensor> keys = k.split_with_sizes(lengths, 0);
  const std::vector<at::Tensor> values = v.split_with_sizes(lengths, 0);
  std::vector<at::Tensor> outputs;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const at::Tensor one_q = by_heads(queries[i], attention.heads);  // [1, N, L, H]
    const at::Tensor one_k =
        by_heads(with_ancestors(keys, layout, i), attention.heads);  // [1, N, K, H]
    const at::Tensor one_v =
        by_heads(with_ancestors(values, layout, i), attention.heads);  // [1, N, K, H]
    at::Tensor out;
    if (attention.softcap > 0) {
      out = attend_with_softcap(one_q, one_k, one_v, attention, plan.mask(i, attention.window));
    } else if (plan.is_causal(i, attention.window)) {
      out = at::scaled_dot_product_attention(one_q, one_k, one_v, {}, 0, /*is_causal=*/true,
                                             attention.scale);
    } else {
      out = at::scaled_dot_product_attention(one_q, one_k, one_v, plan.mask(i, attention.window), 0,
                                             /*is_causal=*/false, attention.scale);
    }
    outputs.push_back(out.squeeze(0).transpose(0, 1).flatten(1));  // [L, N · H]
  }
  return outputs.size() == 1 ? outputs.front() : at::cat(outputs, 0);
}

}  // namespace cupel::train
