#include "rank/likelihood.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/thread_pool.h"
#include "rank/connectivity.h"

namespace cupel::rank {
namespace {

using numeric::Cholesky;
using numeric::Matrix;

/// Where the tie parameter would stand if all models were equal.
double start_theta(const PairwiseModel& model) {
  double mass = 0;
  double tied = 0;
  for (const PairTotal& item : model.items) {
    mass += item.mass;
    tied += item.tied;
  }
  const double share = tied / mass;
  return model.ties == TieModel::kDavidson ? std::log(2 * share / (1 - share))
                                           : 2 * std::atanh(share);
}

std::vector<double> start_of(const LikelihoodProblem& problem, const PairwiseObjective& objective) {
  const PairwiseModel& model = problem.model;
  std::vector<double> x(objective.dimension());
  if (objective.has_theta()) {
    x.back() = start_theta(model);
  }
  const WarmStart* warm = problem.start == nullptr ? nullptr : problem.start->warm.get();
  if (warm != nullptr && warm->x.size() == x.size()) {
    return warm->x;
  }
  return x;
}

/// The weight of a model's battles on average.
double mean_mass(const PairwiseModel& model) {
  double mass = 0;
  for (const PairTotal& item : model.items) {
    mass += item.mass;
  }
  return 2 * mass / static_cast<double>(model.models);
}

Result<numeric::NewtonResult> minimise(const LikelihoodProblem& problem,
                                       const PairwiseObjective& objective) {
  const std::vector<double> start = start_of(problem, objective);
  const numeric::NewtonOptions options{.max_iterations = problem.max_iterations,
                                       .gradient_tolerance = problem.tolerance};
  const WarmStart* warm = problem.start == nullptr ? nullptr : problem.start->warm.get();
  if (warm != nullptr && warm->factor && warm->factor->size() == start.size()) {
    if (auto near = numeric::minimise_chord(objective, start, *warm->factor, options)) {
      return std::move(*near);
    }
  }
  auto found = numeric::minimise_newton(objective, start, options);
  if (!found) {
    return in_context(std::move(found).error(),
                      "the ratings did not converge (do weights differ by many powers of ten?)");
  }
  return found;
}

/// H⁻¹·G·H⁻¹. The gauge term of H does no harm: G is zero along it.
Matrix sandwich(const Cholesky& factor, const Matrix& moment) {
  const Matrix inverse = factor.inverse();
  Matrix covariance = multiply(multiply(inverse, moment), inverse);
  for (size_t i = 0; i < covariance.rows(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      covariance(i, j) = covariance(j, i) = 0.5 * (covariance(i, j) + covariance(j, i));
    }
  }
  return covariance;
}

/// Splits the covariance of all parameters into that of the ratings and errors of the coefficients.
void take_covariance(const Matrix& whole, size_t models, Ratings& ratings) {
  constexpr double kScale = kEloPerLogit * kEloPerLogit;
  ratings.covariance = Matrix(models, models);
  for (size_t i = 0; i < models; ++i) {
    for (size_t j = 0; j < models; ++j) {
      ratings.covariance(i, j) = kScale * whole(i, j);
    }
  }
  // A tie parameter that was not estimated, for want of ties, has no row.
  for (size_t p = models; p < whole.rows(); ++p) {
    Coefficient& coefficient = ratings.coefficients[p - models];
    // ν = e^θ: its error is that of θ times ν (delta method).
    const double slope = coefficient.name == kDavidsonNu ? coefficient.value : 1.0;
    coefficient.standard_error = slope * std::sqrt(std::max(0.0, whole(p, p)));
  }
}

std::vector<Coefficient> coefficients(const LikelihoodProblem& problem, std::span<const double> x) {
  const PairwiseModel& model = problem.model;
  std::vector<Coefficient> result;
  for (size_t k = 0; k < model.feature_count; ++k) {
    result.push_back({.name = problem.feature_names[k], .value = x[model.models + k]});
  }
  const bool estimated = model.estimate_tie_parameter;
  if (model.ties == TieModel::kDavidson) {
    result.push_back({.name = kDavidsonNu, .value = estimated ? std::exp(x.back()) : 0.0});
  } else if (model.ties == TieModel::kRaoKupper) {
    result.push_back({.name = kRaoKupperEta, .value = estimated ? x.back() : 0.0});
  }
  return result;
}

Result<Ok> add_uncertainty(const LikelihoodProblem& problem,
                           const PairwiseObjective& objective,
                           std::span<const double> x,
                           Ratings& ratings) {
  const bool dense = objective.dimension() <= PairwiseObjective::kMostDenseParameters;
  if (problem.covariance == Covariance::kNone) {
    return Ok{};
  }
  if (dense) {
    const Matrix moment = problem.moment ? problem.moment(objective, x) : objective.score_moment(x);
    Matrix whole = sandwich(*ratings.warm->factor, moment);
    take_covariance(whole, problem.model.models, ratings);
    if (problem.covariance == Covariance::kDiagonal) {
      for (size_t i = 0; i < problem.model.models; ++i) {
        ratings.variances.push_back(ratings.covariance(i, i));
      }
      ratings.covariance = {};
    }
    return Ok{};
  }
  if (problem.moment || problem.model.feature_count > 0 || objective.has_theta()) {
    return invalid_argument(
        "{} models are too many for intervals with clusters, features or a tie parameter; at most "
        "{} go, and --ci bootstrap has no such limit",
        problem.model.models, PairwiseObjective::kMostDenseParameters);
  }
  const numeric::GraphLaplacian laplacian(problem.model.models, objective.edges(x),
                                          problem.model.ridge);
  CUPEL_TRY(ratings.variances,
            laplacian.sandwich_diagonal(objective.score_squares(x),
                                        problem.threads == 0 ? available_cpus() : problem.threads));
  for (double& variance : ratings.variances) {
    variance *= kEloPerLogit * kEloPerLogit;
  }
  return Ok{};
}

/// Features may say the same twice, or decide every vote: then their effects have no values.
Result<Ok> check_features(const LikelihoodProblem& problem,
                          const PairwiseObjective& objective,
                          std::span<const double> x) {
  const PairwiseModel& model = problem.model;
  if (model.feature_count == 0 || model.feature_ridge > 0) {
    return Ok{};
  }
  Matrix hessian(objective.dimension(), objective.dimension());
  objective.hessian(x, hessian);
  if (!Cholesky::factor(hessian)) {
    return failed_precondition(
        "the features follow from one another or from the models, so their effects cannot be told; "
        "leave one out, or ask for a feature ridge");
  }
  constexpr double kDecided = 15;  // log-odds: one vote in three million goes the other way
  for (size_t item = 0; item < model.items.size(); ++item) {
    if (std::abs(objective.delta(x, item)) > kDecided) {
      return failed_precondition(
          "a feature decides votes all by itself, so its effect would be infinite; leave it out, "
          "or "
          "ask for a feature ridge");
    }
  }
  return Ok{};
}

}  // namespace

Result<Ratings> maximise_likelihood(const LikelihoodProblem& problem) {
  const PairwiseObjective objective(problem.model);
  CUPEL_TRY(numeric::NewtonResult solution, minimise(problem, objective));
  CUPEL_TRY_VOID(check_features(problem, objective, solution.x));
  Ratings ratings;
  ratings.coefficients = coefficients(problem, solution.x);
  ratings.report = {.iterations = solution.iterations, .gradient_norm = solution.gradient_norm};
  ratings.values.assign(solution.x.begin(),
                        solution.x.begin() + static_cast<std::ptrdiff_t>(problem.model.models));
  for (double& value : ratings.values) {
    value *= kEloPerLogit;
  }
  center_(ratings.values, kEloMean);
  if (problem.start != nullptr) {
    return ratings;  // one of many resamples: what follows is not looked at
  }
  const double nll = objective.negative_log_likelihood(solution.x);
  ratings.report.log_likelihood = -nll;
  ratings.report.log_loss =
      2 * nll / (mean_mass(problem.model) * static_cast<double>(problem.model.models));
  auto warm = std::make_shared<WarmStart>();
  warm->x = solution.x;
  if (objective.dimension() <= PairwiseObjective::kMostDenseParameters) {
    CUPEL_TRY(warm->factor, numeric::factor_hessian(objective, solution.x));
  }
  ratings.warm = std::move(warm);
  CUPEL_TRY_VOID(add_uncertainty(problem, objective, solution.x, ratings));
  return ratings;
}

Result<Ratings> fit_pairs(const RatingInput& input,
                          TieModel ties,
                          double ridge,
                          const RatingOptions& options) {
  const BattleTable& table = input.table;
  const bool has_parameter = ties != TieModel::kHalfWin;
  if (has_parameter && !table.has_hard_outcomes()) {
    return invalid_argument(
        "some outcomes are neither a win nor a tie; only bradley-terry counts shades");
  }
  if (ridge > 0) {
    CUPEL_TRY_VOID(has_parameter ? require_finite_tie_parameter(input.pairs) : Ok{});
  } else {
    CUPEL_TRY_VOID(has_parameter ? require_finite_tie_strengths(table.models(), input.pairs)
                                 : require_finite_strengths(table.models(), input.pairs));
  }
  const bool any_tie = std::any_of(input.pairs.begin(), input.pairs.end(),
                                   [](const PairTotal& pair) { return pair.tied > 0; });
  LikelihoodProblem problem{.model = {.items = input.pairs,
                                      .models = input.models(),
                                      .ties = ties,
                                      .estimate_tie_parameter = has_parameter && any_tie,
                                      .ridge = ridge},
                            .covariance = options.covariance,
                            .start = options.resample_of,
                            .threads = options.threads};
  if (options.clustered && table.has_clusters()) {
    problem.moment = [&](const PairwiseObjective& objective, std::span<const double> x) {
      return clustered_score_moment(table, {}, objective, x);
    };
  }
  return maximise_likelihood(problem);
}

}  // namespace cupel::rank
