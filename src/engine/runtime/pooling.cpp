#include "engine/runtime/pooling.h"

#include <algorithm>
#include <cmath>

namespace cupel::engine {
namespace {

/// Σ weight(i) · row i / total.
template <typename Weight>
void weighted_sum(
    std::span<const float> rows, size_t width, Weight weight, double total, std::span<float> out) {
  const size_t count = rows.size() / width;
  for (size_t column = 0; column < width; ++column) {
    double sum = 0;
    for (size_t i = 0; i < count; ++i) {
      sum += weight(i) * static_cast<double>(rows[i * width + column]);
    }
    out[column] = static_cast<float>(sum / total);
  }
}

void largest(std::span<const float> rows, size_t width, std::span<float> out) {
  std::copy_n(rows.begin(), width, out.begin());
  for (size_t i = width; i < rows.size(); ++i) {
    out[i % width] = std::max(out[i % width], rows[i]);
  }
}

void pool_one(std::span<const float> rows, size_t width, Pooling pooling, std::span<float> out) {
  const auto count = static_cast<double>(rows.size() / width);
  const auto one = [](size_t) { return 1.0; };
  const auto place = [](size_t i) { return static_cast<double>(i + 1); };
  switch (pooling) {
    case Pooling::kCls:
      std::copy_n(rows.begin(), width, out.begin());
      return;
    case Pooling::kLast:
      std::copy(rows.end() - static_cast<std::ptrdiff_t>(width), rows.end(), out.begin());
      return;
    case Pooling::kMax:
      largest(rows, width, out);
      return;
    case Pooling::kMean:
      weighted_sum(rows, width, one, count, out);
      return;
    case Pooling::kMeanSqrt:
      weighted_sum(rows, width, one, std::sqrt(count), out);
      return;
    case Pooling::kWeightedMean:
      weighted_sum(rows, width, place, count * (count + 1) / 2, out);
      return;
  }
}

}  // namespace

void pool_rows(std::span<const float> rows,
               size_t width,
               const EncoderDescription& encoder,
               std::span<float> vector) {
  for (size_t i = 0; i < encoder.pooling.size(); ++i) {
    pool_one(rows, width, encoder.pooling[i], vector.subspan(i * width, width));
  }
  if (encoder.normalize) {
    normalize_length(vector);
  }
}

void normalize_length(std::span<float> vector) {
  double squares = 0;
  for (const float x : vector) {
    squares += static_cast<double>(x) * static_cast<double>(x);
  }
  const double length = std::max(std::sqrt(squares), 1e-12);
  for (float& x : vector) {
    x = static_cast<float>(static_cast<double>(x) / length);
  }
}

}  // namespace cupel::engine
