#include "engine/kernels/lanes_avx512.h"
// The products' helpers below are used with the Lanes included above.
#include "engine/kernels/amx_tiles.h"
#include "engine/kernels/int8_codes_avx512.h"
#include "engine/kernels/int8_products.h"

namespace cupel::engine::kernels {
namespace {

// int8 products of many rows with tdpbssd: 16 activation rows × 16 weight rows × one block of 32
// columns in one instruction. A packed block is a B tile as it lies, but for its codes, which are
// unpacked to signed bytes. Sums of a block are exact integers here too; they leave the tile
// through memory, and the float steps are those of int8_products.h. Those are what limits it: a
// tile of sums is made and stored in 9 ns, 256 outputs take 7 more, and on Sapphire Rapids float
// instructions run at half their rate beside tiles, so that nothing is won by interleaving them
// (taking 2, 4 or 16 blocks first changed nothing). Prompts are read 1.15 times as fast.

constexpr int kTileRows = 16;
/// Fewer rows are bound by memory, which the AVX-512 kernels read in one stream.
constexpr int64_t kFewestRows = 8;
constexpr int kGroups = 2;

enum Tile : int { kProduct, kRows, kWeights };

/// One block of 16 activation rows; rows that are not there are zero.
struct alignas(64) RowsTile {
  int8_t quants[kTileRows][kBlockCols];
  float scale[kTileRows];
  float total[kTileRows];
};

void load_rows(const ActivationRows& in, int64_t row, int64_t block, RowsTile& tile) {
  const int64_t blocks = in.cols / kBlockCols;
  for (int i = 0; i < kTileRows; ++i) {
    if (row + i >= in.rows) {
      memset(tile.quants[i], 0, kBlockCols);
      tile.scale[i] = 0;
      tile.total[i] = 0;
      continue;
    }
    const int64_t at = (row + i) * blocks + block;
    memcpy(tile.quants[i], in.quants + at * kBlockCols, kBlockCols);
    tile.scale[i] = in.scales[at];
    tile.total[i] = in.totals[at];
  }
}

/// The codes less their zero point, which fit into signed bytes.
template <class L>
void unpack_signed(BlockRef block, BlockTile& tile) {
  const __m512i zero = _mm512_set1_epi8(static_cast<char>(L::kZero));
#pragma GCC unroll 8
  for (int quad = 0; quad < 8; ++quad) {
    _mm512_storeu_si512(tile.codes + 64 * quad,
                        _mm512_sub_epi8(direct_quad<L>(block.sub, quad), zero));
  }
  unpack_scales<L, Lanes>(block, tile);
}

/// Exact integer sums of 16 × 16 outputs over a block, or over each half of it.
template <class L>
struct alignas(64) Products {
  static constexpr int kParts = L::kHalves ? 2 : 1;
  static constexpr int kCols = static_cast<int>(kBlockCols) / kParts;
  int32_t sums[kParts][kTileRows][kGroupRows];

  static TileShapes shapes() {
    TileShapes shapes;
    shapes.set(kProduct, kTileRows, 64);
    shapes.set(kRows, kTileRows, kCols);
    shapes.set(kWeights, kCols / 4, 64);
    return shapes;
  }

  void take(const RowsTile& rows, const BlockTile& weights) {
    for (int part = 0; part < kParts; ++part) {
      load_tile<kRows>(rows.quants[0] + part * kCols, kBlockCols);
      load_tile<kWeights>(weights.codes + part * kCols * kGroupRows, 64);
      clear_tile<kProduct>();
      multiply_bytes<kProduct, kRows, kWeights>();
      store_tile<kProduct>(sums[part], 64);
    }
  }

