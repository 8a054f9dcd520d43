#include "engine/kernels/lanes_avx512.h"
// The products' helpers below are used with the Lanes included above.
#include "engine/kernels/int8_codes_avx512.h"
#include "engine/kernels/int8_products.h"

namespace cupel::engine::kernels {
namespace {

// int8 products with vpdpbusd: four unsigned codes × four signed activations of 16 rows are summed
// into int32 at once. The float steps are those of int8_products.h. No software prefetch: on Zen 4
// it costs a fifth of the speed of one row, since the hardware's own prefetchers follow the one
// stream.

/// A row group read block by block as it is packed.
template <class L>
struct DirectSource {
  using Layout = L;
  const uint8_t* data;
  int64_t group_bytes;

  struct Block {
    BlockRef ref;
    [[nodiscard]] __m512i quad(int quad) const { return direct_quad<L>(ref.sub, quad); }
    [[nodiscard]] static __m512 halves(const uint8_t* p) {
      return Lanes::load_half(reinterpret_cast<const uint16_t*>(p)).v;
    }
    [[nodiscard]] __m512 scale() const {
      const __m512 scale = halves(ref.head);
      if constexpr (L::kSuper && !L::kHalves) {
        return _mm512_mul_ps(scale, Lanes::load_u8(ref.sub).v);
      }
      return scale;
    }
    [[nodiscard]] __m512 min() const {
      const __m512 min = halves(ref.head + 32);
      if constexpr (L::kSuper) {
        const __m512 product = _mm512_mul_ps(min, Lanes::load_u8(ref.sub + 16).v);
        return _mm512_sub_ps(_mm512_setzero_ps(), product);
      }
      return min;
    }
    /// int16 pairs: the integer scales of columns 0-15 and 16-31 of each row.
    [[nodiscard]] __m512i half_scales() const {
      return _mm512_cvtepi8_epi16(Lanes::half_register(ref.sub));
    }
  };
  [[nodiscard]] Block block(int group, int64_t index) const {
    return {block_ref<L>(data + group * group_bytes, index)};
  }
};

template <class L>
inline void unpack_tile(BlockRef block, BlockTile& tile) {
#pragma GCC unroll 8
  for (int quad = 0; quad < 8; ++quad) {
    _mm512_storeu_si512(tile.codes + 64 * quad, direct_quad<L>(block.sub, quad));
  }
  unpack_scales<L, Lanes>(block, tile);
}

/// A row group of which some blocks were unpacked.
template <class L>
struct TileSource {
  using Layout = L;
  const BlockTile* tiles;

  struct Block {
    const BlockTile* tile;
    [[nodiscard]] __m512i quad(int quad) const {
      return _mm512_loadu_si512(tile->codes + 64 * quad);
    }
    [[nodiscard]] __m512 scale() const { return _mm512_loadu_ps(tile->scale); }
    [[nodiscard]] __m512 min() const { return _mm512_loadu_ps(tile->min); }
    [[nodiscard]] __m512i half_scales() const { return _mm512_loadu_si512(tile->half_scale); }
  };
  [[nodiscard]] Block block(int group, int64_t index) const {
    return {tiles + group * kTileBlocks + index};
  }
};

/// What a micro-kernel reads of its activation rows.
struct TokenView {
  const int8_t* quants;   // row t at quants + t · cols
  const float* scales;    // + t · blocks
  const int16_t* sums16;  // + t · 2 blocks
  const float* totals;    // + t · blocks
  const int32_t* zeros;   // + t · blocks: -zero · Σ a, formats with a zero point
  int64_t cols;
  int64_t blocks;

  [[nodiscard]] TokenView from(int64_t token) const {
    TokenView v = *this;
    v.quants += token * cols;
    v.scales += token * blocks;
    v.sums16 += token * blocks * 2;
    v.totals += token * blocks;
    v.zeros = zeros == nullptr ? nullptr : zeros + token * blocks;
    return v;
  }
};

inline __m512i broadcast_quad(const int8_t* a) {
  int32_t word = 0;
  memcpy(&word, a, sizeof word);
  return _mm512_set1_epi32(word);
}

/// The two integer scales of Q6_K and the zero point applied: scale0 · first + scale1 · second.
template <class Block>
inline __m512i join_halves(
    const Block& block, const TokenView& view, int64_t at, __m512i first, __m512i second) {
  const __m512i both = block.half_scales();
  const __m512i scale0 = _mm512_srai_epi32(_mm512_slli_epi32(both, 16), 16);
  const __m512i scale1 = _mm512_srai_epi32(both, 16);
  int32_t pair = 0;
  memcpy(&pair, view.sums16 + 2 * at, sizeof pair);
  const __m512i zero = _mm512_slli_epi32(_mm512_madd_epi16(both, _mm512_set1_epi32(pair)), 5);
  const __m512i scaled =
      _mm512_add_epi32(_mm512_mullo_epi32(first, scale0), _mm512_mullo_epi32(second, scale1));
  return _mm512_sub_epi32(scaled, zero);
}

template <int groups, int tokens>
struct Sums {
  __m512i v[groups][tokens];
};

/// Σ code · a over quads [begin, begin + count), on top of `sums`.
template <int groups, int tokens, class Block>
inline void add_quads(const Block (&blocks)[groups],
                      const int8_t* a,
                      int64_t cols,
                      int begin,
                      int count,
                      Sums<groups, tokens>& sums) {
#pragma GCC unroll 8
  for (int quad = begin; quad < begin + count; ++quad) {
    __m512i codes[groups];
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) {
      codes[g] = blocks[g].quad(quad);
    }
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) {
      const __m512i four = broadcast_quad(a + t * cols + 4 * quad);
#pragma GCC unroll 4
      for (int g = 0; g < groups; ++g) {
        sums.v[g][t] = _mm512_dpbusd_epi32(sums.v[g][t], codes[g], four);
      }
    }
  }
}

