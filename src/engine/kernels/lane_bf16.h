#pragma once

#include "engine/kernels/flush_denormals.h"
#include "engine/kernels/lane_linear.h"

namespace cupel::engine::kernels {
namespace {

// BF16 weights × the bf16 twin of the activations, as the tile instruction tdpbf16ps defines it: of
// each block of 32 columns the even ones are one chain of multiply-adds, the odd ones another, both
// from zero on and ascending; acc = acc + (even + odd). Numbers below 2^-126 count as zero, in and
// out. vdpbf16ps makes the same chains of other pairs (bf16_avx512bf16.cpp).

struct TwoChains {
  static constexpr int kTokens = Lanes::kTileTokens / 2;  // twice the sums of OneChain

  template <int groups, int tokens, class Columns>
  static void multiply(
      const Columns& columns, const float* x, int64_t stride, int64_t count, float* sums) {
    for (int64_t block = 0; block < count; block += kBlockCols) {
      multiply_block<groups, tokens>(columns, block, x, stride, sums);
    }
  }

 private:
  template <int groups, int tokens, class Columns>
  static void multiply_block(
      const Columns& columns, int64_t first, const float* x, int64_t stride, float* sums) {
    Lanes chain[2][tokens][groups];
#pragma GCC unroll 32
    for (int i = 0; i < 2 * tokens * groups; ++i) {
      chain[i % 2][i / 2 / groups][i / 2 % groups] = Lanes::broadcast(0);
    }
    for (int64_t k = first; k < first + kBlockCols; k += 2) {
#pragma GCC unroll 2
      for (int odd = 0; odd < 2; ++odd) {
        Lanes weight[groups];
#pragma GCC unroll 4
        for (int g = 0; g < groups; ++g) {
          weight[g] = columns.column(g, k + odd);
        }
#pragma GCC unroll 8
        for (int t = 0; t < tokens; ++t) {
          const Lanes value = Lanes::broadcast(x[t * stride + k + odd]);
#pragma GCC unroll 4
          for (int g = 0; g < groups; ++g) {
            chain[odd][t][g] = Lanes::fma(weight[g], value, chain[odd][t][g]);
          }
        }
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < tokens * groups; ++i) {
      const Lanes both =
          Lanes::add(chain[0][i / groups][i % groups], chain[1][i / groups][i % groups]);
      Lanes::store(sums + 16 * i, Lanes::add(Lanes::load(sums + 16 * i), both));
    }
  }
};

struct Bf16Source : BlockSource<kFormatBf16> {};

template <>
struct ArithmeticOf<Bf16Source> {
  using Mode = FlushDenormals;
  using Sums = TwoChains;
};

/// The twin in f32.
inline const float* twin_values(const ActivationRows& input) {
  const int64_t count = input.rows * input.cols;
  auto* x = static_cast<float*>(thread_scratch(kScratchActivations, count * 4));
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = static_cast<uint32_t>(input.bf16[i]) << 16U;
    memcpy(x + i, &bits, sizeof bits);
  }
  return x;
}

inline void linear_bf16(const LinearTask& task) {
  multiply_float<Bf16Source>(task, twin_values(task.input));
}

}  // namespace
}  // namespace cupel::engine::kernels
