// Davidson 1970: see tie_model.h.
#include <array>
#include <cmath>

#include "rank/likelihood.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank::method {
namespace {

constexpr std::array kParameters = {kRidgeParameter};

Result<Ratings> fit(const RatingInput& input, const RatingOptions& options) {
  return fit_pairs(input, TieModel::kDavidson, setting(kParameters, options, "ridge"), options);
}

/// Points are wins and half ties.
double log_odds(const Ratings& ratings, size_t i, size_t j) {
  const double half = 0.5 * (ratings.values[i] - ratings.values[j]) / kEloPerLogit;
  const double tie = 0.5 * ratings.coefficients.front().value;
  return std::log((std::exp(half) + tie) / (std::exp(-half) + tie));
}

}  // namespace

RatingMethod davidson() {
  return {
      .name = "davidson",
      .summary = "strengths with ties as an outcome of their own: P(tie) ~ nu*sqrt(pi_a*pi_b)",
      .source = "Davidson 1970, \"On extending the Bradley-Terry model to accommodate ties\"",
      .formula = "P(i beats j) = π_i / (π_i + π_j + ν√(π_i·π_j)), P(tie) ∝ ν√(π_i·π_j), π = e^β",
      .needs_one_group = true,
      .has_covariance = true,
      .parameters = kParameters,
      .fit = &fit,
      .log_odds = &log_odds};
}

}  // namespace cupel::rank::method
