#pragma once

#include <cstdint>
#include <cstring>

#include <immintrin.h>

// The AVX-512 instructions that the kernels use, one lane at a time, from their definitions in the
// instruction set reference. A test compiles the AVX-512 kernels against these a second time, so
// that they are proven on machines that lack the instructions. Needs AVX2 and F16C for the narrower
// parts.

// Out of line: inlined, the kernels' unrolled loops take minutes to compile with sanitizers.
#define CUPEL_EMULATE [[gnu::noinline]] inline

namespace cupel::engine::test {

struct Emulated512 {
  unsigned char bytes[64];

  template <typename T>
  [[nodiscard]] T get(int i) const {
    T x;
    std::memcpy(&x, bytes + i * static_cast<int>(sizeof(T)), sizeof(T));
    return x;
  }
  template <typename T>
  void set(int i, T x) {
    std::memcpy(bytes + i * static_cast<int>(sizeof(T)), &x, sizeof(T));
  }
};

namespace emulated {

using V = Emulated512;

template <typename T, typename F>
V lanes(F&& lane) {
  V r;
  for (int i = 0; i < static_cast<int>(64 / sizeof(T)); ++i) {
    r.set<T>(i, static_cast<T>(lane(i)));
  }
  return r;
}
CUPEL_EMULATE V load(const void* p) {
  V r;
  std::memcpy(r.bytes, p, 64);
  return r;
}
CUPEL_EMULATE void store(void* p, V a) {
  std::memcpy(p, a.bytes, 64);
}
CUPEL_EMULATE V set1_ps(float x) {
  return lanes<float>([&](int) { return x; });
}
CUPEL_EMULATE V set1_epi32(int32_t x) {
  return lanes<int32_t>([&](int) { return x; });
}
CUPEL_EMULATE V set1_epi8(char x) {
  return lanes<char>([&](int) { return x; });
}
CUPEL_EMULATE V zero() {
  return set1_epi32(0);
}
template <typename F>
V each_float(V a, V b, F&& f) {
  return lanes<float>([&](int i) { return f(a.get<float>(i), b.get<float>(i)); });
}
template <typename F>
V each_word(V a, V b, F&& f) {
  return lanes<uint32_t>([&](int i) { return f(a.get<uint32_t>(i), b.get<uint32_t>(i)); });
}
CUPEL_EMULATE V add_ps(V a, V b) {
  return each_float(a, b, [](float x, float y) { return x + y; });
}
CUPEL_EMULATE V sub_ps(V a, V b) {
  return each_float(a, b, [](float x, float y) { return x - y; });
}
CUPEL_EMULATE V mul_ps(V a, V b) {
  return each_float(a, b, [](float x, float y) { return x * y; });
}
CUPEL_EMULATE V div_ps(V a, V b) {
  return each_float(a, b, [](float x, float y) { return x / y; });
}
CUPEL_EMULATE V max_ps(V a, V b) {
  return each_float(a, b, [](float x, float y) { return x > y ? x : y; });
}
CUPEL_EMULATE V min_ps(V a, V b) {
  return each_float(a, b, [](float x, float y) { return x < y ? x : y; });
}
CUPEL_EMULATE V abs_ps(V a) {
  return each_float(a, a, [](float x, float) { return __builtin_fabsf(x); });
}
CUPEL_EMULATE V fmadd_ps(V a, V b, V c) {
  return lanes<float>(
      [&](int i) { return __builtin_fmaf(a.get<float>(i), b.get<float>(i), c.get<float>(i)); });
}
/// Of the predicates those that the kernels use.
CUPEL_EMULATE uint16_t compare_mask(V a, V b, int predicate) {
  uint32_t mask = 0;
  for (int i = 0; i < 16; ++i) {
    const float x = a.get<float>(i);
    const float y = b.get<float>(i);
    const bool unordered = x != x || y != y;
    const bool holds = predicate == _CMP_LT_OQ ? x < y : predicate == _CMP_UNORD_Q && unordered;
    mask |= static_cast<uint32_t>(holds) << static_cast<unsigned>(i);
  }
  return static_cast<uint16_t>(mask);
}
CUPEL_EMULATE V mask_or_epi32(V other, uint16_t mask, V a, V b) {
  return lanes<uint32_t>([&](int i) {
    return ((mask >> i) & 1) != 0 ? a.get<uint32_t>(i) | b.get<uint32_t>(i)
                                  : other.get<uint32_t>(i);
  });
}
CUPEL_EMULATE V blend(uint16_t mask, V a, V b) {
  return lanes<float>(
      [&](int i) { return ((mask >> i) & 1) != 0 ? b.get<float>(i) : a.get<float>(i); });
}
CUPEL_EMULATE V add_epi32(V a, V b) {
  return each_word(a, b, [](uint32_t x, uint32_t y) { return x + y; });
}
CUPEL_EMULATE V sub_epi32(V a, V b) {
  return each_word(a, b, [](uint32_t x, uint32_t y) { return x - y; });
}
CUPEL_EMULATE V sub_epi8(V a, V b) {
  return lanes<uint8_t>([&](int i) { return a.get<uint8_t>(i) - b.get<uint8_t>(i); });
}
CUPEL_EMULATE V mullo_epi32(V a, V b) {
  return each_word(a, b, [](uint32_t x, uint32_t y) { return x * y; });
}
CUPEL_EMULATE V and_si512(V a, V b) {
  return each_word(a, b, [](uint32_t x, uint32_t y) { return x & y; });
}
CUPEL_EMULATE V or_si512(V a, V b) {
  return each_word(a, b, [](uint32_t x, uint32_t y) { return x | y; });
}
CUPEL_EMULATE V xor_si512(V a, V b) {
  return each_word(a, b, [](uint32_t x, uint32_t y) { return x ^ y; });
}
CUPEL_EMULATE V slli_epi32(V a, unsigned n) {
  return each_word(a, a, [&](uint32_t x, uint32_t) { return n > 31 ? 0 : x << n; });
}
CUPEL_EMULATE V srli_epi32(V a, unsigned n) {
  return each_word(a, a, [&](uint32_t x, uint32_t) { return n > 31 ? 0 : x >> n; });
}
CUPEL_EMULATE V srai_epi32(V a, unsigned n) {
  return lanes<int32_t>([&](int i) { return a.get<int32_t>(i) >> (n > 31 ? 31 : n); });
}
CUPEL_EMULATE V srlv_epi32(V a, V n) {
  return each_word(a, n, [](uint32_t x, uint32_t y) { return y > 31 ? 0 : x >> y; });
}
/// Each int32 lane gains Σ of four products unsigned(a) · signed(b).
CUPEL_EMULATE V dpbusd_epi32(V sum, V a, V b) {
  return lanes<int32_t>([&](int i) {
    int32_t x = sum.get<int32_t>(i);
    for (int j = 4 * i; j < 4 * i + 4; ++j) {
      x += static_cast<int32_t>(a.get<uint8_t>(j)) * b.get<int8_t>(j);
    }
    return x;
  });
}
/// Each int32 lane is the sum of two products of int16.
CUPEL_EMULATE V madd_epi16(V a, V b) {
  return lanes<int32_t>([&](int i) {
    const int low = a.get<int16_t>(2 * i) * b.get<int16_t>(2 * i);
    const int high = a.get<int16_t>(2 * i + 1) * b.get<int16_t>(2 * i + 1);
    return static_cast<uint32_t>(low) + static_cast<uint32_t>(high);
  });
}
CUPEL_EMULATE V dpwssd_epi32(V sum, V a, V b) {
  return add_epi32(sum, madd_epi16(a, b));
}
template <typename To, typename From, typename Register>
CUPEL_EMULATE V widen(Register source) {
  From values[64 / sizeof(To)];
  std::memcpy(values, &source, sizeof values);
  return lanes<To>([&](int i) { return values[i]; });
}
CUPEL_EMULATE V cvtepi32_ps(V a) {
  return lanes<float>([&](int i) { return static_cast<float>(a.get<int32_t>(i)); });
}
CUPEL_EMULATE V cvtps_epi32(V a) {  // to nearest even, the default rounding mode
  return lanes<int32_t>(
      [&](int i) { return static_cast<int32_t>(__builtin_nearbyintf(a.get<float>(i))); });
}
CUPEL_EMULATE __m128i cvtepi32_epi8(V a) {
  int8_t bytes[16];
  for (int i = 0; i < 16; ++i) {
    bytes[i] = static_cast<int8_t>(a.get<int32_t>(i));
  }
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}
CUPEL_EMULATE __m256i cvtepi32_epi16(V a) {
  int16_t words[16];
  for (int i = 0; i < 16; ++i) {
    words[i] = static_cast<int16_t>(a.get<int32_t>(i));
  }
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words));
}
CUPEL_EMULATE __m256 half_ps(V a, int half) {
  return _mm256_loadu_ps(reinterpret_cast<const float*>(a.bytes + 32 * half));
}
CUPEL_EMULATE V cvtph_ps(__m256i a) {
  V r;
  _mm256_storeu_ps(reinterpret_cast<float*>(r.bytes), _mm256_cvtph_ps(_mm256_castsi256_si128(a)));
  _mm256_storeu_ps(reinterpret_cast<float*>(r.bytes + 32),
                   _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1)));
  return r;
}

}  // namespace emulated
}  // namespace cupel::engine::test

