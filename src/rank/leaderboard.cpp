#include "rank/leaderboard.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "rank/methods/registry.h"
#include "rank/rank_classes.h"
#include "rank/simultaneous.h"

namespace cupel::rank {
namespace {

using numeric::Interval;
using numeric::Matrix;

double difference_error(const Matrix& v, size_t i, size_t j) {
  return std::sqrt(std::max(0.0, v(i, i) + v(j, j) - 2 * v(i, j)));
}

/// What is known of the ratings beyond their values, before any anchor.
struct Uncertainty {
  std::vector<Interval> intervals{};  ///< [M]; empty: none were asked for; infinite: not known
  std::vector<Interval> ellipsoid_intervals{};  ///< [M] with kSimultaneous
  std::vector<double> standard_errors{};        ///< [M]
  std::vector<Interval> boxes{};  ///< [M] ranks by these where differences are not known
  Matrix covariance{};            ///< [M, M] ranks by differences with this and the next
  double difference_t = 0;
  EffectiveClusters clusters{};  ///< no models: battles are independent
};

/// What a normal critical value becomes for each model.
std::vector<double> criticals(const EffectiveClusters& clusters, size_t models, double normal) {
  std::vector<double> result(models, normal);
  for (size_t i = 0; i < clusters.models.size(); ++i) {
    result[i] = few_cluster_critical(normal, clusters.models[i]);
  }
  return result;
}

/// value ± times·error; all numbers where `times` is infinite.
std::vector<Interval> boxes_of(std::span<const double> values,
                               std::span<const double> errors,
                               std::span<const double> times) {
  std::vector<Interval> boxes;
  for (size_t i = 0; i < values.size(); ++i) {
    const double half = std::isfinite(times[i]) ? times[i] * errors[i] : times[i];
    boxes.push_back({values[i] - half, values[i] + half});
  }
  return boxes;
}

/// Standard errors with the factor of CR1, from large-sample ones.
std::vector<double> inflated(std::vector<double> errors, const EffectiveClusters& clusters) {
  for (size_t i = 0; i < clusters.models.size(); ++i) {
    const double k = clusters.models[i];
    errors[i] *= k > 1 ? std::sqrt(k / (k - 1)) : 1;
  }
  return errors;
}

Result<Uncertainty> from_covariance(const Ratings& ratings,
                                    EffectiveClusters clusters,
                                    const LeaderboardOptions& options) {
  const double confidence = options.confidence;
  const size_t models = ratings.values.size();
  Uncertainty result{.covariance = ratings.covariance, .clusters = std::move(clusters)};
  std::vector<double> errors;
  for (size_t i = 0; i < models; ++i) {
    errors.push_back(std::sqrt(std::max(0.0, ratings.covariance(i, i))));
  }
  CUPEL_TRY(const SimultaneousSet set,
            simultaneous_set(ratings.covariance, {.confidence = confidence,
                                                  .seed = options.bootstrap.seed,
                                                  .threads = options.bootstrap.threads}));
  result.difference_t = set.difference_t;
  const bool together = options.intervals == IntervalKind::kSimultaneous;
  const double normal = together ? set.rating_t : numeric::normal_z(confidence);
  std::vector<double> times = criticals(result.clusters, models, normal);
  result.intervals = boxes_of(ratings.values, errors, times);
  if (together) {
    // The shadow of the ellipsoid is widened as its box is.
    for (double& value : times) {
      value *= std::sqrt(set.chi_square) / normal;
    }
    result.ellipsoid_intervals = boxes_of(ratings.values, errors, times);
  }
  result.standard_errors = inflated(std::move(errors), result.clusters);
  return result;
}

Uncertainty from_variances(const Ratings& ratings,
                           EffectiveClusters clusters,
                           const LeaderboardOptions& options) {
  const size_t models = ratings.values.size();
  Uncertainty result{.clusters = std::move(clusters)};
  std::vector<double> errors;
  for (const double variance : ratings.variances) {
    errors.push_back(std::sqrt(std::max(0.0, variance)));
  }
  const double all = 1 - (1 - options.confidence) / static_cast<double>(models);
  const auto boxes = [&](double confidence) {
    return boxes_of(ratings.values, errors,
                    criticals(result.clusters, models, numeric::normal_z(confidence)));
  };
  result.intervals = boxes(options.confidence);
  result.boxes = boxes(all);
  result.standard_errors = inflated(std::move(errors), result.clusters);
  return result;
}

Uncertainty from_draws(const Matrix& draws, EffectiveClusters clusters, double confidence) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Uncertainty result{.clusters = std::move(clusters)};
  const std::vector<double> times =
      criticals(result.clusters, draws.columns(), numeric::normal_z(confidence));
  std::vector<double> errors;
  std::vector<double> column(draws.rows());
  for (size_t i = 0; i < draws.columns(); ++i) {
    for (size_t round = 0; round < draws.rows(); ++round) {
      column[round] = draws(round, i);
    }
    errors.push_back(numeric::moments(column).standard_deviation);
    // Percentiles as far out as a normal estimate's interval of that width.
    const double share =
        result.clusters.models.empty() ? confidence : 1 - 2 * numeric::normal_cdf(-times[i]);
    result.intervals.push_back(std::isfinite(times[i])
                                   ? numeric::percentile_interval_(column, share)
                                   : Interval{-kInfinity, kInfinity});
  }
  result.standard_errors = inflated(std::move(errors), result.clusters);
  SimultaneousSet set = simultaneous_set_of_draws(draws, confidence, result.covariance);
  result.difference_t = set.difference_t;
  return result;
}

Result<Ok> check(const RatingMethod& method, const LeaderboardOptions& options) {
  if (!(options.confidence > 0 && options.confidence < 1)) {
    return invalid_argument("confidence is {:g}; expected a number between 0 and 1",
                            options.confidence);
  }
  const bool needs_covariance =
      options.intervals != IntervalKind::kNone && options.intervals != IntervalKind::kBootstrap;
  if (needs_covariance && !method.has_covariance) {
    return invalid_argument("{} has no analytic covariance; use bootstrap intervals", method.name);
  }
  if (!options.anchor_model.empty() && method.scale != RatingScale::kElo) {
    return invalid_argument("{} is not on the Elo scale and cannot be anchored", method.name);
  }
  return Ok{};
}

/// Clusters with battles, and battles that are their own.
int64_t independent_units(const BattleTable& table) {
  std::vector<bool> seen(table.clusters().size());
  int64_t units = 0;
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    if (battle.cluster == kNoCluster) {
      units += battle.count;
    } else if (battle.count > 0 && !seen[static_cast<size_t>(battle.cluster)]) {
      seen[static_cast<size_t>(battle.cluster)] = true;
      ++units;
    }
  }
  return units;
}

