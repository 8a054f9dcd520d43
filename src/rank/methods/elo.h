#pragma once

#include "base/result.h"
#include "rank/battle_table.h"
#include "rank/ratings.h"

namespace cupel::rank {

struct EloOptions {
  double k_factor = 4;  ///< points at stake in a battle, > 0; 4 is the Chatbot Arena's value
  double initial_rating = kEloMean;  ///< Elo points of a model before its first battle
};

/// Online Elo: walks the battles in row order and moves both ratings by K·weight·(outcome −
/// expected).
///
/// Shapes: values [M] by model index; covariance always empty (it has no likelihood: use a
/// bootstrap). Units:  Elo points, base 10, scale 400; the mean stays at `initial_rating`. Ties:
/// outcome ½.   Counts: a row of count c is c battles in a row. Order:  the result depends on the
/// order of the rows; late battles weigh more. For a standing that does not,
///         use `fit_bradley_terry`.
/// Errors: kInvalidArgument - no battles, fewer than 2 models, k_factor not positive and finite.
/// Cost:   O(N); deterministic; thread-safe.
/// Source: Elo 1978, "The Rating of Chessplayers"; constants: Zheng et al. 2023 (arXiv 2306.05685),
/// arena.
Result<Ratings> fit_elo(const BattleTable& table, const EloOptions& options = {});

}  // namespace cupel::rank
