#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "numeric/dense.h"
#include "rank/battle_table.h"

namespace cupel::rank {

/// Elo points per unit of natural log-odds: 400 / ln 10.
inline constexpr double kEloPerLogit = 173.71779276130073;
/// Where the mean of a rating on the Elo scale lies unless an anchor says otherwise (the field's
/// habit).
inline constexpr double kEloMean = 1000.0;

/// How a fit went.
struct FitReport {
  int64_t iterations = 0;    ///< steps of the optimiser; 0 for methods without one
  double gradient_norm = 0;  ///< largest gradient entry at the end; 0 as above
  double log_likelihood =
      0;                ///< of the battles, in nats, without penalties; 0 for methods without one
  double log_loss = 0;  ///< -log_likelihood per unit of battle weight; 0 as above
};

/// One rating per model of a table.
struct Ratings {
  std::vector<double> values;  ///< [M] by model index, on the method's scale; higher is better
  numeric::Matrix covariance;  ///< [M, M] of the values, mean-zero gauge; empty where not asked for
                               ///< or not known
  FitReport report;
};

/// What every rating method understands.
struct RatingOptions {
  struct Setting {
    std::string name;
    double value = 0;
  };
  /// The method's own parameters by name; absent ones at their defaults.
  std::vector<Setting> settings = {};
  bool covariance = false;  ///< also estimate the covariance, where the method can
  bool clustered = true;    ///< covariance: battles of one cluster may depend on each other
  /// The table is a bootstrap resample of one that was checked before: links between models may be
  /// missing where a ridge makes up for them.
  bool resample = false;
  /// Ratings to start from [M], e.g. the full data's; empty: none.
  std::span<const double> start = {};
};

/// Shifts `values` so that the model stands at `rating`, or their mean does when `model` is empty.
/// Errors: kNotFound - no such model in the table, with a hint.
Result<Ok> anchor_(std::span<double> values,
                   const BattleTable& table,
                   const std::string& model,
                   double rating);

}  // namespace cupel::rank
