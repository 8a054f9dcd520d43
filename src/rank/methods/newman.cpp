// Newman 2023 with ties, which is Davidson 1970 by a fixed-point iteration.
#include "rank/methods/newman.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "rank/connectivity.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank {
namespace {

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

Result<Ok> check_options(const NewmanOptions& options) {
  if (!(options.tolerance > 0) || options.max_iterations < 1) {
    return invalid_argument("newman: tolerance is {:g} and max_iterations {}; both must be > 0",
                            options.tolerance, options.max_iterations);
  }
  return Ok{};
}

Result<Ok> require_hard_outcomes(const BattleTable& table) {
  if (!table.has_hard_outcomes()) {
    return invalid_argument(
        "newman: some outcomes are neither a win nor a tie; only bradley-terry counts shades");
  }
  return Ok{};
}

/// One update of strengths and tie parameter from the old ones.
class Iteration {
 public:
  Iteration(std::span<const PairTotal> pairs, size_t models, bool damped)
      : pairs_(pairs), damped_(damped), numerator_(models), denominator_(models) {}

  /// Returns the largest change of ln p and v.
  double update(std::vector<double>& p, double& v) {
    std::fill(numerator_.begin(), numerator_.end(), 0.0);
    std::fill(denominator_.begin(), denominator_.end(), 0.0);
    double tied = 0;
    double decided = 0;
    for (const PairTotal& pair : pairs_) {
      const double pa = p[at(pair.a)];
      const double pb = p[at(pair.b)];
      const double s = std::sqrt(pa * pb);
      const double d = pa + pb + 2 * v * s;
      numerator_[at(pair.a)] += pair.won * (pb + v * s) / d;
      numerator_[at(pair.b)] += (pair.mass - pair.won) * (pa + v * s) / d;
      denominator_[at(pair.a)] += (pair.mass - pair.won) * (1 + v * s / pa) / d;
      denominator_[at(pair.b)] += pair.won * (1 + v * s / pb) / d;
      tied += pair.tied * (pa + pb) / d;
      decided += 2 * (pair.wins_a() + pair.wins_b()) * s / d;
    }
    const double new_v = tied / decided;
    double change = std::abs(new_v - v);
    v = new_v;
    for (size_t i = 0; i < p.size(); ++i) {
      double next = numerator_[i] / denominator_[i];
      if (damped_) {
        next = std::sqrt(next * p[i]);
      }
      change = std::max(change, std::abs(std::log(next / p[i])));
      p[i] = next;
    }
    return change;
  }

 private:
  std::span<const PairTotal> pairs_;
  bool damped_;
  std::vector<double> numerator_;
  std::vector<double> denominator_;
};

double log_likelihood(std::span<const PairTotal> pairs, std::span<const double> beta, double v) {
  double sum = 0;
  for (const PairTotal& pair : pairs) {
    const double half = 0.5 * (beta[at(pair.a)] - beta[at(pair.b)]);
    // D over √(p_a·p_b), so that no strength is raised to a power on its own.
    const double log_d = std::log(std::exp(half) + std::exp(-half) + 2 * v);
    sum += pair.wins_a() * (half - log_d) + pair.wins_b() * (-half - log_d);
    if (pair.tied > 0) {
      sum += pair.tied * (std::log(2 * v) - log_d);
    }
  }
  return sum;
}

std::vector<double> centred_logs(std::span<const double> scores) {
  std::vector<double> beta(scores.size());
  double mean = 0;
  for (size_t i = 0; i < beta.size(); ++i) {
    beta[i] = std::log(scores[i]);
    mean += beta[i] / static_cast<double>(beta.size());
  }
  for (double& value : beta) {
    value -= mean;
  }
  return beta;
}

}  // namespace

Result<NewmanFit> fit_newman(const NameIndex& names,
                             std::span<const PairTotal> pairs,
                             const NewmanOptions& options) {
  CUPEL_TRY_VOID(check_options(options));
  CUPEL_TRY_VOID(require_one_group(names, pairs, "ratings would be infinite",
                                   "add battles that decide between them, or take bradley-terry "
                                   "with a ridge"));
  CUPEL_TRY_VOID(require_finite_tie_strengths(names, pairs));
  NewmanFit fit{.scores = std::vector<double>(names.size(), 1.0)};
  Iteration iteration(pairs, names.size(), options.damped);
  double v = 0.5;
  double change = 1;
  while (!(change < options.tolerance)) {
    if (fit.iterations == options.max_iterations || std::isnan(change)) {
      return deadline_passed(
          "newman: no convergence in {} iterations (last change {:.3g}); raise max_iterations, or "
          "take davidson",
          fit.iterations, change);
    }
    change = iteration.update(fit.scores, v);
    ++fit.iterations;
  }
  fit.v = v;
  fit.beta = centred_logs(fit.scores);
  fit.log_likelihood = log_likelihood(pairs, fit.beta, v);
  return fit;
}

Result<NewmanFit> fit_newman(const BattleTable& table, const NewmanOptions& options) {
  CUPEL_TRY_VOID(require_battles(table));
  CUPEL_TRY_VOID(require_hard_outcomes(table));
  return fit_newman(table.models(), pair_totals(table), options);
}

namespace method {
namespace {

constexpr std::array kParameters = {
    RatingParameter{.name = "max_iterations",
                    .value = 10'000,
                    .low = 1,
                    .high = 1e7,
                    .summary = "fixed-point iterations before giving up"}};

Result<Ratings> fit(const RatingInput& input, const RatingOptions& options) {
  CUPEL_TRY_VOID(require_hard_outcomes(input.table));
  CUPEL_TRY(const NewmanFit newman, fit_newman(input.table.models(), input.pairs,
                                               {.max_iterations = static_cast<int64_t>(setting(
                                                    kParameters, options, "max_iterations"))}));
  double mass = 0;
  for (const PairTotal& pair : input.pairs) {
    mass += pair.mass;
  }
  Ratings ratings;
  for (const double beta : newman.beta) {
    ratings.values.push_back(kEloMean + kEloPerLogit * beta);
  }
  ratings.report = {.iterations = newman.iterations,
                    .log_likelihood = newman.log_likelihood,
                    .log_loss = -newman.log_likelihood / mass};
  ratings.coefficients.push_back({.name = "v", .value = newman.v});
  return ratings;
}

/// Points are wins and half ties: (p_i + v·s) to (p_j + v·s).
double log_odds(const Ratings& ratings, size_t i, size_t j) {
  const double v = ratings.coefficients.front().value;
  const double half = 0.5 * (ratings.values[i] - ratings.values[j]) / kEloPerLogit;
  return std::log((std::exp(half) + v) / (std::exp(-half) + v));
}

}  // namespace

RatingMethod newman() {
  return {.name = "newman",
          .summary = "strengths with a tie parameter v by fixed-point iteration",
          .source = "Newman 2023, JMLR 24; Davidson 1970 with nu = 2v; as in evalica 0.4.2",
          .formula =
              "P(i beats j) = p_i / (p_i + p_j + 2v√(p_i·p_j)), rating = 1000 + 400/ln 10 · ln p",
          .needs_one_group = true,
          .parameters = kParameters,
          .fit = &fit,
          .log_odds = &log_odds};
}

}  // namespace method
}  // namespace cupel::rank
