#pragma once

#include <cstdint>
#include <vector>

#include "engine/kernels/operators.h"
#include "engine/model/description.h"

namespace cupel::engine {

/// cos and sin of every position of one rotary variant, computed in double, rounded once to f32.
class RopeTable {
 public:
  explicit RopeTable(const RopeDescription& rope);

  /// Extends the table to positions [0, count). Not thread-safe; call before the step's loops.
  void grow(int64_t count);
  [[nodiscard]] RopeArgs at(int64_t position) const {
    const auto offset = static_cast<size_t>(position * half_);
    return {.cos = cos_.data() + offset,
            .sin = sin_.data() + offset,
            .rotary_dim = 2 * half_,
            .interleaved = interleaved_};
  }

 private:
  int64_t half_;
  bool interleaved_;
  double position_scale_;
  std::vector<double> frequencies_;  // radians per position, [rotary_dim / 2]
  int64_t positions_ = 0;
  std::vector<float> cos_;
  std::vector<float> sin_;
};

}  // namespace cupel::engine
