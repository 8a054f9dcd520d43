#include "rank/leaderboard.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.h"
#include "base/text.h"
#include "rank/methods/registry.h"
#include "rank/rank_classes.h"

namespace cupel::rank {
namespace {

using numeric::Interval;
using numeric::Matrix;

/// Intervals of the ratings and of their differences, before any anchor.
struct Uncertainty {
  std::vector<Interval> intervals;      ///< [M]; empty: none were asked for
  std::vector<double> standard_errors;  ///< [M] likewise
  std::vector<double> lower_margin;  ///< [M·M] lower end of the interval of rating i − rating j
};

double difference_error(const Matrix& v, size_t i, size_t j) {
  return std::sqrt(std::max(0.0, v(i, i) + v(j, j) - 2 * v(i, j)));
}

Uncertainty from_covariance(const Ratings& ratings, double confidence) {
  const size_t models = ratings.values.size();
  const double z = numeric::normal_z(confidence);
  Uncertainty result;
  for (size_t i = 0; i < models; ++i) {
    const double value = ratings.values[i];
    const double error = std::sqrt(std::max(0.0, ratings.covariance(i, i)));
    result.standard_errors.push_back(error);
    result.intervals.push_back({value - z * error, value + z * error});
    for (size_t j = 0; j < models; ++j) {
      result.lower_margin.push_back(value - ratings.values[j] -
                                    z * difference_error(ratings.covariance, i, j));
    }
  }
  return result;
}

Uncertainty from_draws(const Matrix& draws, double confidence) {
  const size_t models = draws.columns();
  const auto rounds = draws.rows();
  Uncertainty result;
  result.lower_margin.assign(models * models, 0.0);
  std::vector<double> column(rounds);
  for (size_t i = 0; i < models; ++i) {
    for (size_t round = 0; round < rounds; ++round) {
      column[round] = draws(round, i);
    }
    result.standard_errors.push_back(numeric::moments(column).standard_deviation);
    result.intervals.push_back(numeric::percentile_interval_(column, confidence));
    for (size_t j = 0; j < i; ++j) {
      for (size_t round = 0; round < rounds; ++round) {
        column[round] = draws(round, i) - draws(round, j);
      }
      const Interval difference = numeric::percentile_interval_(column, confidence);
      result.lower_margin[i * models + j] = difference.low;
      result.lower_margin[j * models + i] = -difference.high;
    }
  }
  return result;
}

Result<Ok> check(const RatingMethod& method, const LeaderboardOptions& options) {
  if (!(options.confidence > 0 && options.confidence < 1)) {
    return invalid_argument("confidence is {:g}; it must lie between 0 and 1", options.confidence);
  }
  if (options.intervals == IntervalKind::kSandwich && !method.has_covariance) {
    return invalid_argument("{} has no sandwich intervals; use a bootstrap", method.name);
  }
  if (!options.anchor_model.empty() && method.scale != RatingScale::kElo) {
    return invalid_argument("{} is on a scale of its own; an anchor would distort it", method.name);
  }
  return Ok{};
}

Result<Uncertainty> uncertainty_of(const RatingMethod& method,
                                   const BattleTable& table,
                                   const Ratings& ratings,
                                   const LeaderboardOptions& options) {
  switch (options.intervals) {
    case IntervalKind::kNone:
      return Uncertainty{};
    case IntervalKind::kSandwich:
      return from_covariance(ratings, options.confidence);
    case IntervalKind::kBootstrap:
      break;
  }
  CUPEL_TRY(const Matrix draws,
            bootstrap_ratings(method, table, options.rating, options.bootstrap));
  return from_draws(draws, options.confidence);
}

/// How far the anchor moves every rating.
Result<double> anchor_shift(const RatingMethod& method,
                            const BattleTable& table,
                            const Ratings& ratings,
                            const LeaderboardOptions& options) {
  if (method.scale != RatingScale::kElo) {
    return 0.0;
  }
  std::vector<double> values = ratings.values;
  CUPEL_TRY_VOID(anchor_(values, table, options.anchor_model, options.anchor_rating));
  return values.front() - ratings.values.front();
}

}  // namespace

Result<Leaderboard> make_leaderboard(const RatingMethod& method,
                                     const BattleTable& table,
                                     const LeaderboardOptions& options) {
  CUPEL_TRY_VOID(check(method, options));
  RatingOptions rating = options.rating;
  rating.covariance = options.intervals == IntervalKind::kSandwich;
  CUPEL_TRY(const Ratings ratings, fit_ratings(method, table, rating));
  CUPEL_TRY(const Uncertainty uncertainty, uncertainty_of(method, table, ratings, options));
  CUPEL_TRY(const double shift, anchor_shift(method, table, ratings, options));

  const size_t models = table.model_count();
  const ShownBetter better = [&](size_t i, size_t j) {
    return uncertainty.lower_margin.empty() ? ratings.values[i] > ratings.values[j]
                                            : uncertainty.lower_margin[i * models + j] > 0;
  };
  const std::vector<std::string>& names = table.models().names();
  const std::vector<size_t> order =
      best_first(ratings.values, [&](size_t i, size_t j) { return names[i] < names[j]; });
  const std::vector<int64_t> ranks = tied_ranks(models, better);
  const std::vector<int64_t> classes = rank_classes(order, better);
  const std::vector<int64_t> battles = table.battles_per_model();
  Leaderboard board{.rows = {}, .report = ratings.report};
  for (const size_t i : order) {
    LeaderboardRow row{.model = names[i],
                       .rating = ratings.values[i] + shift,
                       .interval = std::nullopt,
                       .standard_error = std::nullopt,
                       .rank = ranks[i],
                       .rank_class = classes[i],
                       .battles = battles[i]};
    if (!uncertainty.intervals.empty()) {
      row.interval =
          Interval{uncertainty.intervals[i].low + shift, uncertainty.intervals[i].high + shift};
      row.standard_error = uncertainty.standard_errors[i];
    }
    board.rows.push_back(std::move(row));
  }
  return board;
}

Result<RatingDifference> rating_difference(const Ratings& ratings,
                                           const BattleTable& table,
                                           const std::string& model_a,
                                           const std::string& model_b) {
  size_t index[2] = {0, 0};
  const std::string* wanted[2] = {&model_a, &model_b};
  for (int side = 0; side < 2; ++side) {
    const auto found = table.models().find(*wanted[side]);
    if (!found.has_value()) {
      return not_found("no model \"{}\"{}", *wanted[side],
                       did_you_mean(*wanted[side], table.models().names()));
    }
    index[side] = static_cast<size_t>(*found);
  }
  if (ratings.covariance.empty()) {
    return failed_precondition("the ratings carry no covariance; ask the fit for it");
  }
  return RatingDifference{ratings.values[index[0]] - ratings.values[index[1]],
                          difference_error(ratings.covariance, index[0], index[1])};
}

}  // namespace cupel::rank
