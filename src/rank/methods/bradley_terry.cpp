// Bradley & Terry 1952, with ties as half wins and the sandwich covariance of the Chatbot Arena
// paper (2024).
#include "rank/methods/bradley_terry.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "numeric/newton.h"
#include "rank/connectivity.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"
#include "rank/pairwise_logistic.h"

namespace cupel::rank {
namespace {

using numeric::Matrix;

Result<Ok> check(const BattleTable& table, const BradleyTerryOptions& options) {
  CUPEL_TRY_VOID(require_battles(table));
  if (!(options.ridge >= 0 && std::isfinite(options.ridge))) {
    return invalid_argument("ridge is {:g}; expected a number >= 0", options.ridge);
  }
  if (options.ridge == 0) {
    return require_finite_strengths(table);
  }
  // With a ridge every strength is finite; a resample may miss links that the full data has.
  return options.resample ? Result<Ok>(Ok{}) : require_linked(table);
}

/// Mean-zero log-odds of a start given in Elo points.
std::vector<double> start_beta(const BattleTable& table, std::span<const double> start) {
  std::vector<double> beta(table.model_count());
  if (start.empty()) {
    return beta;
  }
  double mean = 0;
  for (const double rating : start) {
    mean += rating / static_cast<double>(start.size());
  }
  for (size_t i = 0; i < beta.size(); ++i) {
    beta[i] = (start[i] - mean) / kEloPerLogit;
  }
  return beta;
}

/// H⁻¹·G·H⁻¹ in Elo points squared. The gauge term of H does no harm: G is zero along it.
Result<Matrix> sandwich(const PairwiseLogistic& objective,
                        std::span<const double> beta,
                        const Matrix& score_moment) {
  const size_t models = objective.dimension();
  Matrix hessian(models, models);
  objective.hessian(beta, hessian);
  CUPEL_TRY(const numeric::Cholesky factor, numeric::Cholesky::factor(hessian));
  const Matrix inverse = factor.inverse();
  Matrix covariance = multiply(multiply(inverse, score_moment), inverse);
  for (size_t i = 0; i < models; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      const double mean = 0.5 * (covariance(i, j) + covariance(j, i)) * kEloPerLogit * kEloPerLogit;
      covariance(i, j) = covariance(j, i) = mean;
    }
  }
  return covariance;
}

}  // namespace

Result<Ratings> fit_bradley_terry(const BattleTable& table, const BradleyTerryOptions& options) {
  CUPEL_TRY_VOID(check(table, options));
  const std::vector<PairTotal> pairs = pair_totals(table);
  const PairwiseLogistic objective(pairs, table.model_count(), options.ridge);
  double mass = 0;
  for (const PairTotal& pair : pairs) {
    mass += pair.mass;
  }
  const double mean_mass = 2 * mass / static_cast<double>(table.model_count());
  CUPEL_TRY(numeric::NewtonResult solution,
            numeric::minimise_newton(objective, start_beta(table, options.start),
                                     {.max_iterations = options.max_iterations,
                                      .gradient_tolerance = options.tolerance * mean_mass}));
  Ratings ratings;
  const double nll = objective.negative_log_likelihood(solution.x);
  ratings.report = {.iterations = solution.iterations,
                    .gradient_norm = solution.gradient_norm,
                    .log_likelihood = -nll,
                    .log_loss = nll / mass};
  if (options.covariance) {
    const Matrix moment = options.clustered && table.has_clusters()
                              ? clustered_score_moment(table, solution.x)
                              : objective.score_moment(solution.x);
    CUPEL_TRY(ratings.covariance, sandwich(objective, solution.x, moment));
  }
  ratings.values = std::move(solution.x);
  for (double& value : ratings.values) {
    value *= kEloPerLogit;
  }
  CUPEL_TRY_VOID(anchor_(ratings.values, table, options.anchor_model, options.anchor_rating));
  return ratings;
}

namespace method {
namespace {

constexpr std::array kParameters = {
    RatingParameter{.name = "ridge",
                    .value = 0,
                    .low = 0,
                    .high = 1e9,
                    .summary = "penalty 0.5*ridge*|beta|^2 on the summed loss (log-odds units)"}};

Result<Ratings> fit(const BattleTable& table, const RatingOptions& options) {
  return fit_bradley_terry(table, {.ridge = setting(kParameters, options, "ridge"),
                                   .covariance = options.covariance,
                                   .clustered = options.clustered,
                                   .resample = options.resample,
                                   .start = options.start});
}

}  // namespace

RatingMethod bradley_terry() {
  return {.name = "bradley_terry",
          .summary = "maximum-likelihood strengths, ties as half wins",
          .source = "Bradley & Terry 1952; Chiang et al. 2024, section 4",
          .has_covariance = true,
          .parameters = kParameters,
          .fit = &fit};
}

}  // namespace method
}  // namespace cupel::rank