/// Whether intervals are made by cluster.
bool uses_clusters(const BattleTable& table, const LeaderboardOptions& options) {
  const bool wanted = options.intervals == IntervalKind::kBootstrap ? options.bootstrap.clustered
                                                                    : options.rating.clustered;
  return wanted && options.intervals != IntervalKind::kNone && table.has_clusters();
}

/// Of one cluster nothing is known but that it voted so.
Result<Ok> require_clusters(const BattleTable& table, const LeaderboardOptions& options) {
  if (!uses_clusters(table, options)) {
    return Ok{};
  }
  const int64_t units = independent_units(table);
  if (units < options.fewest_clusters) {
    return failed_precondition(
        "{} cluster{}; intervals by cluster need at least {}: leave the clusters out, or name "
        "another column",
        units, units == 1 ? "" : "s", options.fewest_clusters);
  }
  return Ok{};
}

Covariance covariance_for(IntervalKind kind) {
  switch (kind) {
    case IntervalKind::kSandwich:
    case IntervalKind::kSimultaneous:
      return Covariance::kFull;
    case IntervalKind::kDiagonal:
      return Covariance::kDiagonal;
    case IntervalKind::kNone:
    case IntervalKind::kBootstrap:
      break;
  }
  return Covariance::kNone;
}

Result<Uncertainty> uncertainty_of(const RatingMethod& method,
                                   const BattleTable& table,
                                   const Ratings& ratings,
                                   const LeaderboardOptions& options) {
  if (options.intervals == IntervalKind::kNone) {
    return Uncertainty{};
  }
  EffectiveClusters clusters;
  if (uses_clusters(table, options)) {
    clusters = effective_clusters(table);
  }
  if (options.intervals == IntervalKind::kBootstrap) {
    CUPEL_TRY(const Matrix draws,
              bootstrap_ratings(method, table, options.rating, options.bootstrap));
    return from_draws(draws, std::move(clusters), options.confidence);
  }
  if (!ratings.variances.empty()) {
    if (options.intervals == IntervalKind::kSimultaneous) {
      return invalid_argument(
          "{} models are too many for simultaneous intervals; use diagonal ones or a bootstrap",
          ratings.values.size());
    }
    return from_variances(ratings, std::move(clusters), options);
  }
  return from_covariance(ratings, std::move(clusters), options);
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

/// Ranks and classes by disjoint boxes; without intervals a box is the rating itself.
struct Ranks {
  std::vector<int64_t> ranks;
  std::vector<int64_t> classes;
};

Ranks ranks_of(const Ratings& ratings, const Uncertainty& known, std::span<const size_t> order) {
  const std::vector<double>& values = ratings.values;
  if (!known.covariance.empty()) {
    const std::vector<double> times = criticals(known.clusters, values.size(), known.difference_t);
    const ShownBetter better = [&](size_t i, size_t j) {
      const double gap = values[i] - values[j];
      const double error = difference_error(known.covariance, i, j);
      const double scale = known.covariance(i, i) + known.covariance(j, j);
      return gap > std::max(times[i], times[j]) * error && error * error > kNoVariance * scale;
    };
    return {tied_ranks(values.size(), better), rank_classes(order, better)};
  }
  const std::vector<double> none(values.size());
  const std::vector<Interval> boxes =
      known.boxes.empty() ? boxes_of(values, none, none) : known.boxes;
  return {box_ranks(boxes),
          rank_classes(order, [&](size_t i, size_t j) { return boxes[i].low > boxes[j].high; })};
}

}  // namespace

