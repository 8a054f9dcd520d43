#pragma once

#include "engine/kernels/flush_denormals.h"
#include "engine/kernels/lane_linear.h"

namespace cupel::engine::kernels {
namespace {

// BF16 weights × the bf16 twin of the activations, as the instruction vdpbf16ps defines it: of each
// pair of columns the odd one is added first, acc = fma(w, x, acc), and numbers below 2^-126 count
// as zero, in and out.

/// Columns with the members of each pair exchanged.
struct SwappedBf16Source : ColumnSource<2> {
  static Lanes column(const uint8_t* group, int64_t column) {
    return BlockSource<kFormatBf16>::column(group, column ^ 1);
  }
};

/// The twin in f32, with the members of each pair exchanged.
inline const float* swapped_values(const ActivationRows& input) {
  const int64_t count = input.rows * input.cols;
  auto* x = static_cast<float*>(thread_scratch(kScratchActivations, count * 4));
  for (int64_t i = 0; i < count; i += 2) {
    const uint32_t pair[2] = {static_cast<uint32_t>(input.bf16[i + 1]) << 16U,
                              static_cast<uint32_t>(input.bf16[i]) << 16U};
    memcpy(x + i, pair, sizeof pair);
  }
  return x;
}

template <>
struct ModeOf<SwappedBf16Source> {
  using Type = FlushDenormals;
};

inline void linear_bf16(const LinearTask& task) {
  multiply_float<SwappedBf16Source>(task, swapped_values(task.input));
}

}  // namespace
}  // namespace cupel::engine::kernels
