#pragma once

#include "engine/kernels/kernel_table.h"
#include "engine/kernels/weight_layout.h"

namespace cupel::engine::kernels {
namespace {

// What the int8 products of all levels share; included after the level's Lanes. A level's Kernel
// offers
//   L                            the weight layout
//   kTokens                      activation rows of its largest micro-kernel
//   kUnpackRows                  from this many rows on, blocks are unpacked before they are used
//   Direct, Tile                 sources of blocks: {row group}, {unpacked tiles}
//   view(rows, slot)             what the micro-kernel reads of rows; view.from(t): from row t on
//   unpack(block, tile)
//   multiply<n>(source, view, first, count, sums)
//                                sums[n][16] grow by blocks [first, first + count) of n rows
//
// Per output element: the products of the blocks in ascending order, each
//   isum = Σ (code - zero) · a          exact integer; Q6_K: each half times its integer scale
//   acc  = fma(scale · a_scale, isum, acc)
//   acc  = fma(min, a_total, acc)       formats with a minimum
// then those of the row's outliers in ascending order of their columns,
//   acc  = fma(scale · (code - zero), outlier, acc)

constexpr int64_t kTileBlocks = 48;  // about 33 KiB unpacked

// Slots of thread_scratch.
constexpr int kSlotSums = 0;
constexpr int kSlotRows = 1;
constexpr int kSlotTiles = 2;

/// The last, fewer than kTokens, rows: calls the micro-kernel made for their number.
template <class Kernel, int tokens, class Source, class View>
void multiply_rest(const Source& source,
                   const View& view,
                   int64_t first,
                   int64_t count,
                   int64_t left,
                   float* sums) {
  if constexpr (tokens > 0) {
    if (left == tokens) {
      Kernel::template multiply<tokens>(source, view, first, count, sums);
    } else {
      multiply_rest<Kernel, tokens - 1>(source, view, first, count, left, sums);
    }
  }
}

template <class Kernel, class Source, class View>
void multiply_rows(const Source& source,
                   const View& view,
                   int64_t first,
                   int64_t count,
                   int64_t rows,
                   float* sums) {
  constexpr int kTokens = Kernel::kTokens;
  int64_t t = 0;
  for (; t + kTokens <= rows; t += kTokens) {
    Kernel::template multiply<kTokens>(source, view.from(t), first, count, sums + 16 * t);
  }
  multiply_rest<Kernel, kTokens - 1>(source, view.from(t), first, count, rows - t, sums + 16 * t);
}

/// Adds the products of the outliers; sums[n][16].
template <class L>
inline void add_outliers(const uint8_t* group, const OutlierColumns& outliers, float* sums) {
  int32_t at = 0;
  for (int32_t c = 0; c < *outliers.count; ++c) {
    const OutlierColumn column = outliers.columns[c];
    const BlockRef block = block_ref<L>(group, column.column / kBlockCols);
    const Lanes weights = column_weights<L, Lanes>(block, column.column % kBlockCols);
    for (; at < column.end; ++at) {
      const Outlier outlier = outliers.entries[at];
      float* sum = sums + kGroupRows * outlier.place;
      Lanes::store(sum, Lanes::fma(weights, Lanes::broadcast(outlier.value), Lanes::load(sum)));
    }
  }
}

template <class Kernel>
void linear_int8(const LinearTask& task) {
  using L = typename Kernel::L;
  const ActivationRows& in = task.input;
  const int64_t blocks = in.cols / kBlockCols;
  const auto view = Kernel::view(in, kSlotRows);
  auto* sums = static_cast<float*>(thread_scratch(kSlotSums, in.rows * kGroupRows * 4));
  auto* tiles = static_cast<BlockTile*>(
      thread_scratch(kSlotTiles, kTileBlocks * static_cast<int64_t>(sizeof(BlockTile))));
  const bool unpack = in.rows >= Kernel::kUnpackRows;
  for (int64_t row = task.begin; row < task.end; row += kGroupRows) {
    const uint8_t* group = task.data + row / kGroupRows * L::group_bytes(in.cols);
    memset(sums, 0, static_cast<size_t>(in.rows) * kGroupRows * 4);
    if (unpack) {
      for (int64_t first = 0; first < blocks; first += kTileBlocks) {
        const int64_t left = blocks - first;
        const int64_t count = left < kTileBlocks ? left : kTileBlocks;
        for (int64_t i = 0; i < count; ++i) {
          Kernel::unpack(block_ref<L>(group, first + i), tiles[i]);
        }
        multiply_rows<Kernel>(typename Kernel::Tile{tiles}, view, first, count, in.rows, sums);
      }
    } else {
      multiply_rows<Kernel>(typename Kernel::Direct{group}, view, 0, blocks, in.rows, sums);
    }
    add_outliers<L>(group, in.by_column, sums);
    for (int64_t t = 0; t < in.rows; ++t) {
      store_outputs(task, row, t, Lanes::load(sums + kGroupRows * t));
    }
  }
}

/// linear_int8 of Kernel<format> for every format: nullptr for the float formats.
template <template <Format> class Kernel>
LinearFunction linear_int8_of(Format format) {
  constexpr LinearFunction kFunctions[kFormatCount] = {
      nullptr,
      nullptr,
      nullptr,
      &linear_int8<Kernel<kFormatQ4_0>>,
      &linear_int8<Kernel<kFormatQ4_1>>,
      &linear_int8<Kernel<kFormatQ5_0>>,
      &linear_int8<Kernel<kFormatQ5_1>>,
      &linear_int8<Kernel<kFormatQ8_0>>,
      &linear_int8<Kernel<kFormatQ4K>>,
      &linear_int8<Kernel<kFormatQ5K>>,
      &linear_int8<Kernel<kFormatQ6K>>,
  };
  return kFunctions[format];
}

}  // namespace
}  // namespace cupel::engine::kernels
