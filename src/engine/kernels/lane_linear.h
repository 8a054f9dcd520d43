#pragma once

#include "engine/kernels/kernel_table.h"
#include "engine/kernels/weight_layout.h"

namespace cupel::engine::kernels {
namespace {

// Linear layers with f32 activations: dequantised weights, acc = fma(w, x, acc) over ascending
// columns, one accumulator per output. Weights are widened a few blocks of columns at a time and
// used for all tokens; the accumulators of the tokens wait in scratch memory meanwhile (which
// rounds nothing). The registers of a level hold a tile of Lanes::kTileGroups row groups ×
// kTileTokens tokens: enough sums for the latency of a multiply-add, and each load serves several
// of them.

// 128 columns of two row groups: 16 KiB, half of a first-level cache.
constexpr int64_t kChunkBlocks = 4;
constexpr int64_t kChunkCols = kChunkBlocks * kBlockCols;

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

/// Columns of a float format, which need no unpacking.
template <int bytes>
struct ColumnSource {
  static int64_t group_bytes(int64_t cols) { return cols * kGroupRows * bytes; }
};
template <>
struct BlockSource<kFormatF32> : ColumnSource<4> {
  static Lanes column(const uint8_t* group, int64_t column) {
    return Lanes::load(reinterpret_cast<const float*>(group) + column * kGroupRows);
  }
};
template <>
struct BlockSource<kFormatF16> : ColumnSource<2> {
  static Lanes column(const uint8_t* group, int64_t column) {
    return Lanes::load_half(reinterpret_cast<const uint16_t*>(group) + column * kGroupRows);
  }
};
template <>
struct BlockSource<kFormatBf16> : ColumnSource<2> {
  static Lanes column(const uint8_t* group, int64_t column) {
    const auto* pairs = reinterpret_cast<const uint16_t*>(group) + column / 2 * 2 * kGroupRows;
    return Lanes::load_bf16_pairs(pairs, static_cast<int>(column % 2));
  }
};
template <class Source>
concept HasColumns = requires(const uint8_t* group) {
  Source::column(group, 0);
};

/// Columns of some row groups in f32: [128][16] per group.
template <int groups>
struct WideColumns {
  const float* data[groups];
  [[nodiscard]] Lanes column(int group, int64_t k) const {
    return Lanes::load(data[group] + k * kGroupRows);
  }
};

/// Columns widened as they are read: for a single token, which reads them once.
template <class Source, int groups>
struct PackedColumns {
  const uint8_t* data;
  int64_t group_bytes;
  int64_t first;
  [[nodiscard]] Lanes column(int group, int64_t k) const {
    return Source::column(data + group * group_bytes, first + k);
  }
};

/// One multiply-add after the other for each output, over ascending columns.
struct OneChain {
  static constexpr int kTokens = Lanes::kTileTokens;

