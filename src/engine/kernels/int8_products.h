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
//   Direct, Tile                 sources of blocks: {group, first block}, {unpacked tiles};
//                                source.from(i) is the source that begins i blocks later
//   view(rows, slot)             what the micro-kernel reads of rows; view.from(t): from row t on
//   unpack(block, tile)
//   multiply<n>(source, view, first, count, sums)
//                                sums[n][16] grow by blocks [first, first + count) of n rows
//
// Per output element, over chunks of kTileBlocks blocks: the products of the chunk's blocks in
// ascending order, then those of its outlier blocks in ascending order. Each is
//   isum = Σ (code - zero) · a          exact integer; Q6_K: each half times its integer scale
//   acc  = fma(scale · a_scale, isum, acc)
//   acc  = fma(min, a_scale · Σ a, acc) formats with a minimum
// (an outlier's into an accumulator of its own, that is then added).

constexpr int64_t kTileBlocks = 48;  // about 33 KiB unpacked

// Slots of thread_scratch.
constexpr int kSlotSums = 0;
constexpr int kSlotRows = 1;
constexpr int kSlotTiles = 2;
constexpr int kSlotOutliers = 3;
constexpr int kSlotOutlierRows = 4;

/// The outlier blocks of a task's rows in order of their block, as rows of one block each.
struct OutlierLists {
  ActivationRows entries;           // [count, 32]
  const int32_t* starts = nullptr;  // [blocks + 1]: entries of block b are [starts[b], starts[b+1])
  const int32_t* tokens = nullptr;  // [count]: the row an entry belongs to
};

inline OutlierLists collect_outliers(const ActivationRows& in) {
  const int64_t blocks = in.cols / kBlockCols;
  int64_t count = 0;
  for (int64_t t = 0; t < in.rows; ++t) {
    count += in.outlier_counts[t];
  }
  auto* memory = static_cast<uint8_t*>(
      thread_scratch(kSlotOutliers, count * (kBlockCols + 12) + 4 * (2 * blocks + 1)));
  auto* quants = reinterpret_cast<int8_t*>(memory);
  auto* scales = reinterpret_cast<float*>(quants + count * kBlockCols);
  auto* tokens = reinterpret_cast<int32_t*>(scales + count);
  auto* starts = tokens + count;
  auto* next = starts + blocks + 1;
  auto* sums16 = reinterpret_cast<int16_t*>(next + blocks);
  memset(starts, 0, static_cast<size_t>(blocks + 1) * 4);
  for (int64_t t = 0; t < in.rows; ++t) {
    for (int32_t i = 0; i < in.outlier_counts[t]; ++i) {
      ++starts[in.outliers[t * blocks + i].block + 1];
    }
  }
  for (int64_t b = 0; b < blocks; ++b) {
    next[b] = starts[b];
    starts[b + 1] += starts[b];
  }
  for (int64_t t = 0; t < in.rows; ++t) {
    for (int32_t i = 0; i < in.outlier_counts[t]; ++i) {
      const OutlierBlock& outlier = in.outliers[t * blocks + i];
      const int32_t at = next[outlier.block]++;
      memcpy(quants + at * kBlockCols, outlier.quants, kBlockCols);
      scales[at] = outlier.scale;
      tokens[at] = static_cast<int32_t>(t);
      memcpy(sums16 + 2 * at, outlier.sums16, 4);
    }
  }
  return {{.rows = count, .cols = kBlockCols, .quants = quants, .scales = scales, .sums16 = sums16},
          starts,
          tokens};
}

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

/// Adds the products of the outliers [begin, end), all of the source's first block.
template <class Kernel, class Source, class View>
void add_outliers(const Source& source,
                  const View& view,
                  const int32_t* tokens,
                  int64_t begin,
                  int64_t end,
                  float* sums) {
  constexpr int64_t kEntries = Kernel::kTokens;
  for (int64_t at = begin; at < end; at += kEntries) {
    const int64_t count = end - at < kEntries ? end - at : kEntries;
    alignas(64) float products[kEntries * kGroupRows] = {};
    multiply_rows<Kernel>(source, view.from(at), 0, 1, count, products);
    for (int64_t i = 0; i < count; ++i) {
      float* sum = sums + kGroupRows * tokens[at + i];
      Lanes::store(sum, Lanes::add(Lanes::load(sum), Lanes::load(products + kGroupRows * i)));
    }
  }
}

/// One chunk of a row group: sums[n][16] grow by its blocks and by their outliers.
template <class Kernel, class Source, class View>
void multiply_chunk(const Source& source,
                    const View& view,
                    const View& outlier_view,
                    const OutlierLists& outliers,
                    int64_t first,
                    int64_t count,
                    int64_t rows,
                    float* sums) {
  multiply_rows<Kernel>(source, view, first, count, rows, sums);
  for (int64_t i = 0; i < count; ++i) {
    const int32_t begin = outliers.starts[first + i];
    const int32_t end = outliers.starts[first + i + 1];
    if (begin < end) {
      add_outliers<Kernel>(source.from(i), outlier_view, outliers.tokens, begin, end, sums);
    }
  }
}

template <class Kernel>
void linear_int8(const LinearTask& task) {
  using L = typename Kernel::L;
  const ActivationRows& in = task.input;
  const int64_t blocks = in.cols / kBlockCols;
  const OutlierLists outliers = collect_outliers(in);
  const auto view = Kernel::view(in, kSlotRows);
  const auto outlier_view = Kernel::view(outliers.entries, kSlotOutlierRows);
  auto* sums = static_cast<float*>(thread_scratch(kSlotSums, in.rows * kGroupRows * 4));
  auto* tiles = static_cast<BlockTile*>(
      thread_scratch(kSlotTiles, kTileBlocks * static_cast<int64_t>(sizeof(BlockTile))));
  const bool unpack = in.rows >= Kernel::kUnpackRows;
  for (int64_t row = task.begin; row < task.end; row += kGroupRows) {
    const uint8_t* group = task.data + row / kGroupRows * L::group_bytes(in.cols);
    memset(sums, 0, static_cast<size_t>(in.rows) * kGroupRows * 4);
    for (int64_t first = 0; first < blocks; first += kTileBlocks) {
      const int64_t left = blocks - first;
      const int64_t count = left < kTileBlocks ? left : kTileBlocks;
      for (int64_t i = 0; unpack && i < count; ++i) {
        Kernel::unpack(block_ref<L>(group, first + i), tiles[i]);
      }
      if (unpack) {
        multiply_chunk<Kernel>(typename Kernel::Tile{tiles}, view, outlier_view, outliers, first,
                               count, in.rows, sums);
      } else {
        multiply_chunk<Kernel>(typename Kernel::Direct{group, first}, view, outlier_view, outliers,
                               first, count, in.rows, sums);
      }
    }
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
