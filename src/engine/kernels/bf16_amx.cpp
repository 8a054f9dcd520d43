#include <cstring>

#include "engine/kernels/lanes_avx512.h"
// store_all_outputs is written over the Lanes included above.
#include "engine/kernels/amx_tiles.h"
#include "engine/kernels/weight_layout.h"

namespace cupel::engine::kernels {
namespace {

// BF16 weights × the bf16 twin with tdpbf16ps, whose arithmetic lane_bf16.h spells out: two tiles
// of 16 activation rows × two groups of 16 weight rows, 32 columns an instruction. A packed block
// is a tile as it lies; the sums stay in tiles over all columns.

constexpr int64_t kTileRows = 16;
constexpr int kGroups = 2;
constexpr int kRowTiles = 2;

// Tile registers: four of sums, two of activations, two of weights.
constexpr int sums_tile(int rows, int group) {
  return rows * kGroups + group;
}
constexpr int rows_tile(int rows) {
  return kRowTiles * kGroups + rows;
}
constexpr int weights_tile(int group) {
  return kRowTiles * kGroups + kRowTiles + group;
}

/// What the row groups of a task share.
struct Job {
  const LinearTask& task;
  int64_t tile_rows;     // 16, or all rows where there are fewer
  int64_t tiles;         // of activation rows
  const uint16_t* last;  // [tile_rows][cols]: the rows of the last tile, filled up with zeros
  float* sums;           // [tiles · tile_rows][groups][16]
};

[[nodiscard]] const uint16_t* rows_of(const Job& job, int64_t tile) {
  const ActivationRows& in = job.task.input;
  return tile + 1 == job.tiles ? job.last : in.bf16 + tile * job.tile_rows * in.cols;
}

/// The sums of `tiles` tiles of rows × `groups` row groups.
template <int tiles, int groups>
void multiply_tiles(const Job& job, int64_t tile, const uint8_t* weights, float* sums) {
  const int64_t cols = job.task.input.cols;
  const uint16_t* x[kRowTiles] = {rows_of(job, tile), rows_of(job, tile + tiles - 1)};
  clear_tile<sums_tile(0, 0)>();
  clear_tile<sums_tile(0, 1)>();
  clear_tile<sums_tile(1, 0)>();
  clear_tile<sums_tile(1, 1)>();
  for (int64_t column = 0; column < cols; column += kBlockCols) {
    const uint8_t* block = weights + column * kGroupRows * 2;
    load_tile<weights_tile(0)>(block, 64);
    load_tile<rows_tile(0)>(x[0] + column, cols * 2);
    multiply_bf16<sums_tile(0, 0), rows_tile(0), weights_tile(0)>();
    if constexpr (groups > 1) {
      load_tile<weights_tile(1)>(block + cols * kGroupRows * 2, 64);
      multiply_bf16<sums_tile(0, 1), rows_tile(0), weights_tile(1)>();
    }
    if constexpr (tiles > 1) {
      load_tile<rows_tile(1)>(x[1] + column, cols * 2);
      multiply_bf16<sums_tile(1, 0), rows_tile(1), weights_tile(0)>();
      if constexpr (groups > 1) {
        multiply_bf16<sums_tile(1, 1), rows_tile(1), weights_tile(1)>();
      }
    }
  }
  constexpr int64_t kStride = int64_t{groups} * kGroupRows;
  store_tile<sums_tile(0, 0)>(sums, kStride * 4);
  if constexpr (groups > 1) {
    store_tile<sums_tile(0, 1)>(sums + kGroupRows, kStride * 4);
  }
  if constexpr (tiles > 1) {
    float* second = sums + job.tile_rows * kStride;
    store_tile<sums_tile(1, 0)>(second, kStride * 4);
    if constexpr (groups > 1) {
      store_tile<sums_tile(1, 1)>(second + kGroupRows, kStride * 4);
    }
  }
}

/// Row groups from `row` on, as many at a time as `groups` says.
template <int groups>
void multiply_rows(const Job& job, int64_t row) {
  const int64_t group_bytes = job.task.input.cols * kGroupRows * 2;
  for (; row + (groups - 1) * kGroupRows < job.task.end; row += groups * kGroupRows) {
    const uint8_t* weights = job.task.data + row / kGroupRows * group_bytes;
    const auto sums = [&](int64_t tile) {
      return job.sums + tile * job.tile_rows * groups * kGroupRows;
    };
    int64_t tile = 0;
    for (; tile + kRowTiles <= job.tiles; tile += kRowTiles) {
      multiply_tiles<kRowTiles, groups>(job, tile, weights, sums(tile));
    }
    if (tile < job.tiles) {
      multiply_tiles<1, groups>(job, tile, weights, sums(tile));
    }
    store_all_outputs<Lanes, groups>(job.task, row, job.sums);
  }
  if constexpr (groups > 1) {
    multiply_rows<groups / 2>(job, row);
  }
}

/// The rows of the last tile; a copy where it is not full.
const uint16_t* last_tile(const ActivationRows& in, int64_t tile_rows, int64_t tiles) {
  const int64_t left = in.rows - (tiles - 1) * tile_rows;
  const uint16_t* rows = in.bf16 + (tiles - 1) * tile_rows * in.cols;
  if (left == tile_rows) {
    return rows;
  }
  const auto bytes = [&](int64_t count) { return count * in.cols * 2; };
  auto* copy = static_cast<uint8_t*>(thread_scratch(kScratchActivations, bytes(tile_rows)));
  memcpy(copy, rows, static_cast<size_t>(bytes(left)));
  memset(copy + bytes(left), 0, static_cast<size_t>(bytes(tile_rows - left)));
  return reinterpret_cast<const uint16_t*>(copy);
}

TileShapes shapes(int64_t tile_rows) {
  TileShapes shapes;
  for (int rows = 0; rows < kRowTiles; ++rows) {
    shapes.set(rows_tile(rows), static_cast<int>(tile_rows), 64);
    for (int group = 0; group < kGroups; ++group) {
      shapes.set(sums_tile(rows, group), static_cast<int>(tile_rows), 64);
      shapes.set(weights_tile(group), 16, 64);
    }
  }
  return shapes;
}

}  // namespace

void amx_linear_bf16(const LinearTask& task) {
  const ActivationRows& in = task.input;
  const int64_t tile_rows = in.rows < kTileRows ? in.rows : kTileRows;
  const int64_t tiles = (in.rows + tile_rows - 1) / tile_rows;
  const Job job = {.task = task,
                   .tile_rows = tile_rows,
                   .tiles = tiles,
                   .last = last_tile(in, tile_rows, tiles),
                   .sums = static_cast<float*>(
                       thread_scratch(kScratchSums, tiles * tile_rows * kGroups * kGroupRows * 4))};
  const TileScope scope(shapes(tile_rows));
  multiply_rows<kGroups>(job, task.begin);
}

}  // namespace cupel::engine::kernels
