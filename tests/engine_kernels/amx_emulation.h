#pragma once

// The tile instructions that the kernels use, from their definitions in the instruction set
// reference. Included before the kernels, which then take these for those of amx_tiles.h.

#define CUPEL_EMULATED_TILES

#include "avx512_emulation.h"
#include "engine/kernels/amx_tiles.h"
#include "engine/kernels/flush_denormals.h"

namespace cupel::engine::kernels {
namespace {

struct EmulatedTile {
  uint8_t bytes[16][64];

  template <typename T>
  [[nodiscard]] T get(int row, int place) const {
    T x;
    std::memcpy(&x, bytes[row] + place * static_cast<int>(sizeof(T)), sizeof(T));
    return x;
  }
  template <typename T>
  void set(int row, int place, T x) {
    std::memcpy(bytes[row] + place * static_cast<int>(sizeof(T)), &x, sizeof(T));
  }
};

struct EmulatedTiles {
  TileShapes shapes;
  EmulatedTile tiles[8];
};
EmulatedTiles emulated_tiles;

CUPEL_EMULATE void load(int tile, const void* from, int64_t stride) {
  const TileShapes& shapes = emulated_tiles.shapes;
  emulated_tiles.tiles[tile] = {};
  for (int row = 0; row < shapes.rows[tile]; ++row) {
    std::memcpy(emulated_tiles.tiles[tile].bytes[row],
                static_cast<const uint8_t*>(from) + row * stride, shapes.row_bytes[tile]);
  }
}

CUPEL_EMULATE void store(int tile, void* to, int64_t stride) {
  const TileShapes& shapes = emulated_tiles.shapes;
  for (int row = 0; row < shapes.rows[tile]; ++row) {
    std::memcpy(static_cast<uint8_t*>(to) + row * stride, emulated_tiles.tiles[tile].bytes[row],
                shapes.row_bytes[tile]);
  }
}

CUPEL_EMULATE void multiply_bytes_of(int sums, int rows, int weights) {
  EmulatedTiles& t = emulated_tiles;
  for (int m = 0; m < t.shapes.rows[sums]; ++m) {
    for (int n = 0; n < t.shapes.row_bytes[sums] / 4; ++n) {
      auto sum = t.tiles[sums].get<int32_t>(m, n);
      for (int k = 0; k < t.shapes.row_bytes[rows]; ++k) {
        sum += t.tiles[rows].get<int8_t>(m, k) * t.tiles[weights].get<int8_t>(k / 4, 4 * n + k % 4);
      }
      t.tiles[sums].set(m, n, sum);
    }
  }
}

inline float widened(uint16_t bf16) {
  const uint32_t bits = static_cast<uint32_t>(bf16) << 16U;
  float x = 0;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

CUPEL_EMULATE float bf16_chains(
    const EmulatedTile& rows, const EmulatedTile& weights, int m, int n, int pairs) {
  float chains[2] = {};
  for (int k = 0; k < 2 * pairs; ++k) {
    chains[k % 2] =
        __builtin_fmaf(widened(rows.get<uint16_t>(m, k)),
                       widened(weights.get<uint16_t>(k / 2, 2 * n + k % 2)), chains[k % 2]);
  }
  return chains[0] + chains[1];
}

CUPEL_EMULATE void multiply_bf16_of(int sums, int rows, int weights) {
  const FlushDenormals mode;
  EmulatedTiles& t = emulated_tiles;
  for (int m = 0; m < t.shapes.rows[sums]; ++m) {
    for (int n = 0; n < t.shapes.row_bytes[sums] / 4; ++n) {
      const float sum =
          bf16_chains(t.tiles[rows], t.tiles[weights], m, n, t.shapes.row_bytes[rows] / 4);
      t.tiles[sums].set(m, n, t.tiles[sums].get<float>(m, n) + sum);
    }
  }
}

template <int tile>
void load_tile(const void* from, int64_t stride) {
  load(tile, from, stride);
}
template <int tile>
void store_tile(void* to, int64_t stride) {
  store(tile, to, stride);
}
template <int tile>
void clear_tile() {
  emulated_tiles.tiles[tile] = {};
}
template <int sums, int rows, int weights>
void multiply_bytes() {
  multiply_bytes_of(sums, rows, weights);
}
template <int sums, int rows, int weights>
void multiply_bf16() {
  multiply_bf16_of(sums, rows, weights);
}

class TileScope {
 public:
  explicit TileScope(const TileShapes& shapes) { emulated_tiles.shapes = shapes; }
};

}  // namespace
}  // namespace cupel::engine::kernels