/// isum of one block with the zero point taken out.
template <class L, int groups, int tokens, class Block>
inline Sums<groups, tokens> block_sums(const Block (&blocks)[groups],
                                       const TokenView& view,
                                       int64_t index) {
  const int8_t* a = view.quants + index * kBlockCols;
  Sums<groups, tokens> sums;
#pragma GCC unroll 8
  for (int t = 0; t < tokens; ++t) {
    const bool start_at_zero = L::kZero == 0 || L::kHalves;
    const __m512i start = start_at_zero ? _mm512_setzero_si512()
                                        : _mm512_set1_epi32(view.zeros[t * view.blocks + index]);
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) {
      sums.v[g][t] = start;
    }
  }
  if constexpr (!L::kHalves) {
    add_quads<groups, tokens>(blocks, a, view.cols, 0, 8, sums);
    return sums;
  }
  Sums<groups, tokens> second = sums;
  add_quads<groups, tokens>(blocks, a, view.cols, 0, 4, sums);
  add_quads<groups, tokens>(blocks, a, view.cols, 4, 4, second);
#pragma GCC unroll 4
  for (int g = 0; g < groups; ++g) {
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) {
      sums.v[g][t] =
          join_halves(blocks[g], view, t * view.blocks + index, sums.v[g][t], second.v[g][t]);
    }
  }
  return sums;
}

/// The micro-kernel: int8_products.h.
template <int groups, int tokens, class Source>
inline void multiply_blocks(
    const Source& source, const TokenView& view, int64_t first, int64_t count, float* sums) {
  using L = typename Source::Layout;
  __m512 acc[groups][tokens];
#pragma GCC unroll 8
  for (int i = 0; i < groups * tokens; ++i) {
    acc[i % groups][i / groups] = first == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(sums + 16 * i);
  }
  for (int64_t i = 0; i < count; ++i) {
    typename Source::Block blocks[groups];
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) {
      blocks[g] = source.block(g, i);
    }
    const int64_t index = first + i;
    const Sums<groups, tokens> isum = block_sums<L, groups, tokens>(blocks, view, index);
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) {
      const __m512 scale = blocks[g].scale();
#pragma GCC unroll 8
      for (int t = 0; t < tokens; ++t) {
        const int64_t at = t * view.blocks + index;
        const __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(view.scales[at]));
        acc[g][t] = _mm512_fmadd_ps(factor, _mm512_cvtepi32_ps(isum.v[g][t]), acc[g][t]);
        if constexpr (L::kHasMin) {
          acc[g][t] = _mm512_fmadd_ps(blocks[g].min(), _mm512_set1_ps(view.totals[at]), acc[g][t]);
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < groups * tokens; ++i) {
    _mm512_storeu_ps(sums + 16 * i, acc[i % groups][i / groups]);
  }
}

/// The rows, with -zero · Σ a of every block where the format has a zero point.
template <class L>
TokenView view_tokens(const ActivationRows& in, int slot) {
  const int64_t blocks = in.cols / kBlockCols;
  TokenView view = {in.quants, in.scales, in.sums16, in.totals, nullptr, in.cols, blocks};
  if constexpr (L::kZero != 0 && !L::kHalves) {
    auto* zeros = static_cast<int32_t*>(thread_scratch(slot, in.rows * blocks * 4));
    for (int64_t i = 0; i < in.rows * blocks; ++i) {
      zeros[i] = -L::kZero * (in.sums16[2 * i] + in.sums16[2 * i + 1]);
    }
    view.zeros = zeros;
  }
  return view;
}

template <Format format>
struct Kernel {
  using L = Layout<format>;
  using Direct = DirectSource<L>;
  using Tile = TileSource<L>;
  // Two row groups share every broadcast of activations, which loads could not keep up with else.
  static constexpr int kTokens = 4;
  static constexpr int kGroups = 2;
  static constexpr int64_t kShareRows = 4;
  // Only the K formats' scales cost enough to be unpacked once for all rows.
  static constexpr int64_t kUnpackRows = L::kSuper ? 24 : INT64_MAX;
  static TokenView view(const ActivationRows& in, int slot) { return view_tokens<L>(in, slot); }
  static void unpack(BlockRef block, BlockTile& tile) { unpack_tile<L>(block, tile); }
  template <int groups, int tokens, class Source>
  static void multiply(
      const Source& source, const TokenView& view, int64_t first, int64_t count, float* sums) {
    multiply_blocks<groups, tokens>(source, view, first, count, sums);
  }
};

}  // namespace

LinearFunction avx512_linear_int8(Format format) {
  return linear_int8_of<Kernel>(format);
}

}  // namespace cupel::engine::kernels
