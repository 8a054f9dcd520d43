#pragma once

#include <span>
#include <vector>

#include "core/tokenizer.h"
#include "engine/checkpoint/checkpoint.h"
#include "support/tiny_model.h"

namespace cupel::test {

/// Logits [row][V] of a tiny model after each of `ids`, in double and without cache, batching or
/// kernels: the published formulas of Llama and Gemma 3, one row after another. Reads the tensors
/// of the file by name and takes the sizes from `options`, so it shares nothing with the engine but
/// the decoding of blocks.
std::vector<std::vector<double>> reference_logits(const engine::Checkpoint& file,
                                                  const TinyModelOptions& options,
                                                  std::span<const TokenId> ids);

}  // namespace cupel::test
