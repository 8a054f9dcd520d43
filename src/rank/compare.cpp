#include "rank/compare.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/check.h"
#include "base/error.h"
#include "base/text.h"
#include "numeric/correlation.h"
#include "rank/separability.h"

namespace cupel::rank {
namespace {

using numeric::Interval;
using numeric::Matrix;

/// The shared items of one side, in the order of the first ranking.
struct Side {
  std::vector<double> ratings;
  std::vector<Interval> intervals;  ///< as many as ratings, or fewer where some are missing

  void add(const RankedItem& item) {
    ratings.push_back(item.rating);
    if (item.interval.has_value()) {
      intervals.push_back(*item.interval);
    }
  }
  [[nodiscard]] bool has_intervals() const { return intervals.size() == ratings.size(); }
};

struct Matched {
  Side a;
  Side b;
};

Matched match(const Ranking& a, const Ranking& b, RankingComparison& comparison) {
  std::unordered_map<std::string_view, const RankedItem*> in_b;
  for (const RankedItem& item : b.items) {
    in_b.emplace(item.item, &item);
  }
  Matched matched;
  for (const RankedItem& item : a.items) {
    const auto found = in_b.find(item.item);
    if (found == in_b.end()) {
      comparison.only_a.push_back(item.item);
      continue;
    }
    matched.a.add(item);
    matched.b.add(*found->second);
    in_b.erase(found);
  }
  for (const auto& [name, item] : in_b) {
    comparison.only_b.emplace_back(name);
  }
  std::sort(comparison.only_a.begin(), comparison.only_a.end());
  std::sort(comparison.only_b.begin(), comparison.only_b.end());
  comparison.shared = static_cast<int64_t>(matched.a.ratings.size());
  return matched;
}

std::string first_names(std::span<const std::string> names) {
  constexpr size_t kMost = 3;
  std::vector<std::string> quoted;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) {
    quoted.push_back("\"" + printable(names[i]) + "\"");
  }
  return quoted.empty() ? "nothing else" : join(quoted, ", ") + (names.size() > kMost ? ", …" : "");
}

double outcome(double x, double y) {
  return x > y ? 1 : (x < y ? 0 : 0.5);
}

/// The chance that i stands above j when each rating is normal with the width of its interval.
double above_probability(const Side& side, size_t i, size_t j, double z) {
  const double wi = side.intervals[i].high - side.intervals[i].low;
  const double wj = side.intervals[j].high - side.intervals[j].low;
  const double error = std::sqrt(wi * wi + wj * wj) / (2 * z);
  const double difference = side.ratings[i] - side.ratings[j];
  return error > 0 ? numeric::normal_cdf(difference / error) : outcome(difference, 0);
}

std::optional<double> brier_of(const Matched& matched, double confidence) {
  const double z = numeric::normal_z(confidence);
  std::vector<double> predictions;
  std::vector<double> outcomes;
  for (size_t i = 0; i < matched.a.ratings.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      predictions.push_back(above_probability(matched.a, i, j, z));
      outcomes.push_back(outcome(matched.b.ratings[i], matched.b.ratings[j]));
    }
  }
  return pair_rank_brier(predictions, outcomes);
}

}  // namespace

std::optional<double> agreement_with_confidence(std::span<const Interval> a,
                                                std::span<const Interval> b) {
  CUPEL_CHECK(a.size() == b.size(), "both sides have the same items");
  if (a.size() < 2) {
    return std::nullopt;
  }
  const auto order = [](std::span<const Interval> side, size_t i, size_t j) -> int64_t {
    return (side[i].low > side[j].high ? 1 : 0) - (side[j].low > side[i].high ? 1 : 0);
  };
  int64_t balance = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      balance += order(a, i, j) * order(b, i, j);
    }
  }
  const auto n = static_cast<double>(a.size());
  return static_cast<double>(balance) / (0.5 * n * (n - 1));
}

std::optional<double> pair_rank_brier(std::span<const double> predictions,
                                      std::span<const double> outcomes) {
  CUPEL_CHECK(predictions.size() == outcomes.size(), "one outcome for each prediction");
  if (predictions.empty()) {
    return std::nullopt;
  }
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    sum += (predictions[i] - outcomes[i]) * (predictions[i] - outcomes[i]);
  }
  return sum / static_cast<double>(predictions.size());
}

Matrix above_probabilities(const Matrix& draws) {
  Matrix above(draws.columns(), draws.columns());
  for (size_t round = 0; round < draws.rows(); ++round) {
    const std::span<const double> ratings = draws.row(round);
    for (size_t i = 0; i < ratings.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        const double share = outcome(ratings[i], ratings[j]) / static_cast<double>(draws.rows());
        above(i, j) += share;
      }
    }
  }
  for (size_t i = 0; i < above.rows(); ++i) {
    above(i, i) = 0.5;
    for (size_t j = 0; j < i; ++j) {
      above(j, i) = 1 - above(i, j);
    }
  }
  return above;
}

Result<RankingComparison> compare_rankings(const Ranking& a,
                                           const Ranking& b,
                                           const CompareOptions& options) {
  if (!(options.confidence > 0 && options.confidence < 1)) {
    return invalid_argument("confidence is {:g}; it must lie between 0 and 1", options.confidence);
  }
  RankingComparison comparison;
  const Matched matched = match(a, b, comparison);
  if (comparison.shared < 2) {
    return failed_precondition(
        "{} and {} have {} item in common; a comparison needs at least 2 (only the first has {}; "
        "only the second has {})",
        a.path, b.path, comparison.shared, first_names(comparison.only_a),
        first_names(comparison.only_b));
  }
  comparison.kendall = numeric::kendall_tau_b(matched.a.ratings, matched.b.ratings);
  comparison.spearman = numeric::spearman_rho(matched.a.ratings, matched.b.ratings);
  if (matched.a.has_intervals()) {
    comparison.separability_a = interval_separability(matched.a.intervals);
    comparison.brier = brier_of(matched, options.confidence);
  }
  if (matched.b.has_intervals()) {
    comparison.separability_b = interval_separability(matched.b.intervals);
  }
  if (matched.a.has_intervals() && matched.b.has_intervals()) {
    comparison.agreement = agreement_with_confidence(matched.a.intervals, matched.b.intervals);
  }
  return comparison;
}

}  // namespace cupel::rank
