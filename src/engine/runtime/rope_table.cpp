#include "engine/runtime/rope_table.h"

#include <algorithm>
#include <cmath>

namespace cupel::engine {

RopeTable::RopeTable(const RopeDescription& rope)
    : half_(rope.rotary_dim / 2),
      interleaved_(rope.interleaved),
      position_scale_(rope.position_scale) {
  for (int64_t i = 0; i < half_; ++i) {
    double frequency =
        std::pow(rope.base, -2.0 * static_cast<double>(i) / static_cast<double>(rope.rotary_dim));
    if (!rope.frequency_factors.empty()) {
      frequency /= static_cast<double>(rope.frequency_factors[static_cast<size_t>(i)]);
    }
    frequencies_.push_back(frequency);
  }
}

void RopeTable::grow(int64_t count) {
  if (count <= positions_) {
    return;
  }
  count = std::max(count, positions_ + 256);                // few growth steps while decoding,
  count = (count + kPageRows - 1) / kPageRows * kPageRows;  // where the cache grows too
  cos_.resize(static_cast<size_t>(count * half_));
  sin_.resize(static_cast<size_t>(count * half_));
  for (int64_t p = positions_; p < count; ++p) {
    for (int64_t i = 0; i < half_; ++i) {
      const double angle =
          static_cast<double>(p) * position_scale_ * frequencies_[static_cast<size_t>(i)];
      cos_[static_cast<size_t>(p * half_ + i)] = static_cast<float>(std::cos(angle));
      sin_[static_cast<size_t>(p * half_ + i)] = static_cast<float>(std::sin(angle));
    }
  }
  positions_ = count;
}

}  // namespace cupel::engine
