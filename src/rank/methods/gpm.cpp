// Zhang et al. 2024's preference score with free vectors, fitted to votes.
#include "rank/methods/gpm.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "base/rng.h"
#include "numeric/logistic.h"
#include "rank/connectivity.h"
#include "rank/gpm_objective.h"
#include "rank/gpm_penalty.h"
#include "rank/likelihood.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank {
namespace {

using numeric::LbfgsResult;
using numeric::Matrix;

constexpr size_t kMostModels = 4096;  // a matrix of 128 MiB
constexpr double kFine = 1e-13;       // gradient of the result, of a model's mean battle weight
constexpr double kGoodEnough = 1e-8;  // what the result must reach

Result<Ok> check(const RatingInput& input, const GpmOptions& options) {
  if (options.dim < 0 || options.dim > 16 || options.dim % 2 != 0) {
    return invalid_argument(
        "gpm: dim is {}; expected an even number from 0 to 16 (a plane takes two)", options.dim);
  }
  if (!(options.lambda_v >= 0 && std::isfinite(options.lambda_v))) {
    return invalid_argument("gpm: lambda_v is {:g}; expected a number >= 0 (0: chosen)",
                            options.lambda_v);
  }
  if (options.starts < 0 || options.starts > 100 || options.folds < 2 || options.folds > 100) {
    return invalid_argument("gpm: {} starts and {} folds; expected 0 to 100 and 2 to 100",
                            options.starts, options.folds);
  }
  if (input.models() > kMostModels) {
    return invalid_argument(
        "gpm rates every pair of models and takes at most {} of them; there are {}", kMostModels,
        input.models());
  }
  if (options.dim > 0 && options.lambda_v == 0 && input.table.rows() == 0) {
    return invalid_argument("gpm: lambda_v is chosen from single battles, and there are only sums");
  }
  return Ok{};
}

/// Models by their strength, the best first: who a model is, whatever its index or name.
std::vector<uint64_t> places_by_strength(std::span<const double> beta) {
  std::vector<size_t> order(beta.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t i, size_t j) { return beta[i] > beta[j]; });
  std::vector<uint64_t> places(beta.size());
  for (size_t place = 0; place < order.size(); ++place) {
    places[order[place]] = place;
  }
  return places;
}

GpmProblem make_problem(const RatingInput& input,
                        const GpmOptions& options,
                        std::span<const double> beta) {
  GpmProblem problem{.pairs = input.pairs, .beta = {beta.begin(), beta.end()}};
  if (options.lambda_v == 0) {
    problem.groups = outcome_groups(input.table);
  }
  problem.places = places_by_strength(beta);
  problem.skew = skew_start(problem.pairs, beta, static_cast<size_t>(options.dim), problem.places,
                            options.seed);
  return problem;
}

std::vector<std::vector<double>> starts_of(const GpmProblem& problem, const GpmOptions& options) {
  std::vector<std::vector<double>> starts = {gpm_unknowns(problem.beta, problem.skew.vectors)};
  const auto dim = static_cast<size_t>(options.dim);
  for (int64_t k = 0; k < options.starts; ++k) {
    Matrix vectors(problem.beta.size(), dim);
    for (size_t i = 0; i < vectors.rows(); ++i) {
      Rng rng(options.seed, mix64(static_cast<uint64_t>(k) + 1) ^ problem.places[i]);
      for (size_t l = 0; l < dim; ++l) {
        vectors(i, l) = 0.1 * rng.normal();
      }
    }
    starts.push_back(gpm_unknowns(problem.beta, vectors));
  }
  return starts;
}

/// The lowest minimum that any start leads to.
Result<LbfgsResult> lowest_minimum(const GpmObjective& objective,
                                   const GpmProblem& problem,
                                   const GpmOptions& options) {
  std::optional<LbfgsResult> best;
  for (const std::vector<double>& start : starts_of(problem, options)) {
    CUPEL_TRY(LbfgsResult fit, minimise_gpm(objective, start, kGpmCoarse));
    // Two starts that end in the same valley differ by their tolerance; the earlier one stays.
    if (!best.has_value() || fit.value < best->value - 1e-7 * (1 + std::abs(best->value))) {
      best = std::move(fit);
    }
  }
  return minimise_gpm(objective, best->x, kFine);
}

