#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace cupel {

/// 64 bytes of text, to be compared all at once: bit i of a mask stands for byte i. SSE2, which
/// every x86-64 has; elsewhere byte by byte.
class ByteBlock {
 public:
#if defined(__SSE2__)
  explicit ByteBlock(const char* data)
      : part_{load(data), load(data + 16), load(data + 32), load(data + 48)} {}
  [[nodiscard]] uint64_t equal(char c) const {
    const __m128i wanted = _mm_set1_epi8(c);
    return gather([&](__m128i part) { return _mm_cmpeq_epi8(part, wanted); });
  }
  [[nodiscard]] uint64_t equal_either(char a, char b) const {
    const __m128i first = _mm_set1_epi8(a);
    const __m128i second = _mm_set1_epi8(b);
    return gather([&](__m128i part) {
      return _mm_or_si128(_mm_cmpeq_epi8(part, first), _mm_cmpeq_epi8(part, second));
    });
  }
  [[nodiscard]] uint64_t below_space() const {
    const __m128i most = _mm_set1_epi8(0x1F);
    return gather([&](__m128i part) { return _mm_cmpeq_epi8(_mm_min_epu8(part, most), part); });
  }

 private:
  static __m128i load(const char* data) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
  }
  template <typename Compare>
  [[nodiscard]] uint64_t gather(const Compare& compare) const {
    uint64_t mask = 0;
    for (int i = 3; i >= 0; --i) {
      mask = mask << 16U | static_cast<uint64_t>(_mm_movemask_epi8(compare(part_[i])));
    }
    return mask;
  }
  __m128i part_[4];
#else
  explicit ByteBlock(const char* data) : data_(data) {}
  [[nodiscard]] uint64_t equal(char c) const {
    return gather([&](char x) { return x == c; });
  }
  [[nodiscard]] uint64_t equal_either(char a, char b) const {
    return gather([&](char x) { return x == a || x == b; });
  }
  [[nodiscard]] uint64_t below_space() const {
    return gather([](char x) { return static_cast<unsigned char>(x) < 0x20; });
  }

 private:
  template <typename Compare>
  [[nodiscard]] uint64_t gather(const Compare& compare) const {
    uint64_t mask = 0;
    for (size_t i = 0; i < 64; ++i) {
      mask |= static_cast<uint64_t>(compare(data_[i])) << i;
    }
    return mask;
  }
  const char* data_;
#endif
};

/// Number of bits that are set. The instruction is no part of the x86-64 baseline, and the
/// compiler's stand-in is a call.
constexpr uint32_t count_bits(uint64_t x) {
  x -= (x >> 1U) & 0x5555555555555555U;
  x = (x & 0x3333333333333333U) + ((x >> 2U) & 0x3333333333333333U);
  x = (x + (x >> 4U)) & 0x0F0F0F0F0F0F0F0FU;
  return static_cast<uint32_t>((x * 0x0101010101010101U) >> 56U);
}

/// Bit i of the result is the parity of the bits 0 to i.
constexpr uint64_t running_parity(uint64_t x) {
  for (uint32_t shift = 1; shift < 64; shift *= 2) {
    x ^= x << shift;
  }
  return x;
}

}  // namespace cupel
