#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "rank/battle_table.h"
#include "rank/pair_totals.h"
#include "rank/ratings.h"

namespace cupel::rank {

/// A number that a method lets its user set: flag, config key and field share the name.
struct RatingParameter {
  std::string_view name;
  double value = 0;  ///< the default
  double low = 0;    ///< smallest allowed
  double high = 0;   ///< largest allowed
  std::string_view summary;
};

/// What the numbers of a method mean, and so how they may be shown.
enum class RatingScale {
  kElo,  ///< 400 points are odds of 10 to 1; only differences mean anything, so an anchor may shift
         ///< them
  kShare  ///< a share or a count with a meaning of its own; never shifted
};

/// What a method fits: the battles, and their sums by pairs. Of a resample of the pairs the table
/// has the names and no rows.
struct RatingInput {
  const BattleTable& table;
  std::span<const PairTotal> pairs;
  [[nodiscard]] size_t models() const { return table.model_count(); }
};

/// One way to turn battles into ratings. Adding one: a file in methods/, a line in registry.def, a
/// test; the registry-wide suite (tests/rank/registry_test.cpp) then checks the properties declared
/// here.
struct RatingMethod {
  std::string_view name;     ///< as in registry.def: lower case with underscores
  std::string_view summary;  ///< one line for help and docs
  std::string_view source;   ///< paper and place
  std::string_view formula;  ///< what a rating means, in one line
  RatingScale scale = RatingScale::kElo;
  bool reads_rows = false;  ///< looks at single battles (order, features), not only at pairs
  bool order_dependent =
      false;  ///< the order of the rows matters: a resample reorders them as well
  /// Refuses battles that are not one group (connectivity.h), as ratings would be infinite, unless
  /// a prior (a ridge, pseudo-ties) makes up for what votes do not say.
  bool needs_one_group = false;
  bool has_covariance = false;  ///< fills Ratings::covariance when asked
  std::span<const RatingParameter> parameters = {};

  /// Fits what `fit_ratings` has checked; call that instead. Deterministic, thread-safe.
  Result<Ratings> (*fit)(const RatingInput& input, const RatingOptions& options) = nullptr;
  /// ln of the odds of the points that i and j take from each other by these ratings. Where it is
  /// null: Ratings::preference, else the difference of the values on the Elo scale.
  double (*log_odds)(const Ratings& ratings, size_t i, size_t j) = nullptr;
};

}  // namespace cupel::rank
