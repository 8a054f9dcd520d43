#include "engine/kernels/lanes_scalar.h"
// The products' helpers below are used with the Lanes included above.
#include "engine/kernels/int8_products.h"

namespace cupel::engine::kernels {
namespace {

// int8 products, the oracle of the other levels: the formulas of int8_products.h as they stand.

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

struct TokenView {
  const int8_t* quants;  // row t at quants + t · cols
  const float* scales;   // + t · blocks
  const float* totals;   // + t · blocks
  int64_t cols;
  int64_t blocks;

  [[nodiscard]] TokenView from(int64_t token) const {
    return {quants + token * cols, scales + token * blocks, totals + token * blocks, cols, blocks};
  }
};

struct TileSource {
  const BlockTile* tiles;
};

template <class L>
void add_block(const BlockTile& tile, const TokenView& view, int64_t block, float* acc) {
  const int8_t* a = view.quants + block * kBlockCols;
  const float scale = view.scales[block];
  for (int row = 0; row < kGroupRows; ++row) {
    const auto isum = static_cast<float>(block_sum<L>(tile, row, a));
    acc[row] = __builtin_fmaf(tile.scale[row] * scale, isum, acc[row]);
    if constexpr (L::kHasMin) {
      acc[row] = __builtin_fmaf(tile.min[row], view.totals[block], acc[row]);
    }
  }
}

template <Format format>
struct Kernel {
  using L = Layout<format>;
  using Tile = TileSource;
  struct Direct : TileSource {  // never used: every block is unpacked
    Direct(const uint8_t*, int64_t) : TileSource{nullptr} {}
  };
  static constexpr int kTokens = 1;
  static constexpr int kGroups = 1;
  static constexpr int64_t kUnpackRows = 0;
  static TokenView view(const ActivationRows& in, int) {
    return {in.quants, in.scales, in.totals, in.cols, in.cols / kBlockCols};
  }
  static void unpack(BlockRef block, BlockTile& tile) { unpack_block<L, Lanes>(block, tile); }
  template <int groups, int tokens>
  static void multiply(
      const TileSource& source, const TokenView& view, int64_t first, int64_t count, float* sums) {
    if (first == 0) {
      memset(sums, 0, kGroupRows * sizeof(float));
    }
    for (int64_t i = 0; i < count; ++i) {
      add_block<L>(source.tiles[i], view, first + i, sums);
    }
  }
};

}  // namespace

LinearFunction scalar_linear_int8(Format format) {
  return linear_int8_of<Kernel>(format);
}

}  // namespace cupel::engine::kernels
