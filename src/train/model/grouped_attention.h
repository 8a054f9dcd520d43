#pragma once

#include <cstdint>

#include "tensor/tensor.h"
#include "train/model/layout.h"
#include "train/model/rotary.h"

namespace cupel::train {

struct GroupedAttentionOptions {
  double scale = 1;    ///< of the scores
  int64_t window = 0;  ///< > 0: a token sees the last so many keys only
};

/// Rotation and attention as one step on the CPU, in f32 or bf16.
///
/// Shapes: q [T, N, H], k and v [T, G, H], not rotated → [T, N · H]. The N / G query heads that
/// share a key head are rows of the same products, so keys and values are never repeated; a
/// document's queries go in blocks that meet no key behind their last one. Of bf16 numbers the
/// scores and the gradients of the softmax's weights are computed in f32. Keeps q, k, v and one
/// number per head and token; backward computes the scores again.
///
/// Source: Dao et al. 2022, "FlashAttention", for what is kept and how it is recovered.
/// Checked against: tests/train_model/kernels_test.cpp (plain_attend in f64), parity_test.cpp.
at::Tensor grouped_attention(const at::Tensor& q,
                             const at::Tensor& k,
                             const at::Tensor& v,
                             const Rotation& rotation,
                             const PackedLayout& layout,
                             const GroupedAttentionOptions& options);

}  // namespace cupel::train
