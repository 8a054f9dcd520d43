#include "engine/runtime/rope_table.h"

#include <algorithm>
#include <cmath>

namespace cupel::engine {
namespace {

double frequency(double base, int64_t i, int64_t dim) {
  return std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
}

std::vector<double> frequencies_of(const RopeDescription& rope, const std::vector<float>& factors) {
  std::vector<double> frequencies;
  for (int64_t i = 0; i < rope.rotary_dim / 2; ++i) {
    const double factor =
        factors.empty() ? 1.0 : static_cast<double>(factors[static_cast<size_t>(i)]);
    frequencies.push_back(frequency(rope.base, i, rope.rotary_dim) / factor);
  }
  return frequencies;
}

}  // namespace

RopeTable::RopeTable(const RopeDescription& rope) : rope_(rope) {
  short_.frequencies = frequencies_of(rope, rope.frequency_factors);
  if (!rope.long_factors.empty()) {
    long_.frequencies = frequencies_of(rope, rope.long_factors);
  }
}

void RopeTable::grow(int64_t count, ThreadPool& threads) {
  if (count <= positions_) {
    return;
  }
  count = std::max(count, positions_ + 256);  // few growth steps where nobody asked for room
  count = (count + kPageRows - 1) / kPageRows * kPageRows;
  for (Angles* angles : {&short_, &long_}) {
    if (!angles->frequencies.empty()) {
      angles->cos.resize(static_cast<size_t>(count * half()));
      angles->sin.resize(static_cast<size_t>(count * half()));
    }
  }
  const auto added = static_cast<size_t>(count - positions_);
  threads.for_each_chunk(added, kPageRows, [&](size_t begin, size_t end) {
    for (Angles* angles : {&short_, &long_}) {
      if (!angles->frequencies.empty()) {
        fill(*angles, positions_ + static_cast<int64_t>(begin),
             positions_ + static_cast<int64_t>(end));
      }
    }
  });
  positions_ = count;
}

void RopeTable::fill(Angles& angles, int64_t begin, int64_t end) const {
  for (int64_t p = begin; p < end; ++p) {
    for (int64_t i = 0; i < half(); ++i) {
      const double a = angle(angles, p, i);
      const auto place = static_cast<size_t>(p * half() + i);
      angles.cos[place] = static_cast<float>(std::cos(a) * rope_.magnitude);
      angles.sin[place] = static_cast<float>(std::sin(a) * rope_.magnitude);
    }
  }
}

double RopeTable::angle(const Angles& angles, int64_t position, int64_t i) const {
  const auto p = static_cast<double>(position);
  if (rope_.dynamic_from == 0 || position < rope_.dynamic_from) {
    return p * rope_.position_scale * angles.frequencies[static_cast<size_t>(i)];
  }
  // As if the sequence ended here: the base grows with its length.
  const auto dim = static_cast<double>(rope_.rotary_dim);
  const double stretch = rope_.dynamic_factor * (p + 1) / static_cast<double>(rope_.dynamic_from) -
                         (rope_.dynamic_factor - 1);
  const double base = rope_.base * std::pow(stretch, dim / (dim - 2));
  return p * frequency(base, i, rope_.rotary_dim);
}

}  // namespace cupel::engine
