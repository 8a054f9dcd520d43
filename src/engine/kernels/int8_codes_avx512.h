#pragma once

#include <immintrin.h>

#include "engine/kernels/weight_layout.h"

namespace cupel::engine::kernels {
namespace {

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

}  // namespace
}  // namespace cupel::engine::kernels
