#pragma once

#include <cstdint>

namespace cupel {

/// Counter-based random numbers: a draw is a pure function of (seed, stream, index), so batching,
/// resuming and speculation change nothing. Mixing: SplitMix64's finaliser over the three words.
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}
constexpr uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t index) {
  return mix64(mix64(mix64(seed) ^ stream) + index * 0xD1342543DE82EF95ULL);
}
/// Uniform in [0, 1) with 53 bits.
constexpr double random_unit(uint64_t seed, uint64_t stream, uint64_t index) {
  return static_cast<double>(random_bits(seed, stream, index) >> 11U) * 0x1.0p-53;
}

/// A sequential view of one stream: for shuffles, bootstraps and noise.
class Rng {
 public:
  explicit Rng(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}
  uint64_t bits() { return random_bits(seed_, stream_, index_++); }
  double unit() { return static_cast<double>(bits() >> 11U) * 0x1.0p-53; }
  /// Uniform in [0, bound), bound > 0, without modulo bias (multiply-shift; bias < 2^-64 · bound).
  uint64_t below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<Wide>(bits()) * bound) >> 64U);
  }
  /// Standard normal (Box–Muller, one value per call).
  double normal();

 private:
  __extension__ using Wide = unsigned __int128;
  uint64_t seed_;
  uint64_t stream_;
  uint64_t index_ = 0;
};

}  // namespace cupel
