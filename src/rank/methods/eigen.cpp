// The Perron vector of the matrix of points: a win over a winner counts more.
#include "rank/methods/eigen.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "rank/connectivity.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank {
namespace {

constexpr int64_t kMostIterations = 200'000;
constexpr double kTolerance = 1e-14;

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

double length(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) {
    sum += value * value;
  }
  return std::sqrt(sum);
}

/// out = (C + shift·I)·x, or with the transpose of C.
void multiply(std::span<const PairTotal> pairs,
              double shift,
              bool transposed,
              std::span<const double> x,
              std::span<double> out) {
  for (size_t i = 0; i < x.size(); ++i) {
    out[i] = shift * x[i];
  }
  for (const PairTotal& pair : pairs) {
    const double ab = transposed ? pair.mass - pair.won : pair.won;
    const double ba = transposed ? pair.won : pair.mass - pair.won;
    out[at(pair.a)] += ab * x[at(pair.b)];
    out[at(pair.b)] += ba * x[at(pair.a)];
  }
}

}  // namespace

Result<EigenScores> eigenvector_scores(const NameIndex& names,
                                       std::span<const PairTotal> pairs,
                                       EigenDirection direction) {
  CUPEL_TRY_VOID(require_one_group(names, pairs, "eigenvector scores would be zero",
                                   "add battles that decide between them, or take another method"));
  const size_t models = names.size();
  double shift = 0;  // half of a model's mean points: about half the eigenvalue
  for (const PairTotal& pair : pairs) {
    shift += 0.5 * pair.mass / static_cast<double>(models);
  }
  EigenScores result;
  result.scores.assign(models, 1 / std::sqrt(static_cast<double>(models)));
  std::vector<double> next(models);
  while (result.iterations < kMostIterations) {
    multiply(pairs, shift, direction == EigenDirection::kLoser, result.scores, next);
    ++result.iterations;
    const double size = length(next);
    double change = 0;
    for (size_t i = 0; i < models; ++i) {
      next[i] /= size;
      change = std::max(change, std::abs(next[i] - result.scores[i]));
    }
    std::swap(result.scores, next);
    result.eigenvalue = size - shift;
    if (change <= kTolerance) {
      return result;
    }
  }
  return deadline_passed("eigen: no convergence in {} iterations; take another method",
                         kMostIterations);
}

Result<EigenScores> eigenvector_scores(const BattleTable& table, EigenDirection direction) {
  CUPEL_TRY_VOID(require_battles(table));
  return eigenvector_scores(table.models(), pair_totals(table), direction);
}

namespace method {
namespace {

Result<Ratings> fit(const RatingInput& input, const RatingOptions& /*options*/) {
  CUPEL_TRY(EigenScores result, eigenvector_scores(input.table.models(), input.pairs));
  Ratings ratings;
  ratings.values = std::move(result.scores);
  ratings.report.iterations = result.iterations;
  return ratings;
}

}  // namespace

RatingMethod eigen() {
  return {.name = "eigen",
          .summary = "dominant eigenvector of points: beating winners counts more",
          .source = "Kendall 1955, section 4; winner-weighted",
          .formula = "x_i ∝ Σ_j points of i against j · x_j, length 1",
          .scale = RatingScale::kShare,
          .needs_one_group = true,
          .fit = &fit};
}

}  // namespace method
}  // namespace cupel::rank
