#pragma once

#include "engine/kernels/kernel_table.h"
#include "engine/kernels/weight_layout.h"

namespace cupel::engine::kernels {
namespace {

// Linear layers with f32 activations: dequantised weights, acc = fma(w, x, acc) over ascending
// columns, one accumulator per output. Weights are dequantised 32 columns × 16 rows at a time and
// used for all tokens; the accumulators of the tokens wait in scratch memory meanwhile (which
// rounds nothing).

constexpr int kF32Tokens = 4;

/// w[32][16] of one block.
template <class L>
inline void dequantise_block(BlockRef block, float* w) {
  BlockTile tile;
  unpack_block<L, Lanes>(block, tile);
  const Lanes zero = Lanes::broadcast(static_cast<float>(L::kZero));
  const Lanes min = L::kHasMin ? Lanes::load(tile.min) : Lanes::broadcast(0);
  for (int half = 0; half < 2; ++half) {
    Lanes scale = Lanes::load(tile.scale);
    if constexpr (L::kHalves) {
      scale = Lanes::mul(scale, Lanes::load_i16_pairs(tile.half_scale, half));
    }
    for (int quad = 4 * half; quad < 4 * half + 4; ++quad) {
      for (int i = 0; i < 4; ++i) {
        const Lanes code = Lanes::load_byte_of_words(tile.codes + 64 * quad, i);
        Lanes::store(w + 16 * (4 * quad + i), Lanes::fma(scale, Lanes::sub(code, zero), min));
      }
    }
  }
}

/// Blocks of a quantised format.
template <Format format>
struct BlockSource {
  using L = Layout<format>;
  static int64_t group_bytes(int64_t cols) { return L::group_bytes(cols); }
  static void load(const uint8_t* group, int64_t block, float* w) {
    dequantise_block<L>(block_ref<L>(group, block), w);
  }
};

template <>
struct BlockSource<kFormatF32> {
  static int64_t group_bytes(int64_t cols) { return cols * kGroupRows * 4; }
  static void load(const uint8_t* group, int64_t block, float* w) {
    memcpy(w, group + block * kBlockCols * kGroupRows * 4, kBlockCols * kGroupRows * 4);
  }
};

template <Lanes (*widen)(const uint16_t*)>
struct HalfSource {
  static int64_t group_bytes(int64_t cols) { return cols * kGroupRows * 2; }
  static void load(const uint8_t* group, int64_t block, float* w) {
    const auto* p = reinterpret_cast<const uint16_t*>(group) + block * kBlockCols * kGroupRows;
    for (int i = 0; i < kBlockCols; ++i) {
      Lanes::store(w + 16 * i, widen(p + 16 * i));
    }
  }
};
template <>
struct BlockSource<kFormatF16> : HalfSource<&Lanes::load_half> {};
template <>
struct BlockSource<kFormatBf16> : HalfSource<&Lanes::load_bf16> {};

template <int tokens>
inline void multiply_block(const float* w, const float* x, int64_t stride, float* sums) {
  Lanes acc[tokens];
  for (int t = 0; t < tokens; ++t) {
    acc[t] = Lanes::load(sums + 16 * t);
  }
  for (int k = 0; k < kBlockCols; ++k) {
    const Lanes weight = Lanes::load(w + 16 * k);
    for (int t = 0; t < tokens; ++t) {
      acc[t] = Lanes::fma(weight, Lanes::broadcast(x[t * stride + k]), acc[t]);
    }
  }
  for (int t = 0; t < tokens; ++t) {
    Lanes::store(sums + 16 * t, acc[t]);
  }
}

/// The f32 activations of the task; those of an int8-only input are made from it.
inline const float* float_values(const ActivationRows& input) {
  if (input.values != nullptr) {
    return input.values;
  }
  const int64_t count = input.rows * input.cols;
  auto* x = static_cast<float*>(thread_scratch(1, count * 4));
  for (int64_t i = 0; i < count; ++i) {
    x[i] = input.scales[i / 32] * static_cast<float>(input.quants[i]);
  }
  for (int64_t row = 0; row < input.rows; ++row) {
    const Outlier* outliers = input.outliers + row * most_outliers(input.cols);
    for (int32_t i = 0; i < input.outlier_counts[row]; ++i) {
      x[row * input.cols + outliers[i].place] = outliers[i].value;
    }
  }
  return x;
}

template <Format format>
void linear_f32(const LinearTask& task) {
  using Source = BlockSource<format>;
  const ActivationRows& in = task.input;
  const float* x = float_values(in);
  auto* sums = static_cast<float*>(thread_scratch(0, in.rows * kGroupRows * 4));
  const int64_t group_bytes = Source::group_bytes(in.cols);
  for (int64_t row = task.begin; row < task.end; row += kGroupRows) {
    const uint8_t* group = task.data + row / kGroupRows * group_bytes;
    memset(sums, 0, static_cast<size_t>(in.rows) * kGroupRows * 4);
    for (int64_t block = 0; block < in.cols / kBlockCols; ++block) {
      alignas(64) float w[kBlockCols * kGroupRows];
      Source::load(group, block, w);
      const float* columns = x + block * kBlockCols;
      int64_t t = 0;
      for (; t + kF32Tokens <= in.rows; t += kF32Tokens) {
        multiply_block<kF32Tokens>(w, columns + t * in.cols, in.cols, sums + 16 * t);
      }
      for (; t < in.rows; ++t) {
        multiply_block<1>(w, columns + t * in.cols, in.cols, sums + 16 * t);
      }
    }
    for (int64_t t = 0; t < in.rows; ++t) {
      store_outputs(task, row, t, Lanes::load(sums + 16 * t));
    }
  }
}

}  // namespace
}  // namespace cupel::engine::kernels
