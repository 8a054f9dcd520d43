#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace cupel::train {

// Log-softmax by blocks of the vocabulary: what is known of each row grows block by block.
// Letters: c rows of a chunk, V vocabulary, w columns of a block.

/// Products h Wᵀ of a chunk of rows and a block of the vocabulary.
struct LogitsView {
  at::Tensor products;  ///< [c, w] in the type of the products; overwritten
  at::Tensor exact;  ///< [c, w] in f32 or f64, memory for the same; undefined where it is not read
  at::Tensor bias;   ///< [V] in the exact type, or undefined
  double softcap = 0;
  at::Tensor labels;  ///< [c]
  int64_t first = 0;  ///< of the block in the vocabulary
};

/// The largest logit of each row so far, and sums relative to it. What was not asked for is
/// undefined.
struct RowSums {
  at::Tensor largest;   ///< [c] f32 or f64, from -infinity
  at::Tensor sums;      ///< [c] f64: Σ exp(x - largest)
  at::Tensor label;     ///< [c] as largest: the label's logit
  at::Tensor totals;    ///< [c] f64: Σ x
  at::Tensor products;  ///< [c] f64: Σ exp(x - largest) (x - largest)
  at::Tensor squares;   ///< [c] f64: Σ exp(2 (x - largest))
  at::Tensor top;       ///< [c] int64: the first token with the largest logit

  struct Wanted {
    bool totals = false;
    bool products = false;
    bool squares = false;
    bool top = false;
  };
  static RowSums begin(int64_t rows, const at::TensorOptions& exact, const Wanted& wanted);
};

/// Adds a block. On the CPU and of f32 or bf16 products in one pass by a kernel.
void add_block(const LogitsView& block, RowSums& sums);

/// Gradients by row, [c] in the exact type.
struct RowSlopes {
  at::Tensor log_sums;
  at::Tensor of_label;
  at::Tensor of_p;
  at::Tensor of_all;  ///< or undefined
};

/// ∂/∂(h Wᵀ) of a block, in the type of the products and the place of them.
at::Tensor block_slopes(const LogitsView& block, const RowSlopes& slopes);

/// Whether LogitsView::exact is read.
bool reads_exact_logits(const at::Tensor& products);

}  // namespace cupel::train
