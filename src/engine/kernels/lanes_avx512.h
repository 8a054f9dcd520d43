#pragma once

#include <cstdint>

#include <immintrin.h>

namespace cupel::engine::kernels {
namespace {

// Sixteen float lanes in one AVX-512 register; the meaning of each function stands in
// lanes_scalar.h.
struct Lanes {
  static constexpr bool kWide = true;
  static constexpr int kTileGroups = 2;
  static constexpr int kTileTokens = 8;
  __m512 v;

  static Lanes broadcast(float x) { return {_mm512_set1_ps(x)}; }
  static float first(Lanes a) {
    return _mm_cvtss_f32(_mm256_castps256_ps128(_mm512_castps512_ps256(a.v)));
  }
  static Lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static __m256i half_register(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
  }
  static Lanes load_half(const uint16_t* p) { return {_mm512_cvtph_ps(half_register(p))}; }
  static Lanes load_bf16(const uint16_t* p) {
    const __m512i wide = _mm512_cvtepu16_epi32(half_register(p));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
  }
  static void store_bf16(uint16_t* p, Lanes a) {
    const __m512i bits = _mm512_castps_si512(a.v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
    const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
    const __m512i kept = _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x400000));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtepi32_epi16(_mm512_srli_epi32(kept, 16)));
  }
  static Lanes load_bf16_pairs(const uint16_t* p, int member) {
    const __m512i pairs = _mm512_loadu_si512(p);
    return {_mm512_castsi512_ps(member == 0
                                    ? _mm512_slli_epi32(pairs, 16)
                                    : _mm512_and_si512(pairs, _mm512_set1_epi32(-0x10000)))};
  }
  static Lanes load_u8(const uint8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))};
  }
  static Lanes load_byte_of_words(const uint8_t* p, int byte) {
    const __m512i shift = _mm512_set1_epi32(8 * byte);
    const __m512i shifted = _mm512_srlv_epi32(_mm512_loadu_si512(p), shift);
    return {_mm512_cvtepi32_ps(_mm512_and_si512(shifted, _mm512_set1_epi32(255)))};
  }
  static Lanes load_bits_of_words(const uint8_t* p, int shift, int mask, int flip) {
    const __m512i moved = _mm512_srlv_epi32(_mm512_loadu_si512(p), _mm512_set1_epi32(shift));
    const __m512i bits = _mm512_and_si512(moved, _mm512_set1_epi32(mask));
    return {_mm512_cvtepi32_ps(_mm512_xor_si512(bits, _mm512_set1_epi32(flip)))};
  }
  static Lanes load_i16_pairs(const int16_t* p, int member) {
    const __m512i pairs = _mm512_loadu_si512(p);
    const __m512i placed = member == 0 ? _mm512_slli_epi32(pairs, 16) : pairs;
    return {_mm512_cvtepi32_ps(_mm512_srai_epi32(placed, 16))};
  }
  static Lanes load_i8_pairs(const uint8_t* p, int member) {
    const __m512i pairs = _mm512_cvtepi8_epi16(half_register(p));
    const __m512i placed = member == 0 ? _mm512_slli_epi32(pairs, 16) : pairs;
    return {_mm512_cvtepi32_ps(_mm512_srai_epi32(placed, 16))};
  }
  static void store(float* p, Lanes a) { _mm512_storeu_ps(p, a.v); }
  static Lanes add(Lanes a, Lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
  static Lanes sub(Lanes a, Lanes b) { return {_mm512_sub_ps(a.v, b.v)}; }
  static Lanes mul(Lanes a, Lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
  static Lanes div(Lanes a, Lanes b) { return {_mm512_div_ps(a.v, b.v)}; }
  static Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Lanes max(Lanes a, Lanes b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Lanes min(Lanes a, Lanes b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Lanes abs(Lanes a) { return {_mm512_abs_ps(a.v)}; }
  static Lanes select_less(Lanes a, Lanes b, Lanes yes, Lanes no) {
    return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), no.v, yes.v)};
  }
  static uint32_t mask_less(Lanes a, Lanes b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ); }
  static Lanes power_of_two(Lanes shifted) {
    const __m512i biased = _mm512_add_epi32(_mm512_castps_si512(shifted.v), _mm512_set1_epi32(127));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(biased, 23))};
  }
  static __m256 upper(__m512 v) { return _mm512_extractf32x8_ps(v, 1); }
  static float reduce_add(Lanes a) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), upper(a.v));
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    x = _mm_add_ss(x, _mm_movehdup_ps(x));
    return _mm_cvtss_f32(x);
  }
  static float reduce_max(Lanes a) {
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(a.v), upper(a.v));
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    x = _mm_max_ss(x, _mm_movehdup_ps(x));
    return _mm_cvtss_f32(x);
  }
  static void store_int8(int8_t* p, Lanes a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a.v)));
  }
  static void sum_halves(const int8_t* p, int16_t* sums) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes);
    __m256i sum = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    sum = _mm256_add_epi32(sum, _mm256_shuffle_epi32(sum, 0x4E));
    sum = _mm256_add_epi32(sum, _mm256_shuffle_epi32(sum, 0xB1));
    sums[0] = static_cast<int16_t>(_mm_cvtsi128_si32(_mm256_castsi256_si128(sum)));
    sums[1] = static_cast<int16_t>(_mm_cvtsi128_si32(_mm256_extracti128_si256(sum, 1)));
  }
  static void store_int16(int16_t* p, Lanes a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(a.v)));
  }
  static float fma1(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
  static float sqrt1(float a) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a))); }
};

struct IntLanes {
  __m512i v;

  static IntLanes zero() { return {_mm512_setzero_si512()}; }
  static IntLanes load(const int16_t* p) { return {_mm512_loadu_si512(p)}; }
  static IntLanes broadcast_pair(const int16_t* p) {
    int32_t pair = 0;
    __builtin_memcpy(&pair, p, sizeof pair);
    return {_mm512_set1_epi32(pair)};
  }
  static IntLanes dot(IntLanes sum, IntLanes a, IntLanes b) {
    return {_mm512_dpwssd_epi32(sum.v, a.v, b.v)};
  }
  static Lanes to_float(IntLanes a) { return {_mm512_cvtepi32_ps(a.v)}; }
};

}  // namespace
}  // namespace cupel::engine::kernels
