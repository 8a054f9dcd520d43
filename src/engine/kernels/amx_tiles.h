#pragma once

#include <cstdint>

namespace cupel::engine::kernels {
namespace {

/// Shapes of the eight tile registers, as ldtilecfg reads them (palette 1).
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  void set(int tile, int count, int bytes) {
    rows[tile] = static_cast<uint8_t>(count);
    row_bytes[tile] = static_cast<uint16_t>(bytes);
  }
};

#if !defined(CUPEL_EMULATED_TILES)  // tests/engine_kernels/amx_emulation.h has them otherwise

// The instructions, with the number of a tile register as a template argument. g++'s own intrinsics
// want a literal there and do not say that a load reads memory.

template <int tile>
inline void load_tile(const void* from, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(tile) : "memory");
}
template <int tile>
inline void store_tile(void* to, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(tile) : "memory");
}
template <int tile>
inline void clear_tile() {
  asm volatile("tilezero %%tmm%c0" : : "i"(tile));
}
/// sums[m][n] += sum over k of rows[m][k] · weights[k / 4][4 n + k % 4], signed bytes.
template <int sums, int rows, int weights>
inline void multiply_bytes() {
  asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sums), "i"(rows), "i"(weights));
}

/// sums[m][n] += the even and the odd columns' chains of lane_bf16.h; weights[k / 2][2 n + k % 2].
template <int sums, int rows, int weights>
inline void multiply_bf16() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sums), "i"(rows), "i"(weights));
}

/// While it lives, this thread's tiles have these shapes. Afterwards they are released: a thread
/// with tiles in use takes longer to switch to.
class TileScope {
 public:
  explicit TileScope(const TileShapes& shapes) { asm volatile("ldtilecfg %0" : : "m"(shapes)); }
  ~TileScope() { asm volatile("tilerelease"); }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;
};

#endif

}  // namespace
}  // namespace cupel::engine::kernels
