#pragma once

#include <cstdint>

#include <immintrin.h>

namespace cupel::engine::kernels {
namespace {

// Sixteen float lanes in two AVX2 registers; the meaning of each function stands in lanes_scalar.h.
struct Lanes {
  static constexpr bool kWide = false;
  static constexpr int kTileGroups = 1;
  static constexpr int kTileTokens = 4;
  __m256 lo;
  __m256 hi;

  static Lanes broadcast(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static float first(Lanes a) { return _mm256_cvtss_f32(a.lo); }
  static Lanes load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static __m128i half_register(const void* p) {
    return _mm_loadu_si128(static_cast<const __m128i*>(p));
  }
  static Lanes load_half(const uint16_t* p) {
    return {_mm256_cvtph_ps(half_register(p)), _mm256_cvtph_ps(half_register(p + 8))};
  }
  static __m256 widen_eight(const uint16_t* p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half_register(p)), 16));
  }
  static Lanes load_bf16(const uint16_t* p) { return {widen_eight(p), widen_eight(p + 8)}; }
  static __m256i round_eight(__m256 x) {
    const __m256i bits = _mm256_castps_si256(x);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    return _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
  }
  static void store_bf16(uint16_t* p, Lanes a) {
    // Of both: lo 0-3, hi 0-3, lo 4-7, hi 4-7.
    const __m256i mixed = _mm256_packus_epi32(round_eight(a.lo), round_eight(a.hi));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(mixed, 0xD8));
  }
  static __m256 widen_bf16(__m256i pairs, int member) {
    return _mm256_castsi256_ps(member == 0 ? _mm256_slli_epi32(pairs, 16)
                                           : _mm256_and_si256(pairs, _mm256_set1_epi32(-0x10000)));
  }
  static Lanes load_bf16_pairs(const uint16_t* p, int member) {
    return {widen_bf16(words(p), member), widen_bf16(words(p + 16), member)};
  }
  static Lanes from_int(__m256i lo, __m256i hi) {
    return {_mm256_cvtepi32_ps(lo), _mm256_cvtepi32_ps(hi)};
  }
  static Lanes load_u8(const uint8_t* p) {
    const __m128i bytes = half_register(p);
    return from_int(_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)));
  }
  static __m256i words(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static __m256i byte_of(__m256i words, int byte) {
    const __m128i shift = _mm_cvtsi32_si128(8 * byte);
    return _mm256_and_si256(_mm256_srl_epi32(words, shift), _mm256_set1_epi32(255));
  }
  static Lanes load_byte_of_words(const uint8_t* p, int byte) {
    return from_int(byte_of(words(p), byte), byte_of(words(p + 32), byte));
  }
  static __m256i bits_of(__m256i words, int shift, int mask, int flip) {
    const __m256i moved = _mm256_srl_epi32(words, _mm_cvtsi32_si128(shift));
    const __m256i bits = _mm256_and_si256(moved, _mm256_set1_epi32(mask));
    return _mm256_xor_si256(bits, _mm256_set1_epi32(flip));
  }
  static Lanes load_bits_of_words(const uint8_t* p, int shift, int mask, int flip) {
    return from_int(bits_of(words(p), shift, mask, flip),
                    bits_of(words(p + 32), shift, mask, flip));
  }
  static __m256i member_of(__m256i pairs, int member) {
    return _mm256_srai_epi32(member == 0 ? _mm256_slli_epi32(pairs, 16) : pairs, 16);
  }
  static Lanes load_i16_pairs(const int16_t* p, int member) {
    return from_int(member_of(words(p), member), member_of(words(p + 16), member));
  }
  static Lanes load_i8_pairs(const uint8_t* p, int member) {
    const auto* half = reinterpret_cast<const __m128i*>(p);
    const __m256i low = _mm256_cvtepi8_epi16(_mm_loadu_si128(half));
    const __m256i high = _mm256_cvtepi8_epi16(_mm_loadu_si128(half + 1));
    return from_int(member_of(low, member), member_of(high, member));
  }
  static void store(float* p, Lanes a) {
    _mm256_storeu_ps(p, a.lo);
    _mm256_storeu_ps(p + 8, a.hi);
  }
  static Lanes add(Lanes a, Lanes b) {
    return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
  }
  static Lanes sub(Lanes a, Lanes b) {
    return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
  }
  static Lanes mul(Lanes a, Lanes b) {
    return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
  }
  static Lanes div(Lanes a, Lanes b) {
    return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
  }
  static Lanes fma(Lanes a, Lanes b, Lanes c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
  }
  static Lanes max(Lanes a, Lanes b) {
    return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
  }
  static Lanes min(Lanes a, Lanes b) {
    return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
  }
  static Lanes abs(Lanes a) {
    const __m256 sign = _mm256_set1_ps(-0.0F);
    return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
  }
  static Lanes select_less(Lanes a, Lanes b, Lanes yes, Lanes no) {
    return {_mm256_blendv_ps(no.lo, yes.lo, _mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ)),
            _mm256_blendv_ps(no.hi, yes.hi, _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ))};
  }
  static uint32_t mask_less(Lanes a, Lanes b) {
    const int low = _mm256_movemask_ps(_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ));
    const int high = _mm256_movemask_ps(_mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ));
    return static_cast<uint32_t>(low | high << 8);
  }
  static __m256 power_of_two_half(__m256 shifted) {
    const __m256i biased = _mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
  }
  static Lanes power_of_two(Lanes shifted) {
    return {power_of_two_half(shifted.lo), power_of_two_half(shifted.hi)};
  }
  static float reduce_add(Lanes a) {
    const __m256 eight = _mm256_add_ps(a.lo, a.hi);
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    x = _mm_add_ss(x, _mm_movehdup_ps(x));
    return _mm_cvtss_f32(x);
  }
  static float reduce_max(Lanes a) {
    const __m256 eight = _mm256_max_ps(a.lo, a.hi);
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    x = _mm_max_ss(x, _mm_movehdup_ps(x));
    return _mm_cvtss_f32(x);
  }
  static void store_int8(int8_t* p, Lanes a) {
    const __m256i lo = _mm256_cvtps_epi32(a.lo);
    const __m256i hi = _mm256_cvtps_epi32(a.hi);
    const __m256i mixed = _mm256_packs_epi32(lo, hi);  // lo 0-3, hi 0-3, lo 4-7, hi 4-7
    const __m256i words16 = _mm256_permute4x64_epi64(mixed, 0xD8);
    const __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(words16), _mm256_extracti128_si256(words16, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
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
    const __m256i mixed = _mm256_packs_epi32(_mm256_cvtps_epi32(a.lo), _mm256_cvtps_epi32(a.hi));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(mixed, 0xD8));
  }
  static float fma1(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
  static float sqrt1(float a) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a))); }
};

struct IntLanes {
  __m256i lo;
  __m256i hi;

  static IntLanes zero() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
  static IntLanes load(const int16_t* p) { return {Lanes::words(p), Lanes::words(p + 16)}; }
  static IntLanes broadcast_pair(const int16_t* p) {
    int32_t pair = 0;
    __builtin_memcpy(&pair, p, sizeof pair);
    return {_mm256_set1_epi32(pair), _mm256_set1_epi32(pair)};
  }
  static IntLanes dot(IntLanes sum, IntLanes a, IntLanes b) {
    return {_mm256_add_epi32(sum.lo, _mm256_madd_epi16(a.lo, b.lo)),
            _mm256_add_epi32(sum.hi, _mm256_madd_epi16(a.hi, b.hi))};
  }
  static Lanes to_float(IntLanes a) { return Lanes::from_int(a.lo, a.hi); }
};

}  // namespace
}  // namespace cupel::engine::kernels