  [[nodiscard]] __m512 part(int index, int row) const {
    return _mm512_cvtepi32_ps(_mm512_load_si512(sums[index][row]));
  }
};

/// isum of the row's 16 outputs. Q6_K: scale0 · first + scale1 · second, which stays below 2^24, so
/// that floats hold it exactly.
template <class L>
inline __m512 row_sum(const Products<L>& products, const __m512 (&half_scale)[2], int row) {
  if constexpr (L::kHalves) {
    return _mm512_fmadd_ps(products.part(1, row), half_scale[1],
                           _mm512_mul_ps(products.part(0, row), half_scale[0]));
  }
  return products.part(0, row);
}

/// The float steps of one block.
template <class L>
inline void add_block(const Products<L>& products,
                      const RowsTile& rows,
                      const BlockTile& weights,
                      __m512 (&acc)[kTileRows]) {
  const __m512 scale = _mm512_load_ps(weights.scale);
  __m512 half_scale[2] = {};
  if constexpr (L::kHalves) {
    half_scale[0] = Lanes::load_i16_pairs(weights.half_scale, 0).v;
    half_scale[1] = Lanes::load_i16_pairs(weights.half_scale, 1).v;
  }
#pragma GCC unroll 16
  for (int t = 0; t < kTileRows; ++t) {
    const __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(rows.scale[t]));
    acc[t] = _mm512_fmadd_ps(factor, row_sum<L>(products, half_scale, t), acc[t]);
    if constexpr (L::kHasMin) {
      acc[t] = _mm512_fmadd_ps(_mm512_load_ps(weights.min), _mm512_set1_ps(rows.total[t]), acc[t]);
    }
  }
}

/// sums[16][kGroupRows · groups] of one group over `count` blocks; rows, weights: the first of
/// them.
template <class L, int groups>
void multiply_tile(
    const RowsTile* rows, const BlockTile* weights, int64_t count, bool begin, float* sums) {
  constexpr int kStride = groups * kGroupRows;
  __m512 acc[kTileRows];
#pragma GCC unroll 16
  for (int t = 0; t < kTileRows; ++t) {
    acc[t] = begin ? _mm512_setzero_ps() : _mm512_loadu_ps(sums + kStride * t);
  }
  Products<L> products;
  for (int64_t i = 0; i < count; ++i) {
    products.take(rows[i], weights[i]);
    add_block<L>(products, rows[i], weights[i], acc);
  }
#pragma GCC unroll 16
  for (int t = 0; t < kTileRows; ++t) {
    _mm512_storeu_ps(sums + kStride * t, acc[t]);
  }
}

/// What the row groups of a task share.
struct Job {
  const LinearTask& task;
  int64_t blocks;
  int64_t tiles;         // of activation rows
  const RowsTile* rows;  // [tiles][blocks]
  float* sums;           // [16 tiles][groups][16]
  BlockTile* weights;    // [groups][kTileBlocks]
};

template <class L, int groups>
void multiply_groups(const Job& job, int64_t row) {
  const int64_t group_bytes = L::group_bytes(job.task.input.cols);
  const uint8_t* data = job.task.data + row / kGroupRows * group_bytes;
  const int64_t step = tile_blocks(job.blocks);
  for (int64_t first = 0; first < job.blocks; first += step) {
    const int64_t left = job.blocks - first;
    const int64_t count = left < step ? left : step;
    for (int g = 0; g < groups; ++g) {
      for (int64_t i = 0; i < count; ++i) {
        unpack_signed<L>(block_ref<L>(data + g * group_bytes, first + i),
                         job.weights[g * kTileBlocks + i]);
      }
    }
    for (int64_t tile = 0; tile < job.tiles; ++tile) {
      const RowsTile* rows = job.rows + tile * job.blocks + first;
      for (int g = 0; g < groups; ++g) {
        float* sums = job.sums + (tile * kTileRows * groups + g) * kGroupRows;
        multiply_tile<L, groups>(rows, job.weights + g * kTileBlocks, count, first == 0, sums);
      }
    }
  }
  add_outliers<L, groups>(data, group_bytes, job.task.input.by_column, job.sums);
  store_all_outputs<Lanes, groups>(job.task, row, job.sums);
}

Job make_job(const LinearTask& task) {
  const ActivationRows& in = task.input;
  const int64_t blocks = in.cols / kBlockCols;
  const int64_t tiles = (in.rows + kTileRows - 1) / kTileRows;
  const auto bytes = [](int64_t count, size_t each) { return count * static_cast<int64_t>(each); };
  auto* rows = static_cast<RowsTile*>(
      thread_scratch(kScratchActivations, bytes(tiles * blocks, sizeof(RowsTile))));
  for (int64_t tile = 0; tile < tiles; ++tile) {
    for (int64_t block = 0; block < blocks; ++block) {
      load_rows(in, tile * kTileRows, block, rows[tile * blocks + block]);
    }
  }
  return {.task = task,
          .blocks = blocks,
          .tiles = tiles,
          .rows = rows,
          .sums = static_cast<float*>(thread_scratch(
              kScratchSums, bytes(tiles * kTileRows * kGroups * kGroupRows, sizeof(float)))),
          .weights = static_cast<BlockTile*>(
              thread_scratch(kScratchWeights, bytes(kGroups * kTileBlocks, sizeof(BlockTile))))};
}

template <Format format>
void linear_int8_tiles(const LinearTask& task) {
  using L = Layout<format>;
  if (task.input.rows < kFewestRows) {
    avx512_linear_int8(format)(task);
    return;
  }
  const Job job = make_job(task);
  const TileScope scope(Products<L>::shapes());
  int64_t row = task.begin;
  for (; row + kGroupRows < task.end; row += kGroups * kGroupRows) {
    multiply_groups<L, kGroups>(job, row);
  }
  if (row < task.end) {
    multiply_groups<L, 1>(job, row);
  }
}

}  // namespace

LinearFunction amx_linear_int8(Format format) {
  constexpr LinearFunction kFunctions[kFormatCount] = {
      nullptr,
      nullptr,
      nullptr,
      &linear_int8_tiles<kFormatQ4_0>,
      &linear_int8_tiles<kFormatQ4_1>,
      &linear_int8_tiles<kFormatQ5_0>,
      &linear_int8_tiles<kFormatQ5_1>,
      &linear_int8_tiles<kFormatQ8_0>,
      &linear_int8_tiles<kFormatQ4K>,
      &linear_int8_tiles<kFormatQ5K>,
      &linear_int8_tiles<kFormatQ6K>,
  };
  return kFunctions[format];
}

}  // namespace cupel::engine::kernels
