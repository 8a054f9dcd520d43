#pragma once

#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "engine/kernels/operators.h"
#include "engine/model/description.h"

namespace cupel::engine {

/// cos and sin of every position of one rotary variant, computed in double, rounded once to f32.
class RopeTable {
 public:
  explicit RopeTable(const RopeDescription& rope);

  /// Extends the table to positions [0, count), on all threads. Not thread-safe; call before the
  /// step's loops. What it throws leaves the table as it was.
  void grow(int64_t count, ThreadPool& threads);
  /// `long_factors`: LongRoPE's factors of long sequences.
  [[nodiscard]] RopeArgs at(int64_t position, bool long_factors) const {
    const Angles& angles = long_factors && !long_.frequencies.empty() ? long_ : short_;
    const auto offset = static_cast<size_t>(position * half());
    return {.cos = angles.cos.data() + offset,
            .sin = angles.sin.data() + offset,
            .rotary_dim = rope_.rotary_dim,
            .interleaved = rope_.interleaved};
  }

 private:
  struct Angles {
    std::vector<double> frequencies;  // radians per position, [rotary_dim / 2]
    std::vector<float> cos;
    std::vector<float> sin;
  };
  [[nodiscard]] int64_t half() const { return rope_.rotary_dim / 2; }
  void fill(Angles& angles, int64_t begin, int64_t end) const;
  [[nodiscard]] double angle(const Angles& angles, int64_t position, int64_t i) const;

  RopeDescription rope_;
  int64_t positions_ = 0;
  Angles short_;
  Angles long_;
};

}  // namespace cupel::engine