  /// sums[token][group] over `count` columns; x is the first token's first of them.
  template <int groups, int tokens, class Columns>
  static void multiply(
      const Columns& columns, const float* x, int64_t stride, int64_t count, float* sums) {
    Lanes acc[tokens][groups];
#pragma GCC unroll 16
    for (int i = 0; i < tokens * groups; ++i) {
      acc[i / groups][i % groups] = Lanes::load(sums + 16 * i);
    }
#pragma GCC unroll 2
    for (int64_t k = 0; k < count; ++k) {
      Lanes weight[groups];
#pragma GCC unroll 4
      for (int g = 0; g < groups; ++g) {
        weight[g] = columns.column(g, k);
      }
#pragma GCC unroll 8
      for (int t = 0; t < tokens; ++t) {
        const Lanes value = Lanes::broadcast(x[t * stride + k]);
#pragma GCC unroll 4
        for (int g = 0; g < groups; ++g) {
          acc[t][g] = Lanes::fma(weight[g], value, acc[t][g]);
        }
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < tokens * groups; ++i) {
      Lanes::store(sums + 16 * i, acc[i / groups][i % groups]);
    }
  }
};

/// In which order a source's products are added, and in which mode of the processor.
struct UsualMode {
  UsualMode() {}
};
template <class Source>
struct ArithmeticOf {
  using Mode = UsualMode;
  using Sums = OneChain;
};

/// Tokens [token, in.rows) in tiles of at most `tokens`.
template <class Sums, int groups, int tokens, class Columns>
inline void multiply_tokens(const Columns& columns,
                            const float* x,
                            const ActivationRows& in,
                            int64_t token,
                            int64_t count,
                            float* sums) {
  for (; token + tokens <= in.rows; token += tokens) {
    Sums::template multiply<groups, tokens>(columns, x + token * in.cols, in.cols, count,
                                            sums + 16 * groups * token);
  }
  if constexpr (tokens > 1) {
    multiply_tokens<Sums, groups, tokens / 2>(columns, x, in, token, count, sums);
  }
}

template <class Source, int groups>
inline WideColumns<groups> widen_columns(
    const uint8_t* data, int64_t group_bytes, int64_t block, int64_t count, float* w) {
  WideColumns<groups> columns;
  for (int g = 0; g < groups; ++g) {
    float* out = w + g * kChunkCols * kGroupRows;
    columns.data[g] = out;
    for (int64_t b = 0; b < count; ++b) {
      float* wide = out + b * kBlockCols * kGroupRows;
      if constexpr (HasColumns<Source>) {
        for (int64_t k = 0; k < kBlockCols; ++k) {
          Lanes::store(wide + k * kGroupRows,
                       Source::column(data + g * group_bytes, (block + b) * kBlockCols + k));
        }
      } else {
        Source::load(data + g * group_bytes, block + b, wide);
      }
    }
  }
  return columns;
}

/// What all row groups of a task share.
struct FloatProduct {
  const LinearTask& task;
  const float* x;       // [n, cols]
  float* sums;          // [n][groups][16]
  float* w;             // [groups][kChunkCols][16]
  int64_t group_bytes;  // of packed weights
};

/// The sums of all tokens. Not inlined: no arithmetic may leave the mode that the caller sets.
template <class Source, int groups>
[[gnu::noinline]] void sum_groups(const FloatProduct& product, int64_t row) {
  const ActivationRows& in = product.task.input;
  const uint8_t* data = product.task.data + row / kGroupRows * product.group_bytes;
  memset(product.sums, 0, static_cast<size_t>(in.rows) * groups * kGroupRows * 4);
  using Sums = typename ArithmeticOf<Source>::Sums;
  const int64_t blocks = in.cols / kBlockCols;
  for (int64_t block = 0; block < blocks; block += kChunkBlocks) {
    const int64_t count = blocks - block < kChunkBlocks ? blocks - block : kChunkBlocks;
    const float* x = product.x + block * kBlockCols;
    if constexpr (HasColumns<Source>) {
      if (in.rows == 1) {
        const PackedColumns<Source, groups> columns = {data, product.group_bytes,
                                                       block * kBlockCols};
        Sums::template multiply<groups, 1>(columns, x, in.cols, count * kBlockCols, product.sums);
        continue;
      }
    }
    const auto columns =
        widen_columns<Source, groups>(data, product.group_bytes, block, count, product.w);
    multiply_tokens<Sums, groups, Sums::kTokens>(columns, x, in, 0, count * kBlockCols,
                                                 product.sums);
  }
}

template <class Source, int groups>
inline void multiply_groups(const FloatProduct& product, int64_t row) {
  {
    const typename ArithmeticOf<Source>::Mode mode;
    sum_groups<Source, groups>(product, row);
  }
  store_all_outputs<Lanes, groups>(product.task, row, product.sums);
}

/// Row groups from `row` on, as many at a time as `groups` says.
template <class Source, int groups>
inline void multiply_rows(const FloatProduct& product, int64_t row) {
  for (; row + (groups - 1) * kGroupRows < product.task.end; row += groups * kGroupRows) {
    multiply_groups<Source, groups>(product, row);
  }
  if constexpr (groups > 1) {
    multiply_rows<Source, groups / 2>(product, row);
  }
}

/// The f32 activations of the task; those of an int8-only input are made from it.
inline const float* float_values(const ActivationRows& input) {
  if (input.values != nullptr) {
    return input.values;
  }
  const int64_t count = input.rows * input.cols;
  auto* x = static_cast<float*>(thread_scratch(kScratchActivations, count * 4));
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

/// The products of a task with activations x [n, cols].
template <class Source>
void multiply_float(const LinearTask& task, const float* x) {
  const ActivationRows& in = task.input;
  // A single token has few sums: more row groups hide the latency of its multiply-adds.
  constexpr int kOneTokenGroups = 4;
  const FloatProduct product = {
      .task = task,
      .x = x,
      .sums = static_cast<float*>(
          thread_scratch(kScratchSums, in.rows * kOneTokenGroups * kGroupRows * 4)),
      .w = static_cast<float*>(
          thread_scratch(kScratchWeights, kOneTokenGroups * kChunkCols * kGroupRows * 4)),
      .group_bytes = Source::group_bytes(in.cols)};
  if (in.rows == 1) {
    multiply_rows<Source, kOneTokenGroups>(product, task.begin);
  } else {
    multiply_rows<Source, Lanes::kTileGroups>(product, task.begin);
  }
}

template <Format format>
void linear_f32(const LinearTask& task) {
  multiply_float<BlockSource<format>>(task, float_values(task.input));
}

}  // namespace
}  // namespace cupel::engine::kernels
