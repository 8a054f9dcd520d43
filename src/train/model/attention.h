#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/model/description.h"
#include "tensor/tensor.h"
#include "train/model/layout.h"
#include "train/model/rotary.h"

namespace cupel::train {

/// What every layer's attention over one batch needs to know of it: computed once per batch.
class AttentionPlan {
 public:
  AttentionPlan(PackedLayout layout, at::ScalarType type, at::Device device)
      : layout_(std::move(layout)), type_(type), device_(device) {}

  [[nodiscard]] const PackedLayout& layout() const { return layout_; }
  /// Makes the masks that layers of this kind need.
  void prepare(const engine::AttentionDescription& attention);
  /// What is added to the scores [L, K] of document `index`: 0 where a token sees a key, else
  /// -infinity.
  [[nodiscard]] at::Tensor mask(size_t index, int64_t window) const;
  /// Whether plain causal attention says it all.
  [[nodiscard]] bool is_causal(size_t index, int64_t window) const;

 private:
  using Shape = std::tuple<int64_t, int64_t, int64_t>;  // queries, keys before them, window
  [[nodiscard]] Shape shape_of(size_t index, int64_t window) const;

  PackedLayout layout_;
  at::ScalarType type_;
  at::Device device_;
  std::map<Shape, at::Tensor> masks_;
};

/// Rotates queries and keys, and attends: softmax attention of each document over its own tokens
/// and its ancestors', earlier ones only.
///
/// Shapes: q [T, N, H], k and v [T, G, H] with N a multiple of G → [T, N · H]. Scores are
/// scale · q·k, soft-capped where the description says so. Memory: that of one document at a time
/// beyond the result; no mask over the batch. Gradients flow to q, k and v.
at::Tensor attend(const at::Tensor& q,
                  const at::Tensor& k,
                  const at::Tensor& v,
                  const engine::AttentionDescription& attention,
                  const Rotation& rotation,
                  const AttentionPlan& plan);

/// The same by libtorch's operations, one by one, of queries and keys that are rotated: on other
/// devices than the CPU, in f64, with a soft cap; and what tests compare with.
at::Tensor plain_attend(const at::Tensor& q,
                        const at::Tensor& k,
                        const at::Tensor& v,
                        const engine::AttentionDescription& attention,
                        const AttentionPlan& plan);

}  // namespace cupel::train
