#pragma once

#include <immintrin.h>

#include "engine/kernels/weight_layout.h"

namespace cupel::engine::kernels {
namespace {

// The activation rows of an int8 product as the AVX2 kernels read them.
//
// Sums of unsigned products leave int16: eight quads of 5-bit codes reach 16 · 31 · 127. Centred
// codes do not: 16 · 16 · 127 = 32512. So a chain of int16 sums starts at -centre · Σ a of its own
// activations; intermediate sums may wrap around, the final one fits and is exact. Per chain:
//   4 bits  8 quads, no centre needed: 16 · 15 · 127 = 30480; Q4_0 is centred at its zero point, 8
//   5 bits  8 quads centred at 16
//   6 bits  2 chains of 4 quads (each has its scale) centred at 32: 8 · 32 · 127 = 32512

template <class L>
constexpr int chains() {
  return L::kHalves ? 2 : 1;
}
template <class L>
constexpr int centre() {
  return L::kSigned ? 0 : L::kHigh == 64 ? 16 : L::kZero;
}

struct TokenView {
  const int8_t* quants;  // row t at quants + t · cols
  const float* scales;   // + t · blocks
  const float* totals;   // + t · blocks
  const int32_t* centres;  // + t · blocks · chains: int16 pair, -centre · Σ a of even and odd pairs
  const int32_t* centre_sums;  // + t · blocks: (centre - zero) · Σ a, where that is not 0
  int64_t cols;
  int64_t blocks;
  int chains;

  [[nodiscard]] TokenView from(int64_t token) const {
    TokenView v = *this;
    v.quants += token * cols;
    v.scales += token * blocks;
    v.totals += token * blocks;
    v.centres = centres == nullptr ? nullptr : centres + token * blocks * chains;
    v.centre_sums = centre_sums == nullptr ? nullptr : centre_sums + token * blocks;
    return v;
  }
};

/// isum from the centred sum.
template <class L>
inline __m256i with_centre(const TokenView& view, int64_t at, __m256i sum) {
  if constexpr (centre<L>() != 0 && centre<L>() != L::kZero) {
    return _mm256_add_epi32(sum, _mm256_set1_epi32(view.centre_sums[at]));
  }
  return sum;
}

/// -centre · Σ a over the pairs (4q, 4q+1) and (4q+2, 4q+3) of the quads of each chain.
template <class L>
inline void centre_block(const int8_t* a, int32_t* centres) {
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a));
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes);
  const __m128i factor = _mm_set1_epi16(-centre<L>());
  __m128i first = _mm256_castsi256_si128(pairs);
  __m128i second = _mm256_extracti128_si256(pairs, 1);
  if constexpr (chains<L>() == 1) {
    first = _mm_add_epi16(first, second);
  }
  const auto sum = [&](__m128i x) {
    x = _mm_add_epi16(x, _mm_shuffle_epi32(x, 0x4E));
    x = _mm_add_epi16(x, _mm_shuffle_epi32(x, 0xB1));
    return _mm_cvtsi128_si32(_mm_mullo_epi16(x, factor));
  };
  centres[0] = sum(first);
  if constexpr (chains<L>() == 2) {
    centres[1] = sum(second);
  }
}

/// Prepares the corrections of all rows in a slot of scratch memory.
template <class L>
TokenView view_tokens(const ActivationRows& in, int slot) {
  const int64_t blocks = in.cols / kBlockCols;
  const int64_t count = in.rows * blocks;
  TokenView view = {in.quants, in.scales, in.totals, nullptr,
                    nullptr,   in.cols,   blocks,    chains<L>()};
  auto* memory = static_cast<int32_t*>(thread_scratch(slot, count * (chains<L>() + 1) * 4));
  if constexpr (centre<L>() != 0) {
    int32_t* centres = memory + count;
    for (int64_t i = 0; i < count; ++i) {
      centre_block<L>(in.quants + i * kBlockCols, centres + i * chains<L>());
    }
    view.centres = centres;
  }
  if constexpr (centre<L>() != 0 && centre<L>() != L::kZero) {
    for (int64_t i = 0; i < count; ++i) {
      memory[i] = (centre<L>() - L::kZero) * (in.sums16[2 * i] + in.sums16[2 * i + 1]);
    }
    view.centre_sums = memory;
  }
  return view;
}

}  // namespace
}  // namespace cupel::engine::kernels
