#include "rank/rank_classes.h"

#include <algorithm>
#include <numeric>

namespace cupel::rank {

std::vector<int64_t> tied_ranks(size_t n, const ShownBetter& better) {
  std::vector<int64_t> ranks(n, 1);
  for (size_t j = 0; j < n; ++j) {
    for (size_t i = 0; i < n; ++i) {
      ranks[j] += i != j && better(i, j) ? 1 : 0;
    }
  }
  return ranks;
}

std::vector<int64_t> box_ranks(std::span<const numeric::Interval> intervals) {
  std::vector<double> lows;
  for (const numeric::Interval& interval : intervals) {
    lows.push_back(interval.low);
  }
  std::sort(lows.begin(), lows.end());
  std::vector<int64_t> ranks;
  for (const numeric::Interval& interval : intervals) {
    ranks.push_back(1 + (lows.end() - std::upper_bound(lows.begin(), lows.end(), interval.high)));
  }
  return ranks;
}

std::vector<int64_t> rank_classes(std::span<const size_t> order, const ShownBetter& better) {
  std::vector<int64_t> classes(order.size());
  int64_t current = 0;
  size_t leader = 0;
  for (const size_t model : order) {
    if (current == 0 || better(leader, model)) {
      leader = model;
      ++current;
    }
    classes[model] = current;
  }
  return classes;
}

std::vector<size_t> best_first(std::span<const double> values,
                               const std::function<bool(size_t i, size_t j)>& before) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t i, size_t j) {
    return values[i] != values[j] ? values[i] > values[j] : before(i, j);
  });
  return order;
}

}  // namespace cupel::rank