std::optional<double> Leaderboard::log_odds(size_t i, size_t j) const {
  return rank::log_odds(*method, ratings, i, j);
}

double Leaderboard::coefficient_critical(double confidence) const {
  const double normal = numeric::normal_z(confidence);
  return clusters.models.empty() ? normal : few_cluster_critical(normal, clusters.all);
}

std::optional<Interval> Leaderboard::difference_interval(size_t i,
                                                         size_t j,
                                                         double confidence) const {
  if (ratings.covariance.empty()) {
    return std::nullopt;
  }
  const std::vector<double> times =
      criticals(clusters, ratings.values.size(), numeric::normal_z(confidence));
  const double half = std::max(times[i], times[j]) * difference_error(ratings.covariance, i, j);
  const double gap = ratings.values[i] - ratings.values[j];
  return std::isfinite(half) ? std::optional(Interval{gap - half, gap + half}) : std::nullopt;
}

Result<Leaderboard> make_leaderboard(const RatingMethod& method,
                                     const BattleTable& table,
                                     const LeaderboardOptions& options) {
  CUPEL_TRY_VOID(check(method, options));
  CUPEL_TRY_VOID(require_clusters(table, options));
  RatingOptions rating = options.rating;
  rating.covariance = covariance_for(options.intervals);
  CUPEL_TRY(Ratings ratings, fit_ratings(method, table, rating));
  CUPEL_TRY(Uncertainty known, uncertainty_of(method, table, ratings, options));
  CUPEL_TRY(const double shift, anchor_shift(method, table, ratings, options));

  const std::vector<std::string>& names = table.models().names();
  const std::vector<size_t> order =
      best_first(ratings.values, [&](size_t i, size_t j) { return names[i] < names[j]; });
  const Ranks ranks = ranks_of(ratings, known, order);
  const std::vector<int64_t> battles = table.battles_per_model();
  Leaderboard board{.rows = {},
                    .ratings = std::move(ratings),
                    .method = &method,
                    .intervals = known.boxes.empty() ? options.intervals : IntervalKind::kDiagonal,
                    .difference_critical = known.difference_t,
                    .clusters = std::move(known.clusters)};
  const auto shifted = [&](const Interval& x) { return Interval{x.low + shift, x.high + shift}; };
  const auto is_known = [](const std::vector<Interval>& intervals, size_t i) {
    return !intervals.empty() && std::isfinite(intervals[i].low);
  };
  for (const size_t i : order) {
    LeaderboardRow row{.model = names[i],
                       .index = i,
                       .rating = board.ratings.values[i] + shift,
                       .rank = ranks.ranks[i],
                       .rank_class = ranks.classes[i],
                       .battles = battles[i]};
    if (is_known(known.intervals, i)) {
      row.interval = shifted(known.intervals[i]);
      row.standard_error = known.standard_errors[i];
    }
    if (is_known(known.ellipsoid_intervals, i)) {
      row.ellipsoid_interval = shifted(known.ellipsoid_intervals[i]);
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
