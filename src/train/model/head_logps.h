#pragma once

#include <cstdint>

#include "tensor/tensor.h"
#include "train/model/twin.h"

namespace cupel::train {

struct HeadLogpsOptions {
  /// Labels of positions that do not count.
  static constexpr int64_t kIgnored = -100;

  /// Positions whose logits are computed together; 0: all, 2048 at most.
  int64_t chunk_rows = 0;
  /// Tokens of the vocabulary whose logits are held at once; 0: as many as make about 16 MiB.
  int64_t block_tokens = 0;
  at::ScalarType compute = at::kFloat;  ///< of the products; of f64 hidden states f64
  // What else is asked for; each costs a pass over the logits.
  bool mean_logps = false;
  bool entropy = false;
  bool log_sum_squares = false;
  bool top = false;  ///< costs next to nothing
};

/// What head_logps says of each position. All are [T], exactly 0 where the label is kIgnored;
/// undefined where they were not asked for.
struct HeadLogps {
  at::Tensor logps;       ///< log-probability of the label, nats
  at::Tensor log_sums;    ///< log Σ exp of the logits (z-loss)
  at::Tensor mean_logps;  ///< mean log-probability of all tokens (label smoothing)
  // Without gradients:
  at::Tensor entropy;          ///< of the distribution, nats
  at::Tensor log_sum_squares;  ///< log Σ p² (WPO)
  at::Tensor top;              ///< 1 where the label is the first of the likeliest tokens, else 0
};

/// Log-probabilities of labels under the head, without ever holding the logits of all positions.
///
/// Shapes: hidden [T, D]; labels [T] int64, each a token or kIgnored → [T] in f32, or f64 of f64.
/// Gradients flow to hidden, to the head's weight and to its bias, through logps, log_sums and
/// mean_logps; positions that are ignored get none and cost nothing.
/// With z = h Wᵀ + b, x = softcap · tanh(z / softcap) or z, p = softmax(x) and the gradients g of
/// the three: ∂/∂x = g_logp (onehot - p) + g_sum p + g_mean (1/V - p); ∂x/∂z = 1 - (x / softcap)².
///
/// Cost: 2 · n V D multiply-adds forward and 6 backward, n positions that count: logits are
/// computed twice. Memory beyond the results and gradients: 2 · chunk · block numbers at most.
/// Checked against: tests/train_model/head_logps_test.cpp (the same through at::log_softmax).
HeadLogps head_logps(const at::Tensor& hidden,
                     const Head& head,
                     const at::Tensor& labels,
                     const HeadLogpsOptions& options = {});

}  // namespace cupel::train
