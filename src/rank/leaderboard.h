#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "numeric/statistics.h"
#include "rank/battle_table.h"
#include "rank/bootstrap.h"
#include "rank/few_clusters.h"
#include "rank/methods/method.h"

namespace cupel::rank {

/// Below so many clusters there are no intervals by cluster: five that agree do so by chance once
/// in 16.
inline constexpr int64_t kFewestClusters = 6;

enum class IntervalKind {
  kNone,          ///< ratings alone; ranks then follow the ratings
  kSandwich,      ///< normal intervals from the method's covariance, each for itself
  kSimultaneous,  ///< wider ones from the same covariance: all of them hold at once
  kDiagonal,      ///< as kSandwich from variances alone, for thousands of models
  kBootstrap      ///< percentile intervals of resampled battles, each for itself
};

struct LeaderboardOptions {
  IntervalKind intervals = IntervalKind::kSandwich;
  double confidence =
      0.95;  ///< of each interval (kSimultaneous: of all), and of all ranks, in (0, 1)
  std::string anchor_model =
      {};  ///< this model is shown at anchor_rating; empty: the mean is. Elo scales only
  double anchor_rating = kEloMean;  ///< Elo points
  /// Intervals by cluster need so many; kFewestClusters for whoever must not be misled.
  int64_t fewest_clusters = 0;
  BootstrapOptions bootstrap = {};
  RatingOptions rating = {};
};

/// One line of a leaderboard.
struct LeaderboardRow {
  std::string model;
  size_t index = 0;  ///< of the model in the table
  double rating = 0;
  /// Absent with IntervalKind::kNone, and where all votes on the model come from less than two
  /// clusters (few_clusters.h).
  std::optional<numeric::Interval> interval{};
  /// kSimultaneous: the shadow of the confidence ellipsoid, ±√(χ²·V_ii), wider than `interval`.
  std::optional<numeric::Interval> ellipsoid_interval{};
  std::optional<double> standard_error{};  ///< of the rating, mean-zero gauge; absent as `interval`
  int64_t rank = 1;        ///< 1 + number of models shown to be better than this one
  int64_t rank_class = 1;  ///< see rank_classes.h
  int64_t battles = 0;
};

struct Leaderboard {
  std::vector<LeaderboardRow> rows;  ///< best first; equal ratings by name
  Ratings ratings;                   ///< as fitted, not anchored
  const RatingMethod* method = nullptr;
  IntervalKind intervals = IntervalKind::kNone;  ///< what was done: kDiagonal for too many models
  double difference_critical = 0;  ///< |t| that a difference must exceed; 0: no intervals
  /// What clustered intervals rest on; no models: battles are independent, or there are no
  /// intervals.
  EffectiveClusters clusters{};
  /// Standard errors from the middle to the end of the interval of a coefficient.
  [[nodiscard]] double coefficient_critical(double confidence) const;
  /// The interval of rating i minus rating j (by model index) on its own; absent where only the
  /// variances or draws of ratings are known, and as in a row.
  [[nodiscard]] std::optional<numeric::Interval> difference_interval(size_t i,
                                                                     size_t j,
                                                                     double confidence) const;
  /// Natural log-odds that model i beats model j; absent where the scale says nothing about that.
  [[nodiscard]] std::optional<double> log_odds(size_t i, size_t j) const;
};

/// Rates the models of a table, with intervals and tied ranks.
///
/// Shapes: M rows, best first.
/// Units:  the method's; on the Elo scale shifted to the anchor, which moves no interval relative
///         to its rating.
/// Ranks:  by paired differences, never by overlap, and simultaneously: with the given confidence
/// no
///         model at all stands wrongly above another (max-|t| over all pairs; kDiagonal: Bonferroni
///         boxes, wider, as differences are not known).
/// Clusters: where the intervals are clustered, the variance is a sum over few terms and known
/// badly:
///         critical values are Student's (few_clusters.h), percentiles of a bootstrap lie further
///         out by the same measure (Hesterberg 2015, "What teachers should know about the
///         bootstrap", section 4.4), standard errors have CR1's factor. The ratings' covariance has
///         neither.
/// Errors: those of `fit_ratings` and `bootstrap_ratings`; kInvalidArgument - confidence outside
/// (0,
///         1), a sandwich asked of a method without covariance, an anchor for a scale that has
///         none; kNotFound - no such anchor.
/// Cost:   sandwich: one fit, O(M³ + M²·draws); bootstrap: rounds fits and O(M²·rounds).
Result<Leaderboard> make_leaderboard(const RatingMethod& method,
                                     const BattleTable& table,
                                     const LeaderboardOptions& options = {});

/// The difference of two ratings of one fit, with what is needed to judge it.
struct RatingDifference {
  double difference = 0;      ///< rating of a minus rating of b
  double standard_error = 0;  ///< √(V_aa + V_bb − 2·V_ab)
};
/// Errors: kNotFound - no such model; kFailedPrecondition - the ratings carry no covariance.
Result<RatingDifference> rating_difference(const Ratings& ratings,
                                           const BattleTable& table,
                                           const std::string& model_a,
                                           const std::string& model_b);

}  // namespace cupel::rank
