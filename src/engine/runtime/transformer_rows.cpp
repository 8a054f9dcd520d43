// Ends of the transformer's blocks over all rows of a batch.
#include <cstring>

#include "engine/runtime/transformer.h"

namespace cupel::engine {

NormArgs Transformer::norm_args(const NormWeights& norm) const {
  return norm_args_of(norm, description_);
}

/// What a block multiplies: the normed rows, or with norms after the blocks the rows themselves.
ActivationRows Transformer::block_input(StripBuffers& work,
                                        const float* hidden,
                                        int64_t rows,
                                        const NormWeights& norm) {
  const ActivationBuffer input = work.normed.get(rows, description_.width, twins_);
  const auto width = static_cast<size_t>(input.cols);
  if (norm.empty()) {
    std::memcpy(input.values, hidden, static_cast<size_t>(rows) * width * sizeof(float));
    quantise_rows(input);
    return activation_rows(input);
  }
  const NormArgs args = norm_args(norm);
  for_each(static_cast<size_t>(rows), static_cast<size_t>(rows) * width * 2, [&](size_t i) {
    operators_->norm_quantise_row(hidden + i * width, args, input, static_cast<int64_t>(i));
  });
  sort_rows(input);
  return activation_rows(input);
}

/// hidden += the product, which is normed before where there is a norm.
void Transformer::add_block_output(StripBuffers& work,
                                   const LinearWeights& weights,
                                   const ActivationRows& input,
                                   const NormWeights& norm,
                                   float* hidden) {
  const auto rows = static_cast<size_t>(input.rows);
  float* out =
      norm.empty() ? hidden : work.block.get(rows * static_cast<size_t>(description_.width));
  const LinearArgs args[] = {
      {.weight = &weights.matrix,
       .bias = bias_of(weights),
       .input = input,
       .output = out,
       .output_stride = description_.width,
       .epilogue = norm.empty() ? LinearEpilogue::kAdd : LinearEpilogue::kStore}};
  run_linears(args);
  if (!norm.empty()) {
    add_rows(rows, norm, out, hidden);
  }
}

/// hidden += block, which is normed in place before where there is a norm.
void Transformer::add_rows(size_t rows, const NormWeights& norm, float* block, float* hidden) {
  const auto width = static_cast<size_t>(description_.width);
  const NormArgs args = norm_args(norm);
  for_each(rows, rows * width * 2, [&](size_t i) {
    float* row = block + i * width;
    if (!norm.empty()) {
      operators_->norm(row, args, description_.width, row);
    }
    operators_->add(hidden + i * width, row, description_.width);
  });
}

}  // namespace cupel::engine