#define CUPEL_EMULATED ::cupel::engine::test::emulated
#define __m512 ::cupel::engine::test::Emulated512
#define __m512i ::cupel::engine::test::Emulated512
#undef _mm512_abs_ps
#undef _mm512_cmp_ps_mask
#undef _mm512_extractf32x8_ps
#undef _mm512_slli_epi32
#undef _mm512_srai_epi32
#undef _mm512_srli_epi32
#define _mm512_abs_ps CUPEL_EMULATED::abs_ps
#define _mm512_add_epi32 CUPEL_EMULATED::add_epi32
#define _mm512_add_ps CUPEL_EMULATED::add_ps
#define _mm512_and_si512 CUPEL_EMULATED::and_si512
#define _mm512_castps512_ps256(a) CUPEL_EMULATED::half_ps(a, 0)
#define _mm512_castps_si512(a) (a)
#define _mm512_castsi512_ps(a) (a)
#define _mm512_cmp_ps_mask CUPEL_EMULATED::compare_mask
#define _mm512_cvtepi32_epi16 CUPEL_EMULATED::cvtepi32_epi16
#define _mm512_cvtepi32_epi8 CUPEL_EMULATED::cvtepi32_epi8
#define _mm512_cvtepi32_ps CUPEL_EMULATED::cvtepi32_ps
#define _mm512_cvtepi8_epi16 CUPEL_EMULATED::widen<int16_t, int8_t>
#define _mm512_cvtepu16_epi32 CUPEL_EMULATED::widen<int32_t, uint16_t>
#define _mm512_cvtepu8_epi32 CUPEL_EMULATED::widen<int32_t, uint8_t>
#define _mm512_cvtph_ps CUPEL_EMULATED::cvtph_ps
#define _mm512_cvtps_epi32 CUPEL_EMULATED::cvtps_epi32
#define _mm512_div_ps CUPEL_EMULATED::div_ps
#define _mm512_dpbusd_epi32 CUPEL_EMULATED::dpbusd_epi32
#define _mm512_dpwssd_epi32 CUPEL_EMULATED::dpwssd_epi32
#define _mm512_extractf32x8_ps CUPEL_EMULATED::half_ps
#define _mm512_fmadd_ps CUPEL_EMULATED::fmadd_ps
#define _mm512_load_ps CUPEL_EMULATED::load
#define _mm512_load_si512 CUPEL_EMULATED::load
#define _mm512_loadu_ps CUPEL_EMULATED::load
#define _mm512_loadu_si512 CUPEL_EMULATED::load
#define _mm512_madd_epi16 CUPEL_EMULATED::madd_epi16
#define _mm512_mask_blend_ps CUPEL_EMULATED::blend
#define _mm512_mask_or_epi32 CUPEL_EMULATED::mask_or_epi32
#define _mm512_max_ps CUPEL_EMULATED::max_ps
#define _mm512_min_ps CUPEL_EMULATED::min_ps
#define _mm512_mul_ps CUPEL_EMULATED::mul_ps
#define _mm512_mullo_epi32 CUPEL_EMULATED::mullo_epi32
#define _mm512_or_si512 CUPEL_EMULATED::or_si512
#define _mm512_set1_epi32 CUPEL_EMULATED::set1_epi32
#define _mm512_set1_epi8 CUPEL_EMULATED::set1_epi8
#define _mm512_set1_ps CUPEL_EMULATED::set1_ps
#define _mm512_setzero_ps CUPEL_EMULATED::zero
#define _mm512_setzero_si512 CUPEL_EMULATED::zero
#define _mm512_slli_epi32 CUPEL_EMULATED::slli_epi32
#define _mm512_srai_epi32 CUPEL_EMULATED::srai_epi32
#define _mm512_srli_epi32 CUPEL_EMULATED::srli_epi32
#define _mm512_srlv_epi32 CUPEL_EMULATED::srlv_epi32
#define _mm512_storeu_ps CUPEL_EMULATED::store
#define _mm512_storeu_si512 CUPEL_EMULATED::store
#define _mm512_sub_epi32 CUPEL_EMULATED::sub_epi32
#define _mm512_sub_epi8 CUPEL_EMULATED::sub_epi8
#define _mm512_sub_ps CUPEL_EMULATED::sub_ps
#define _mm512_xor_si512 CUPEL_EMULATED::xor_si512
