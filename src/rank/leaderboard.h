#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "numeric/statistics.h"
#include "rank/battle_table.h"
#include "rank/bootstrap.h"
#include "rank/methods/method.h"

namespace cupel::rank {

enum class IntervalKind {
  kNone,      ///< ratings alone; ranks then follow the ratings
  kSandwich,  ///< normal intervals from the method's covariance
  kBootstrap  ///< percentile intervals of resampled battles
};

struct LeaderboardOptions {
  IntervalKind intervals = IntervalKind::kSandwich;
  double confidence = 0.95;  ///< of each interval and each paired difference, in (0, 1)
  std::string anchor_model =
      {};  ///< this model is shown at anchor_rating; empty: the mean is. Elo scales only
  double anchor_rating = kEloMean;  ///< Elo points
  BootstrapOptions bootstrap = {};
  RatingOptions rating = {};
};

/// One line of a leaderboard.
struct LeaderboardRow {
  std::string model;
  double rating = 0;
  std::optional<numeric::Interval> interval;  ///< absent with IntervalKind::kNone
  std::optional<double> standard_error;  ///< of the rating, in the mean-zero gauge; absent as above
  int64_t rank = 1;  ///< 1 + number of models whose paired difference to this one lies above zero
  int64_t rank_class = 1;  ///< see rank_classes.h
  int64_t battles = 0;
};

struct Leaderboard {
  std::vector<LeaderboardRow> rows;  ///< best first; equal ratings by name
  FitReport report;
};

/// Rates the models of a table, with intervals and tied ranks.
///
/// Shapes: M rows, best first.
/// Units:  the method's; on the Elo scale shifted to the anchor, which moves no interval relative
/// to its rating. Ranks:  by paired differences (√(V_ii + V_jj − 2·V_ij), or percentiles of the
/// joint draws), never by overlap. Errors: those of `fit_ratings` and `bootstrap_ratings`;
/// kInvalidArgument - confidence outside (0, 1), a sandwich
///         asked of a method without covariance, an anchor for a scale that has none; kNotFound -
///         no such anchor.
/// Cost:   sandwich: one fit and O(M²); bootstrap: rounds fits and O(M²·rounds).
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
