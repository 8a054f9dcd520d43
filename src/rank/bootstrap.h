#pragma once

#include <cstdint>

#include "base/result.h"
#include "numeric/dense.h"
#include "rank/battle_table.h"
#include "rank/methods/method.h"
#include "rank/ratings.h"

namespace cupel::rank {

struct BootstrapOptions {
  int64_t rounds = 1000;  ///< resamples, 2 to 1,000,000; percentiles at 95% want 1,000
  uint64_t seed = 0;      ///< a round's draws depend on (seed, round) alone
  bool clustered =
      true;            ///< resample whole clusters, where the table names any, instead of battles
  size_t threads = 0;  ///< 0: as many as there are CPUs; no number changes a draw
};

/// Ratings of resampled battles: the sampling distribution of a method, joint over the models.
///
/// Shapes: result [rounds, M], by model index, not anchored.
/// Resampling: as many battles (clusters) as there are, with replacement. A method that looks at
///         pairs alone gets sums over the counted battles (a multinomial draw), so the draws do not
///         depend on the order of the rows either; for one that reads rows they come in drawn
///         order. A battle without a cluster in a clustered table is its own.
/// Errors: those of `fit_ratings`; kInvalidArgument - rounds out of range, more
///         than 2³² − 1 battles for a method that reads rows; kFailedPrecondition - a
///         resample that the method cannot rate (names round, separated group and mend): such
///         rounds are never dropped.
/// Cost:   rounds · (cells + a fit of the pairs that starts from the full data's), on all threads;
///         with clusters one more pass over the rows for every 32 rounds; deterministic.
/// Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap"; clusters: Field & Welsh
/// 2007.
Result<numeric::Matrix> bootstrap_ratings(const RatingMethod& method,
                                          const BattleTable& table,
                                          const RatingOptions& rating,
                                          const BootstrapOptions& options = {});

}  // namespace cupel::rank
