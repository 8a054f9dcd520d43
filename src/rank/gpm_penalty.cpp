#include "rank/gpm_penalty.h"

#include <algorithm>
#include <cmath>

#include "rank/folds.h"

namespace cupel::rank {
namespace {

using numeric::LbfgsResult;

constexpr int kPenalties = 11;  // 1, 1/2, …, 1/1024 of the largest singular value

/// One part of the battles held out, the rest fitted under one penalty after another.
class PenaltyPath {
 public:
  PenaltyPath(std::vector<PairTotal> training, std::vector<PairTotal> held_out, size_t models)
      : training_(std::move(training)), held_out_(std::move(held_out)), models_(models) {}

  /// Adds the held-out loss under each penalty (largest first; under the first there are no
  /// vectors).
  Result<Ok> add_losses(std::span<const double> penalties,
                        const GpmOptions& options,
                        std::span<const double> beta,
                        std::span<const uint64_t> places,
                        std::span<double> losses) {
    // A part may lack the battle that links two groups; a prior of a hundredth of a battle keeps
    // their strengths finite and moves no others.
    GpmObjective plain{
        .pairs = training_, .models = models_, .ridge = std::max(options.ridge, 0.01)};
    CUPEL_TRY(const LbfgsResult base, minimise_gpm(plain, beta, kGpmCoarse));
    losses[0] += plain.negative_log_likelihood(base.x, held_out_);
    const auto dim = static_cast<size_t>(options.dim);
    const SkewStart skew = skew_start(training_, base.x, dim, places, options.seed);
    const std::vector<double> spectral = gpm_unknowns(base.x, skew.vectors);
    std::vector<double> x = spectral;
    for (size_t k = 1; k < penalties.size(); ++k) {
      GpmObjective objective = plain;
      objective.dim = dim;
      objective.lambda_v = penalties[k];
      CUPEL_TRY(const LbfgsResult fit, minimise_gpm(objective, x, kGpmCoarse));
      losses[k] += objective.negative_log_likelihood(fit.x, held_out_);
      // Vectors that vanished are a saddle under the next penalty.
      x = vanished(fit.x) ? spectral : fit.x;
    }
    return Ok{};
  }

 private:
  [[nodiscard]] bool vanished(std::span<const double> x) const {
    return std::all_of(x.begin() + static_cast<std::ptrdiff_t>(models_), x.end(),
                       [](double value) { return std::abs(value) < 1e-2; });
  }
  std::vector<PairTotal> training_;
  std::vector<PairTotal> held_out_;
  size_t models_;
};

}  // namespace

Result<std::vector<GpmPenaltyTrial>> try_gpm_penalties(const BattleTable& table,
                                                       const GpmProblem& problem,
                                                       const GpmOptions& options) {
  std::vector<double> penalties;
  penalties.reserve(kPenalties);
  for (int k = 0; k < kPenalties; ++k) {
    penalties.push_back(std::ldexp(problem.skew.largest, -k));
  }
  const auto held_out =
      fold_counts(table, problem.groups, problem.places,
                  {.folds = options.folds, .seed = options.seed, .clustered = options.clustered});
  std::vector<double> losses(penalties.size());
  for (const std::vector<int64_t>& counts : held_out) {
    std::vector<int64_t> rest(counts.size());
    for (size_t g = 0; g < rest.size(); ++g) {
      rest[g] = problem.groups[g].count - counts[g];
    }
    if (std::all_of(rest.begin(), rest.end(), [](int64_t count) { return count == 0; })) {
      continue;  // a handful of battles, all in this part: nothing to learn from
    }
    PenaltyPath path(with_prior_ties(counted_totals(problem.groups, rest), problem.beta.size(),
                                     table.pseudo_ties()),
                     counted_totals(problem.groups, counts), problem.beta.size());
    CUPEL_TRY_VOID(path.add_losses(penalties, options, problem.beta, problem.places, losses));
  }
  double mass = 0;  // of the battles, without pseudo-ties
  for (const OutcomeGroup& group : problem.groups) {
    mass += group.weight * static_cast<double>(group.count);
  }
  std::vector<GpmPenaltyTrial> trials;
  for (size_t k = 0; k < penalties.size(); ++k) {
    trials.push_back({.lambda_v = penalties[k], .held_out_log_loss = losses[k] / mass});
  }
  return trials;
}

size_t best_gpm_trial(std::span<const GpmPenaltyTrial> trials) {
  size_t best = 0;
  for (size_t k = 1; k < trials.size(); ++k) {
    // Less than the loss's own tolerance is no difference.
    if (trials[k].held_out_log_loss < trials[best].held_out_log_loss - 1e-9) {
      best = k;
    }
  }
  return best;
}

}  // namespace cupel::rank
