#include "numeric/correlation.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "base/check.h"

namespace cupel::numeric {
namespace {

int64_t sign(double value) {
  return (value > 0 ? 1 : 0) - (value < 0 ? 1 : 0);
}

std::vector<double> mean_ranks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t i, size_t j) { return values[i] < values[j]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) {
      ++end;
    }
    const double rank = 0.5 * static_cast<double>(begin + end + 1);  // counted from 1
    for (; begin < end; ++begin) {
      ranks[order[begin]] = rank;
    }
  }
  return ranks;
}

}  // namespace

std::optional<double> kendall_tau_b(std::span<const double> x, std::span<const double> y) {
  CUPEL_CHECK(x.size() == y.size(), "two columns of one length");
  int64_t balance = 0;
  int64_t apart_in_x = 0;
  int64_t apart_in_y = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const int64_t dx = sign(x[i] - x[j]);
      const int64_t dy = sign(y[i] - y[j]);
      balance += dx * dy;
      apart_in_x += dx != 0 ? 1 : 0;
      apart_in_y += dy != 0 ? 1 : 0;
    }
  }
  if (apart_in_x == 0 || apart_in_y == 0) {
    return std::nullopt;
  }
  return static_cast<double>(balance) /
         std::sqrt(static_cast<double>(apart_in_x) * static_cast<double>(apart_in_y));
}

std::optional<double> spearman_rho(std::span<const double> x, std::span<const double> y) {
  CUPEL_CHECK(x.size() == y.size(), "two columns of one length");
  const std::vector<double> rx = mean_ranks(x);
  const std::vector<double> ry = mean_ranks(y);
  const double mean = 0.5 * static_cast<double>(x.size() + 1);
  double xx = 0;
  double yy = 0;
  double xy = 0;
  for (size_t i = 0; i < rx.size(); ++i) {
    xx += (rx[i] - mean) * (rx[i] - mean);
    yy += (ry[i] - mean) * (ry[i] - mean);
    xy += (rx[i] - mean) * (ry[i] - mean);
  }
  if (!(xx > 0 && yy > 0)) {
    return std::nullopt;
  }
  return xy / std::sqrt(xx * yy);
}

}  // namespace cupel::numeric
