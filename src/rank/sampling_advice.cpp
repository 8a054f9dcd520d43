#include "rank/sampling_advice.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/error.h"
#include "numeric/logistic.h"
#include "rank/outcome_groups.h"

namespace cupel::rank {
namespace {

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

Result<Ok> check(const BattleTable& table, const Ratings& ratings, const SamplingOptions& options) {
  if (!(options.exploration >= 0 && options.exploration <= 1)) {
    return invalid_argument("exploration is {:g}; it must lie in [0, 1]", options.exploration);
  }
  if (options.most < 1 || options.most > 1'000'000) {
    return invalid_argument("{} pairs asked for; expected 1 to 1,000,000", options.most);
  }
  if (table.model_count() < 2) {
    return invalid_argument("there is {} model; a pair needs two", table.model_count());
  }
  if (ratings.covariance.rows() != table.model_count() &&
      ratings.variances.size() != table.model_count()) {
    return failed_precondition(
        "these ratings carry no covariance; fit a method that has one (bradley-terry) with it");
  }
  return Ok{};
}

/// Battles of every pair in index order, asked for one after another.
class BattleCounts {
 public:
  explicit BattleCounts(const BattleTable& table) : groups_(outcome_groups(table)) {}
  /// Calls come with growing (a, b).
  int64_t of(int32_t a, int32_t b) {
    while (at_ < groups_.size() && std::pair(groups_[at_].a, groups_[at_].b) < std::pair(a, b)) {
      ++at_;
    }
    int64_t count = 0;
    for (; at_ < groups_.size() && groups_[at_].a == a && groups_[at_].b == b; ++at_) {
      count += groups_[at_].count;
    }
    return count;
  }

 private:
  std::vector<OutcomeGroup> groups_;
  size_t at_ = 0;
};

/// What the rule gives a pair before shares are made of it.
double gain(SamplingRule rule, double variance, double difference, int64_t battles) {
  const auto n = static_cast<double>(battles);
  switch (rule) {
    case SamplingRule::kUniform:
      return 1;
    case SamplingRule::kVarianceReduction:
      return std::sqrt(variance) * (1 - std::sqrt(n / (n + 1)));
    case SamplingRule::kDOptimal:
      break;
  }
  const double logit = difference / kEloPerLogit;
  const double information = numeric::sigmoid(logit) * numeric::sigmoid(-logit);
  return std::log1p(information * variance / (kEloPerLogit * kEloPerLogit));
}

double difference_variance(const Ratings& ratings, int32_t a, int32_t b) {
  const numeric::Matrix& v = ratings.covariance;
  if (v.empty()) {
    return ratings.variances[at(a)] + ratings.variances[at(b)];
  }
  return std::max(0.0, v(at(a), at(a)) + v(at(b), at(b)) - 2 * v(at(a), at(b)));
}

bool likelier(const PairAdvice& x, const PairAdvice& y) {
  return std::tuple(-x.probability, x.a, x.b) < std::tuple(-y.probability, y.a, y.b);
}

/// The likeliest of many pairs: a heap with the least likely of them on top.
class LikeliestPairs {
 public:
  explicit LikeliestPairs(size_t most) : most_(most) {}
  void add(const PairAdvice& pair) {
    if (pairs_.size() == most_) {
      if (!likelier(pair, pairs_.front())) {
        return;
      }
      std::pop_heap(pairs_.begin(), pairs_.end(), likelier);
      pairs_.pop_back();
    }
    pairs_.push_back(pair);
    std::push_heap(pairs_.begin(), pairs_.end(), likelier);
  }
  std::vector<PairAdvice> take() {
    std::sort_heap(pairs_.begin(), pairs_.end(), likelier);
    return std::move(pairs_);
  }

 private:
  size_t most_;
  std::vector<PairAdvice> pairs_;
};

}  // namespace

Result<std::vector<double>> variance_reduction_shares(std::span<const double> variances,
                                                      std::span<const int64_t> counts) {
  if (variances.size() != counts.size()) {
    return invalid_argument("{} variances for {} counts; expected one each", variances.size(),
                            counts.size());
  }
  std::vector<double> shares;
  double sum = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (!(variances[i] >= 0 && std::isfinite(variances[i])) || counts[i] < 1) {
      return invalid_argument("pair {}: variance {:g} and {} battles; expected >= 0 and >= 1",
                              i + 1, variances[i], counts[i]);
    }
    const auto n = static_cast<double>(counts[i]);
    shares.push_back(gain(SamplingRule::kVarianceReduction, variances[i] / n, 0, counts[i]));
    sum += shares.back();
  }
  for (double& share : shares) {
    share = sum > 0 ? share / sum : 1 / static_cast<double>(shares.size());
  }
  return shares;
}

Result<SamplingAdvice> sampling_advice(const BattleTable& table,
                                       const Ratings& ratings,
                                       const SamplingOptions& options) {
  CUPEL_TRY_VOID(check(table, ratings, options));
  const auto models = static_cast<int32_t>(table.model_count());
  SamplingAdvice advice{.pair_count = int64_t{models} * (models - 1) / 2};
  LikeliestPairs likeliest(static_cast<size_t>(std::min(options.most, advice.pair_count)));
  BattleCounts counts(table);
  double sum = 0;
  for (int32_t a = 0; a < models; ++a) {
    for (int32_t b = a + 1; b < models; ++b) {
      const double variance = difference_variance(ratings, a, b);
      PairAdvice pair{
          .a = a, .b = b, .battles = counts.of(a, b), .standard_error = std::sqrt(variance)};
      // A gain for now; a probability once their sum is known.
      pair.probability =
          gain(options.rule, variance, ratings.values[at(a)] - ratings.values[at(b)], pair.battles);
      sum += pair.probability;
      likeliest.add(pair);
    }
  }
  advice.pairs = likeliest.take();
  const double uniform = 1 / static_cast<double>(advice.pair_count);
  advice.least_probability = (sum > 0 ? options.exploration : 1) * uniform;
  for (PairAdvice& pair : advice.pairs) {
    const double share = sum > 0 ? pair.probability / sum : uniform;
    pair.probability = (1 - options.exploration) * share + options.exploration * uniform;
    advice.listed_probability += pair.probability;
  }
  return advice;
}

}  // namespace cupel::rank
