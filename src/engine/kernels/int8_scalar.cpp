#include "engine/kernels/kernel_table.h"
#include "engine/kernels/lanes_scalar.h"
#include "engine/kernels/weight_layout.h"

namespace cupel::engine::kernels {
namespace {

// int8 products, the oracle. Per output element, over ascending blocks of 32 columns:
//   isum = Σ (code - zero) · a          exact integer; Q6_K: each half times its integer scale
//   acc  = fma(scale · a_scale, isum, acc)
//   acc  = fma(min, a_scale · Σ a, acc) formats with a minimum

template <class L>
int block_sum(const BlockTile& tile, int row, const int8_t* a) {
  int sums[2] = {0, 0};
  for (int k = 0; k < kBlockCols; ++k) {
    const int code = tile.codes[64 * (k / 4) + 4 * row + k % 4];
    sums[k / 16] += (code - L::kZero) * a[k];
  }
  if constexpr (L::kHalves) {
    return tile.half_scale[2 * row] * sums[0] + tile.half_scale[2 * row + 1] * sums[1];
  }
  return sums[0] + sums[1];
}

template <class L>
void add_block(const BlockTile& tile, const ActivationRows& in, int64_t block, float* sums) {
  for (int64_t t = 0; t < in.rows; ++t) {
    const int8_t* a = in.quants + t * in.cols + block * kBlockCols;
    const float scale = in.scales[t * (in.cols / 32) + block];
    const int16_t* pair = in.sums16 + t * (in.cols / 16) + 2 * block;
    const float offset = scale * static_cast<float>(pair[0] + pair[1]);
    float* acc = sums + kGroupRows * t;
    for (int row = 0; row < kGroupRows; ++row) {
      const auto isum = static_cast<float>(block_sum<L>(tile, row, a));
      acc[row] = __builtin_fmaf(tile.scale[row] * scale, isum, acc[row]);
      if constexpr (L::kHasMin) {
        acc[row] = __builtin_fmaf(tile.min[row], offset, acc[row]);
      }
    }
  }
}

template <Format format>
void linear_int8(const LinearTask& task) {
  using L = Layout<format>;
  const ActivationRows& in = task.input;
  auto* sums = static_cast<float*>(thread_scratch(0, in.rows * kGroupRows * 4));
  for (int64_t row = task.begin; row < task.end; row += kGroupRows) {
    const uint8_t* group = task.data + row / kGroupRows * L::group_bytes(in.cols);
    memset(sums, 0, static_cast<size_t>(in.rows) * kGroupRows * 4);
    for (int64_t block = 0; block < in.cols / kBlockCols; ++block) {
      BlockTile tile;
      unpack_block<L, Lanes>(block_ref<L>(group, block), tile);
      add_block<L>(tile, in, block, sums);
    }
    for (int64_t t = 0; t < in.rows; ++t) {
      store_outputs(task, row, t, Lanes::load(sums + kGroupRows * t));
    }
  }
}

}  // namespace

LinearFunction scalar_linear_int8(Format format) {
  constexpr LinearFunction kFunctions[kFormatCount] = {
      nullptr,
      nullptr,
      nullptr,
      &linear_int8<kFormatQ4_0>,
      &linear_int8<kFormatQ4_1>,
      &linear_int8<kFormatQ5_0>,
      &linear_int8<kFormatQ5_1>,
      &linear_int8<kFormatQ8_0>,
      &linear_int8<kFormatQ4K>,
      &linear_int8<kFormatQ5K>,
      &linear_int8<kFormatQ6K>,
  };
  return kFunctions[format];
}

}  // namespace cupel::engine::kernels
