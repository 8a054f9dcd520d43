#include "engine/kernels/lanes_avx512.h"
// The products' helpers below are used with the Lanes included above.
#include "engine/kernels/int8_products.h"

namespace cupel::engine::kernels {
namespace {

// int8 products with vpdpbusd: four unsigned codes × four signed activations of 16 rows are summed
// into int32 at once. The float steps are those of int8_products.h.

constexpr int kPrefetchBytes = 2048;

/// Codes of `quad` for the 16 rows, straight from the packed block; Q8_0: code + 128.
template <class L>
inline __m512i direct_quad(const uint8_t* sub, int quad) {
  const uint8_t* high = sub + L::kScaleCodes;
  const uint8_t* packed = high + L::kHigh;
  if constexpr (L::kSigned) {
    return _mm512_xor_si512(_mm512_loadu_si512(packed + 64 * quad), _mm512_set1_epi32(-0x7F7F7F80));
  }
  const __m512i bytes = _mm512_loadu_si512(packed + 64 * (quad % 4));
  const __m512i shifted = quad < 4 ? bytes : _mm512_srli_epi32(bytes, 4);
  const __m512i nibbles = _mm512_and_si512(shifted, _mm512_set1_epi32(0x0F0F0F0F));
  if constexpr (L::kHigh == 64) {
    const __m512i bits = _mm512_loadu_si512(high);
    const auto left = static_cast<unsigned>(quad < 4 ? 4 - quad : 0);
    const auto right = static_cast<unsigned>(quad < 4 ? 0 : quad - 4);
    const __m512i moved = _mm512_srli_epi32(_mm512_slli_epi32(bits, left), right);
    return _mm512_or_si512(nibbles, _mm512_and_si512(moved, _mm512_set1_epi32(0x10101010)));
  }
  if constexpr (L::kHigh == 128) {
    const __m512i bits = _mm512_loadu_si512(high + 64 * (quad / 4));
    const int place = 4 - 2 * (quad % 4);
    const auto left = static_cast<unsigned>(place > 0 ? place : 0);
    const auto right = static_cast<unsigned>(place < 0 ? -place : 0);
    const __m512i moved = _mm512_srli_epi32(_mm512_slli_epi32(bits, left), right);
    return _mm512_or_si512(nibbles, _mm512_and_si512(moved, _mm512_set1_epi32(0x30303030)));
  }
  return nibbles;
}

/// A row group read block by block as it is packed.
template <class L>
struct DirectSource {
  using Layout = L;
  const uint8_t* group;

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
  [[nodiscard]] Block block(int64_t index) const {
    Block block = {block_ref<L>(group, index)};
    const auto* ahead = reinterpret_cast<const char*>(block.ref.sub) + kPrefetchBytes;
    for (int64_t line = 0; line < (L::kSub + L::kHead / L::kSubs + 63) / 64; ++line) {
      _mm_prefetch(ahead + 64 * line, _MM_HINT_T0);
    }
    return block;
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
  [[nodiscard]] Block block(int64_t index) const { return {tiles + index}; }
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

/// isum of one block with the zero point taken out.
template <int tokens, class L, class Block>
inline void block_sums(const Block& block,
                       const TokenView& view,
                       int64_t index,
                       __m512i (&sums)[tokens]) {
  const int8_t* a = view.quants + index * kBlockCols;
  __m512i first_half[tokens];
#pragma GCC unroll 8
  for (int t = 0; t < tokens; ++t) {
    const bool start_at_zero = L::kZero == 0 || L::kHalves;
    sums[t] = start_at_zero ? _mm512_setzero_si512()
                            : _mm512_set1_epi32(view.zeros[t * view.blocks + index]);
  }
#pragma GCC unroll 8
  for (int quad = 0; quad < 8; ++quad) {
    const __m512i codes = block.quad(quad);
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) {
      if (L::kHalves && quad == 4) {
        first_half[t] = sums[t];
        sums[t] = _mm512_setzero_si512();
      }
      sums[t] = _mm512_dpbusd_epi32(sums[t], codes, broadcast_quad(a + t * view.cols + 4 * quad));
    }
  }
  if constexpr (L::kHalves) {
    const __m512i both = block.half_scales();
    const __m512i scale0 = _mm512_srai_epi32(_mm512_slli_epi32(both, 16), 16);
    const __m512i scale1 = _mm512_srai_epi32(both, 16);
    for (int t = 0; t < tokens; ++t) {
      int32_t pair = 0;
      memcpy(&pair, view.sums16 + 2 * (t * view.blocks + index), sizeof pair);
      const __m512i zero = _mm512_slli_epi32(_mm512_madd_epi16(both, _mm512_set1_epi32(pair)), 5);
      const __m512i scaled = _mm512_add_epi32(_mm512_mullo_epi32(first_half[t], scale0),
                                              _mm512_mullo_epi32(sums[t], scale1));
      sums[t] = _mm512_sub_epi32(scaled, zero);
    }
  }
}

/// Blocks [first, first + count) of a row group for `tokens` rows: sums[t][16] grow.
template <int tokens, class Source>
inline void multiply_blocks(
    const Source& source, const TokenView& view, int64_t first, int64_t count, float* sums) {
  using L = typename Source::Layout;
  __m512 acc[tokens];
  for (int t = 0; t < tokens; ++t) {
    acc[t] = _mm512_loadu_ps(sums + 16 * t);
  }
  for (int64_t i = 0; i < count; ++i) {
    const auto block = source.block(i);
    const int64_t index = first + i;
    __m512i isum[tokens];
    block_sums<tokens, L>(block, view, index, isum);
    const __m512 scale = block.scale();
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) {
      const int64_t at = t * view.blocks + index;
      const __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(view.scales[at]));
      acc[t] = _mm512_fmadd_ps(factor, _mm512_cvtepi32_ps(isum[t]), acc[t]);
      if constexpr (L::kHasMin) {
        acc[t] = _mm512_fmadd_ps(block.min(), _mm512_set1_ps(view.totals[at]), acc[t]);
      }
    }
  }
  for (int t = 0; t < tokens; ++t) {
    _mm512_storeu_ps(sums + 16 * t, acc[t]);
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
  static constexpr int kTokens = 8;
  static constexpr int64_t kUnpackRows = 13;
  static TokenView view(const ActivationRows& in, int slot) { return view_tokens<L>(in, slot); }
  static void unpack(BlockRef block, BlockTile& tile) { unpack_tile<L>(block, tile); }
  template <int tokens, class Source>
  static void multiply(
      const Source& source, const TokenView& view, int64_t first, int64_t count, float* sums) {
    multiply_blocks<tokens>(source, view, first, count, sums);
  }
};

}  // namespace

LinearFunction avx512_linear_int8(Format format) {
  return linear_int8_of<Kernel>(format);
}

}  // namespace cupel::engine::kernels