/// The minimum that is reported; that of a resample is the one beside the data's.
Result<LbfgsResult> find_minimum(const GpmObjective& objective,
                                 const GpmProblem& problem,
                                 const GpmOptions& options) {
  const WarmStart* warm =
      options.resample_of == nullptr ? nullptr : options.resample_of->warm.get();
  const bool known = warm != nullptr && warm->with_vectors.size() == objective.unknowns();
  CUPEL_TRY(LbfgsResult fit, known ? minimise_gpm(objective, warm->with_vectors, kGoodEnough)
                                   : lowest_minimum(objective, problem, options));
  const double mean = mean_mass_per_model(objective.pairs, objective.models);
  if (!(fit.gradient_norm <= kGoodEnough * mean)) {
    return deadline_passed(
        "gpm: no convergence in {} iterations (largest gradient entry {:.3g} of a model's mean "
        "battle weight); raise lambda_v or lower dim",
        fit.iterations, fit.gradient_norm / mean);
  }
  return fit;
}

/// Writes the result of a minimisation, β shifted to mean zero.
void take_result(const GpmObjective& objective, const LbfgsResult& result, GpmFit& fit) {
  const auto models = static_cast<std::ptrdiff_t>(objective.models);
  fit.beta.assign(result.x.begin(), result.x.begin() + models);
  const double mean =
      std::accumulate(fit.beta.begin(), fit.beta.end(), 0.0) / static_cast<double>(models);
  for (double& value : fit.beta) {
    value -= mean;
  }
  std::copy(result.x.begin() + models, result.x.end(), fit.vectors.values().begin());
  if (fit.warm != nullptr) {
    auto warm = std::make_shared<WarmStart>(*fit.warm);
    warm->with_vectors = result.x;
    fit.warm = std::move(warm);
  }
  const double nll = objective.negative_log_likelihood(result.x, objective.pairs);
  const double mass =
      0.5 * mean_mass_per_model(objective.pairs, objective.models) * static_cast<double>(models);
  fit.report = {.iterations = result.iterations,
                .gradient_norm = result.gradient_norm,
                .log_likelihood = -nll,
                .log_loss = nll / mass};
}

Result<GpmFit> without_vectors(const RatingInput& input, const GpmOptions& options) {
  CUPEL_TRY(Ratings ratings, fit_pairs(input, TieModel::kHalfWin, options.ridge,
                                       {.resample_of = options.resample_of}));
  GpmFit fit;
  for (const double value : ratings.values) {
    fit.beta.push_back((value - kEloMean) / kEloPerLogit);
  }
  fit.vectors = Matrix(fit.beta.size(), static_cast<size_t>(options.dim));
  fit.report = ratings.report;
  fit.warm = std::move(ratings.warm);
  return fit;
}

}  // namespace

double GpmFit::log_odds(size_t i, size_t j) const {
  double s = beta[i] - beta[j];
  for (size_t l = 0; l < vectors.columns(); l += 2) {
    s += vectors(i, l) * vectors(j, l + 1) - vectors(i, l + 1) * vectors(j, l);
  }
  return s;
}

Matrix GpmFit::preference() const {
  Matrix s(beta.size(), beta.size());
  for (size_t i = 0; i < beta.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      s(i, j) = log_odds(i, j);
      s(j, i) = -s(i, j);
    }
  }
  return s;
}

Result<GpmFit> fit_gpm(const RatingInput& input, const GpmOptions& options) {
  CUPEL_TRY_VOID(check(input, options));
  CUPEL_TRY(GpmFit fit, without_vectors(input, options));
  if (options.dim == 0) {
    return fit;
  }
  const GpmProblem problem = make_problem(input, options, fit.beta);
  fit.lambda_v = options.lambda_v;
  if (problem.skew.largest <= 1e-9 * mean_mass_per_model(problem.pairs, fit.beta.size())) {
    return fit;  // Bradley-Terry explains every pair to the last digit
  }
  if (options.lambda_v == 0) {
    CUPEL_TRY(fit.trials, try_gpm_penalties(input.table, problem, options));
    const size_t best = best_gpm_trial(fit.trials);
    fit.lambda_v = fit.trials[best].lambda_v;
    if (best == 0) {
      return fit;
    }
  }
  const GpmObjective objective{.pairs = problem.pairs,
                               .models = fit.beta.size(),
                               .dim = static_cast<size_t>(options.dim),
                               .lambda_v = fit.lambda_v,
                               .ridge = options.ridge};
  CUPEL_TRY(const LbfgsResult result, find_minimum(objective, problem, options));
  take_result(objective, result, fit);
  return fit;
}

