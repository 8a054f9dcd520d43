// Rao & Kupper 1967: see tie_model.h.
#include <array>
#include <cmath>

#include "rank/likelihood.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank::method {
namespace {

constexpr std::array kParameters = {kRidgeParameter};

Result<Ratings> fit(const RatingInput& input, const RatingOptions& options) {
  return fit_pairs(input, TieModel::kRaoKupper, setting(kParameters, options, "ridge"), options);
}

/// Points are wins and half ties.
double log_odds(const Ratings& ratings, size_t i, size_t j) {
  const double delta = (ratings.values[i] - ratings.values[j]) / kEloPerLogit;
  const double eta = ratings.coefficients.front().value;
  const double win = numeric::sigmoid(delta - eta);
  const double loss = numeric::sigmoid(-delta - eta);
  return std::log((1 + win - loss) / (1 - win + loss));
}

}  // namespace

RatingMethod rao_kupper() {
  return {
      .name = "rao_kupper",
      .summary = "strengths with a margin eta that a win must exceed, else a tie",
      .source = "Rao & Kupper 1967, \"Ties in paired-comparison experiments\"",
      .formula = "P(i beats j) = σ(β_i − β_j − η), P(tie) = (e^2η − 1)·P(i beats j)·P(j beats i)",
      .needs_one_group = true,
      .has_covariance = true,
      .parameters = kParameters,
      .fit = &fit,
      .log_odds = &log_odds};
}

}  // namespace cupel::rank::method
