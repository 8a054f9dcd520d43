#include "engine/kernels/lanes_avx2.h"
// The products' helpers below are used with the Lanes included above.
#include "engine/kernels/int8_products.h"
#include "engine/kernels/int8_tokens_avx2.h"

namespace cupel::engine::kernels {
namespace {

// int8 products with vpmaddubsw: unsigned codes × signed activations, neighbours summed to int16.
// The int16 sums of a whole block must fit, which they do once the codes are centred
// (int8_tokens_avx2.h). Q8_0 multiplies |w| · (±a) and widens every quad: 2 · 128 · 127 fits. The
// float steps are those of int8_products.h.

constexpr int kPrefetchBytes = 2048;

inline __m256i load_bytes(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

/// Codes of `quad` for rows [8 half, 8 half + 8), straight from the packed block.
template <class L>
inline __m256i direct_quad(const uint8_t* sub, int quad, int half) {
  const uint8_t* high = sub + L::kScaleCodes + 32 * half;
  const uint8_t* packed = high + L::kHigh;
  if constexpr (L::kSigned) {
    return load_bytes(packed + 64 * quad);
  }
  const __m256i bytes = load_bytes(packed + 64 * (quad % 4));
  const __m256i shifted = quad < 4 ? bytes : _mm256_srli_epi16(bytes, 4);
  const __m256i nibbles = _mm256_and_si256(shifted, _mm256_set1_epi8(15));
  if constexpr (L::kHigh == 64) {
    const __m256i bits = load_bytes(high);
    const __m256i moved =
        quad < 4 ? _mm256_slli_epi16(bits, 4 - quad) : _mm256_srli_epi16(bits, quad - 4);
    return _mm256_or_si256(nibbles, _mm256_and_si256(moved, _mm256_set1_epi8(16)));
  }
  if constexpr (L::kHigh == 128) {
    const __m256i bits = load_bytes(high + 64 * (quad / 4));
    const int place = 4 - 2 * (quad % 4);
    const __m256i moved =
        place >= 0 ? _mm256_slli_epi16(bits, place) : _mm256_srli_epi16(bits, -place);
    return _mm256_or_si256(nibbles, _mm256_and_si256(moved, _mm256_set1_epi8(48)));
  }
  return nibbles;
}

/// A row group read block by block as it is packed.
template <class L>
struct DirectSource {
  using Layout = L;
  const uint8_t* data;
  int64_t group_bytes;

  struct Block {
    BlockRef ref;
    [[nodiscard]] __m256i quad(int quad, int half) const {
      return direct_quad<L>(ref.sub, quad, half);
    }
    [[nodiscard]] static __m256 halves(const uint8_t* p) {
      return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    [[nodiscard]] static __m256 codes(const uint8_t* p) {
      const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
      return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
    }
    [[nodiscard]] __m256 scale(int half) const {
      const __m256 scale = halves(ref.head + 16 * half);
      if constexpr (L::kSuper && !L::kHalves) {
        return _mm256_mul_ps(scale, codes(ref.sub + 8 * half));
      }
      return scale;
    }
    [[nodiscard]] __m256 min(int half) const {
      const __m256 min = halves(ref.head + 32 + 16 * half);
      if constexpr (L::kSuper) {
        const __m256 product = _mm256_mul_ps(min, codes(ref.sub + 16 + 8 * half));
        return _mm256_sub_ps(_mm256_setzero_ps(), product);
      }
      return min;
    }
    /// int16 pairs: the integer scales of columns 0-15 and 16-31 of each row.
    [[nodiscard]] __m256i half_scales(int half) const {
      const auto* p = reinterpret_cast<const __m128i*>(ref.sub + 16 * half);
      return _mm256_cvtepi8_epi16(_mm_loadu_si128(p));
    }
  };
  [[nodiscard]] Block block(int64_t index) const {
    Block block = {block_ref<L>(data, index)};
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
    for (int half = 0; half < 2; ++half) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(tile.codes + 64 * quad + 32 * half),
                         direct_quad<L>(block.sub, quad, half));
    }
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
    [[nodiscard]] __m256i quad(int quad, int half) const {
      return load_bytes(tile->codes + 64 * quad + 32 * half);
    }
    [[nodiscard]] __m256 scale(int half) const { return _mm256_load_ps(tile->scale + 8 * half); }
    [[nodiscard]] __m256 min(int half) const { return _mm256_load_ps(tile->min + 8 * half); }
    [[nodiscard]] __m256i half_scales(int half) const {
      return load_bytes(tile->half_scale + 16 * half);
    }
  };
  [[nodiscard]] Block block(int64_t index) const { return {tiles + index}; }
};

/// Keeps the compiler from hoisting all products before the sums, which spills every register.
inline void keep_order(__m256i& x) {
  asm("" : "+x"(x));
}

inline __m256i broadcast_quad(const int8_t* a) {
  int32_t word = 0;
  memcpy(&word, a, sizeof word);
  return _mm256_set1_epi32(word);
}

/// The int16 factors that a chain's sums are widened with: 1, or the integer scale of half `chain`.
template <class L, class Block>
inline __m256i widening_factors(const Block& block, int half, int chain) {
  if constexpr (!L::kHalves) {
    return _mm256_set1_epi16(1);
  }
  const __m256i both = block.half_scales(half);
  const __m256i low = _mm256_set1_epi32(0xFFFF);
  return chain == 0 ? _mm256_or_si256(_mm256_and_si256(both, low), _mm256_slli_epi32(both, 16))
                    : _mm256_or_si256(_mm256_andnot_si256(low, both), _mm256_srli_epi32(both, 16));
}

/// isum of unsigned codes, of both halves of the row group.
template <int tokens, class L, class Block>
inline void unsigned_sums(const Block& block,
                          const TokenView& view,
                          int64_t index,
                          __m256i (&sums)[2][tokens]) {
  constexpr int kChains = chains<L>();
  constexpr int kChain = 8 / kChains;
  const int8_t* a = view.quants + index * kBlockCols;
#pragma GCC unroll 2
  for (int chain = 0; chain < kChains; ++chain) {
    __m256i pairs[2][tokens];
#pragma GCC unroll 4
    for (int t = 0; t < tokens; ++t) {
      for (int h = 0; h < 2; ++h) {
        if constexpr (centre<L>() != 0) {
          pairs[h][t] =
              _mm256_set1_epi32(view.centres[(t * view.blocks + index) * kChains + chain]);
        }
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < kChain; ++i) {
      const int quad = chain * kChain + i;
      __m256i codes[2];
      for (int h = 0; h < 2; ++h) {
        codes[h] = block.quad(quad, h);
      }
#pragma GCC unroll 4
      for (int t = 0; t < tokens; ++t) {
        const __m256i four = broadcast_quad(a + t * view.cols + 4 * quad);
        for (int h = 0; h < 2; ++h) {
          const __m256i product = _mm256_maddubs_epi16(codes[h], four);
          const bool start = i == 0 && centre<L>() == 0;
          pairs[h][t] = start ? product : _mm256_add_epi16(pairs[h][t], product);
          keep_order(pairs[h][t]);
        }
      }
    }
    for (int h = 0; h < 2; ++h) {
      const __m256i factors = widening_factors<L>(block, h, chain);
      for (int t = 0; t < tokens; ++t) {
        const __m256i wide = _mm256_madd_epi16(pairs[h][t], factors);
        sums[h][t] = chain == 0 ? wide : _mm256_add_epi32(sums[h][t], wide);
      }
    }
  }
}

/// isum of signed codes (Q8_0): |w| · (a with the sign of w).
template <int tokens, class Block>
inline void signed_sums(const Block& block,
                        const TokenView& view,
                        int64_t index,
                        __m256i (&sums)[2][tokens]) {
  const int8_t* a = view.quants + index * kBlockCols;
  const __m256i ones = _mm256_set1_epi16(1);
#pragma GCC unroll 8
  for (int quad = 0; quad < 8; ++quad) {
    __m256i codes[2];
    __m256i sizes[2];
    for (int h = 0; h < 2; ++h) {
      codes[h] = block.quad(quad, h);
      sizes[h] = _mm256_abs_epi8(codes[h]);
    }
#pragma GCC unroll 4
    for (int t = 0; t < tokens; ++t) {
      const __m256i four = broadcast_quad(a + t * view.cols + 4 * quad);
      for (int h = 0; h < 2; ++h) {
        const __m256i pairs = _mm256_maddubs_epi16(sizes[h], _mm256_sign_epi8(four, codes[h]));
        const __m256i wide = _mm256_madd_epi16(pairs, ones);
        sums[h][t] = quad == 0 ? wide : _mm256_add_epi32(sums[h][t], wide);
        keep_order(sums[h][t]);
      }
    }
  }
}

/// Blocks [begin, end) of a row group for `tokens` rows: acc[t][16] grows.
template <int tokens, class Source>
inline void multiply_blocks(
    const Source& source, const TokenView& view, int64_t first, int64_t count, float* sums) {
  using L = typename Source::Layout;
  __m256 acc[2][tokens];
  for (int t = 0; t < tokens; ++t) {
    acc[0][t] = first == 0 ? _mm256_setzero_ps() : _mm256_load_ps(sums + 16 * t);
    acc[1][t] = first == 0 ? _mm256_setzero_ps() : _mm256_load_ps(sums + 16 * t + 8);
  }
  for (int64_t i = 0; i < count; ++i) {
    const auto block = source.block(i);
    const int64_t index = first + i;
    __m256i isum[2][tokens] = {};
    if constexpr (L::kSigned) {
      signed_sums<tokens>(block, view, index, isum);
    } else {
      unsigned_sums<tokens, L>(block, view, index, isum);
    }
    for (int half = 0; half < 2; ++half) {
      const __m256 scale = block.scale(half);
#pragma GCC unroll 4
      for (int t = 0; t < tokens; ++t) {
        const int64_t at = t * view.blocks + index;
        const __m256i exact = with_centre<L>(view, at, isum[half][t]);
        const __m256 factor = _mm256_mul_ps(scale, _mm256_set1_ps(view.scales[at]));
        acc[half][t] = _mm256_fmadd_ps(factor, _mm256_cvtepi32_ps(exact), acc[half][t]);
        if constexpr (L::kHasMin) {
          acc[half][t] =
              _mm256_fmadd_ps(block.min(half), _mm256_set1_ps(view.totals[at]), acc[half][t]);
        }
      }
    }
  }
  for (int t = 0; t < tokens; ++t) {
    _mm256_store_ps(sums + 16 * t, acc[0][t]);
    _mm256_store_ps(sums + 16 * t + 8, acc[1][t]);
  }
}

template <Format format>
struct Kernel {
  using L = Layout<format>;
  using Direct = DirectSource<L>;
  using Tile = TileSource<L>;
  static constexpr int kTokens = 4;
  static constexpr int kGroups = 1;
  // Unpacking pays from a number of rows on that depends on its cost; Q8_0 needs none.
  static constexpr int64_t kUnpackRows = L::kSigned ? INT64_MAX : L::kHigh == 0 ? 12 : 6;
  static TokenView view(const ActivationRows& in, int slot) { return view_tokens<L>(in, slot); }
  static void unpack(BlockRef block, BlockTile& tile) { unpack_tile<L>(block, tile); }
  template <int groups, int tokens, class Source>
  static void multiply(
      const Source& source, const TokenView& view, int64_t first, int64_t count, float* sums) {
    multiply_blocks<tokens>(source, view, first, count, sums);
  }
};

}  // namespace

LinearFunction avx2_linear_int8(Format format) {
  return linear_int8_of<Kernel>(format);
}

}  // namespace cupel::engine::kernels
