// Bradley & Terry 1952, with ties as half wins and the sandwich covariance of the Chatbot Arena
// paper (2024).
#include "rank/methods/bradley_terry.h"

#include <array>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "rank/connectivity.h"
#include "rank/likelihood.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank {

Result<Ratings> fit_bradley_terry(const BattleTable& table, const BradleyTerryOptions& options) {
  CUPEL_TRY_VOID(require_battles(table));
  if (!(options.ridge >= 0 && std::isfinite(options.ridge))) {
    return invalid_argument("ridge is {:g}; expected a number >= 0", options.ridge);
  }
  const std::vector<PairTotal> pairs = pair_totals(table);
  CUPEL_TRY_VOID(require_linked(table.models(), pairs));
  return fit_pairs({table, pairs}, TieModel::kHalfWin, options.ridge,
                   {.covariance = options.covariance, .clustered = options.clustered});
}

namespace method {
namespace {

constexpr std::array kParameters = {kRidgeParameter};

Result<Ratings> fit(const RatingInput& input, const RatingOptions& options) {
  return fit_pairs(input, TieModel::kHalfWin, setting(kParameters, options, "ridge"), options);
}

}  // namespace

RatingMethod bradley_terry() {
  return {.name = "bradley_terry",
          .summary = "maximum-likelihood strengths, ties as half wins",
          .source = "Bradley & Terry 1952; Chiang et al. 2024, section 4",
          .formula = "P(i beats j) = σ(β_i − β_j); rating = 1000 + 400/ln 10 · β",
          .needs_one_group = true,
          .has_covariance = true,
          .parameters = kParameters,
          .fit = &fit};
}

}  // namespace method
}  // namespace cupel::rank
