#pragma once

#include "engine/kernels/kernel_table.h"
#include "engine/kernels/weight_layout.h"

namespace cupel::engine::kernels {
namespace {

// What the int8 products of all levels share; included after the level's Lanes. A level's Kernel
// offers
//   L                            the weight layout
//   kTokens, kGroups             activation rows and row groups of its largest micro-kernel
//   kShareRows                   from this many rows on, kGroups row groups are taken at once
//   kUnpackRows                  from this many rows on, blocks are unpacked before they are used
//   Direct, Tile                 sources of blocks: {row groups, bytes of one}, {unpacked tiles}
//   view(rows, slot)             what the micro-kernel reads of rows; view.from(t): from row t on
//   unpack(block, tile)
//   multiply<groups, n>(source, view, first, count, sums)
//                                sums[n][groups][16] grow by the source's first `count` blocks of
//                                each group, which are those from `first` on of n rows; from 0 on,
//                                they begin at zero, whatever stood there
//
// Per output element: the products of the blocks in ascending order, each
//   isum = Σ (code - zero) · a          exact integer; Q6_K: each half times its integer scale
//   acc  = fma(scale · a_scale, isum, acc)
//   acc  = fma(min, a_total, acc)       formats with a minimum
// then those of the row's outliers in ascending order of their columns,
//   acc  = fma(scale · (code - zero), outlier, acc)

// Unpacked blocks of two row groups, 22 KiB: they stay in the L1 cache while all rows use them.
constexpr int64_t kTileBlocks = 16;

/// The last, fewer than kTokens, rows: calls the micro-kernel made for their number.
template <class Kernel, int groups, int tokens, class Source, class View>
void multiply_rest(const Source& source,
                   const View& view,
                   int64_t first,
                   int64_t count,
                   int64_t left,
                   float* sums) {
  if constexpr (tokens > 0) {
    if (left == tokens) {
      Kernel::template multiply<groups, tokens>(source, view, first, count, sums);
    } else {
      multiply_rest<Kernel, groups, tokens - 1>(source, view, first, count, left, sums);
    }
  }
}

template <class Kernel, int groups, class Source, class View>
void multiply_rows(const Source& source,
                   const View& view,
                   int64_t first,
                   int64_t count,
                   int64_t rows,
                   float* sums) {
  constexpr int kTokens = Kernel::kTokens;
  constexpr int kStride = groups * kGroupRows;
  int64_t t = 0;
  for (; t + kTokens <= rows; t += kTokens) {
    Kernel::template multiply<groups, kTokens>(source, view.from(t), first, count,
                                               sums + kStride * t);
  }
  multiply_rest<Kernel, groups, kTokens - 1>(source, view.from(t), first, count, rows - t,
                                             sums + kStride * t);
}

/// Adds the products of the outliers; sums[n][groups][16].
template <class L, int groups>
inline void add_outliers(const uint8_t* data,
                         int64_t group_bytes,
                         const OutlierColumns& outliers,
                         float* sums) {
  const Outlier* entry = outliers.entries;
  const OutlierColumn* columns = outliers.columns;
  const int32_t count = *outliers.count;
  int64_t current = -1;
  BlockRef blocks[groups];
  Lanes scales[groups];
  for (int32_t c = 0; c < count; ++c) {
    const OutlierColumn column = columns[c];
    if (column.column / kBlockCols != current) {
      current = column.column / kBlockCols;
      for (int g = 0; g < groups; ++g) {
        blocks[g] = block_ref<L>(data + g * group_bytes, current);
        scales[g] = column_scale<L, Lanes>(blocks[g]);
      }
    }
    Lanes weights[groups];
    for (int g = 0; g < groups; ++g) {
      weights[g] = column_weights<L, Lanes>(blocks[g], scales[g], column.column % kBlockCols);
    }
    for (const Outlier* end = outliers.entries + column.end; entry < end; ++entry) {
      const Lanes value = Lanes::broadcast(entry->value);
      float* sum = sums + int64_t{kGroupRows * groups} * entry->place;
      for (int g = 0; g < groups; ++g, sum += kGroupRows) {
        Lanes::store(sum, Lanes::fma(weights[g], value, Lanes::load(sum)));
      }
    }
  }
}

/// Scratch memory of a task.
struct Room {
  float* sums;  // [n][groups][16]
  BlockTile* tiles;
};

/// Blocks of one pass over the rows: about equal passes of at most kTileBlocks.
inline int64_t tile_blocks(int64_t blocks) {
  const int64_t passes = (blocks + kTileBlocks - 1) / kTileBlocks;
  return (blocks + passes - 1) / passes;
}

template <class Kernel, int groups, class View>
void multiply_unpacked(const uint8_t* data,
                       int64_t group_bytes,
                       const ActivationRows& in,
                       const View& view,
                       Room room) {
  using L = typename Kernel::L;
  const int64_t blocks = in.cols / kBlockCols;
  const int64_t step = tile_blocks(blocks);
  for (int64_t first = 0; first < blocks; first += step) {
    const int64_t left = blocks - first;
    const int64_t count = left < step ? left : step;
    for (int g = 0; g < groups; ++g) {
      for (int64_t i = 0; i < count; ++i) {
        Kernel::unpack(block_ref<L>(data + g * group_bytes, first + i),
                       room.tiles[g * kTileBlocks + i]);
      }
    }
    multiply_rows<Kernel, groups>(typename Kernel::Tile{room.tiles}, view, first, count, in.rows,
                                  room.sums);
  }
}

/// The outputs of `groups` row groups from `row` on.
template <class Kernel, int groups, class View>
void multiply_groups(const LinearTask& task, int64_t row, const View& view, Room room) {
  using L = typename Kernel::L;
  const ActivationRows& in = task.input;
  const int64_t group_bytes = L::group_bytes(in.cols);
  const uint8_t* data = task.data + row / kGroupRows * group_bytes;
  if (in.rows >= Kernel::kUnpackRows) {
    multiply_unpacked<Kernel, groups>(data, group_bytes, in, view, room);
  } else {
    multiply_rows<Kernel, groups>(typename Kernel::Direct{data, group_bytes}, view, 0,
                                  in.cols / kBlockCols, in.rows, room.sums);
  }
  add_outliers<L, groups>(data, group_bytes, in.by_column, room.sums);
  store_all_outputs<Lanes, groups>(task, row, room.sums);
}

template <class Kernel>
void linear_int8(const LinearTask& task) {
  constexpr int kGroups = Kernel::kGroups;
  const ActivationRows& in = task.input;
  const auto view = Kernel::view(in, kScratchActivations);
  const Room room = {
      .sums = static_cast<float*>(thread_scratch(kScratchSums, in.rows * kGroups * kGroupRows * 4)),
      .tiles = static_cast<BlockTile*>(thread_scratch(
          kScratchWeights, kGroups * kTileBlocks * static_cast<int64_t>(sizeof(BlockTile))))};
  int64_t row = task.begin;
  if constexpr (kGroups > 1) {
    // Few rows wait for memory, which is read fastest in one stream.
    const int64_t end = in.rows < Kernel::kShareRows ? row : task.end;
    for (; row + (kGroups - 1) * kGroupRows < end; row += kGroups * kGroupRows) {
      multiply_groups<Kernel, kGroups>(task, row, view, room);
    }
  }
  for (; row < task.end; row += kGroupRows) {
    multiply_groups<Kernel, 1>(task, row, view, room);
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