Result<GpmFit> fit_gpm(const BattleTable& table, const GpmOptions& options) {
  CUPEL_TRY_VOID(require_battles(table));
  const std::vector<PairTotal> pairs = pair_totals(table);
  CUPEL_TRY_VOID(require_linked(table.models(), pairs));
  return fit_gpm({table, pairs}, options);
}

std::vector<double> mean_log_odds(const Matrix& preference) {
  std::vector<double> means;
  for (size_t i = 0; i < preference.rows(); ++i) {
    const std::span<const double> row = preference.row(i);
    means.push_back(std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(row.size()));
  }
  return means;
}

std::vector<double> mean_win_probability(const Matrix& preference) {
  std::vector<double> means(preference.rows());
  for (size_t i = 0; i < means.size(); ++i) {
    for (size_t j = 0; j < means.size(); ++j) {
      means[i] += i == j ? 0 : numeric::sigmoid(preference(i, j));
    }
    means[i] /= static_cast<double>(means.size() - 1);
  }
  return means;
}

namespace method {
namespace {

constexpr std::array kParameters = {
    RatingParameter{.name = "dim",
                    .value = 2,
                    .low = 0,
                    .high = 16,
                    .summary = "numbers in a model's vector, even; 0 is Bradley-Terry"},
    RatingParameter{.name = "lambda_v",
                    .value = 0,
                    .low = 0,
                    .high = kMostRidge,
                    .summary = "penalty 0.5*lambda_v*|v|^2; 0: chosen by held-out log-loss"},
    kRidgeParameter,
    RatingParameter{.name = "starts",
                    .value = 4,
                    .low = 0,
                    .high = 100,
                    .summary = "seeded starts beside the spectral one"}};

Result<GpmOptions> options_of(const RatingOptions& options) {
  const double dim = setting(kParameters, options, "dim");
  if (dim != 2 * std::floor(dim / 2)) {
    return invalid_argument("gpm: dim is {:g}; expected an even number (a plane takes two)", dim);
  }
  return GpmOptions{.dim = static_cast<int64_t>(dim),
                    .lambda_v = setting(kParameters, options, "lambda_v"),
                    .ridge = setting(kParameters, options, "ridge"),
                    .starts = static_cast<int64_t>(setting(kParameters, options, "starts")),
                    .seed = options.seed,
                    .clustered = options.clustered,
                    .resample_of = options.resample_of};
}

Result<Ratings> fit(const RatingInput& input, const RatingOptions& options) {
  CUPEL_TRY(const GpmOptions gpm_options, options_of(options));
  CUPEL_TRY(const GpmFit gpm, fit_gpm(input, gpm_options));
  Ratings ratings;
  ratings.report = gpm.report;
  ratings.warm = gpm.warm;
  ratings.preference = gpm.preference();
  // Without vectors the mean over all models is β itself; its rounding is not wanted.
  ratings.values = gpm_options.dim == 0 ? gpm.beta : mean_log_odds(ratings.preference);
  for (double& value : ratings.values) {
    value = kEloMean + kEloPerLogit * value;
  }
  if (gpm.lambda_v > 0) {  // else there are no vectors that it could have held back
    ratings.coefficients.push_back({.name = "lambda_v", .value = gpm.lambda_v});
  }
  if (gpm_options.dim > 0 && gpm_options.lambda_v == 0) {
    // Where the first penalty won there are no vectors, and a resample is to have none either.
    const bool plain = gpm.trials.empty() || gpm.lambda_v == gpm.trials.front().lambda_v;
    ratings.tuned.push_back(plain ? Coefficient{.name = "dim", .value = 0}
                                  : Coefficient{.name = "lambda_v", .value = gpm.lambda_v});
  }
  return ratings;
}

}  // namespace

RatingMethod gpm() {
  return {.name = "gpm",
          .summary = "general preference model: strengths and vectors that allow cycles",
          .source = "Zhang et al. 2024 (arXiv 2410.02197), free vectors",
          .formula =
              "P(i beats j) = σ(s_ij), s_ij = β_i − β_j + Σ_l (a_il·b_jl − b_il·a_jl); rating = "
              "mean s_ij",
          .needs_one_group = true,
          .parameters = kParameters,
          .fit = &fit};
}

}  // namespace method
}  // namespace cupel::rank
