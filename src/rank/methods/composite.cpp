// Composite Bradley-Terry: one strength per model from several kinds of battles, each kind with a
// weight of its own whatever the number of its battles (lmarena/arena-rank).
#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "rank/connectivity.h"
#include "rank/likelihood.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank::method {
namespace {

using numeric::Matrix;

constexpr std::array kParameters = {
    RatingParameter{.name = "lambda",
                    .value = 1e-5,
                    .low = 0,
                    .high = 1e9,
                    .summary = "penalty 0.5*lambda*|beta|^2 on the weighted mean losses"}};

/// Σ over a component, and its weight ω.
struct Component {
  double weight = 1;
  double mass = 0;  ///< N_k = Σ w
};

size_t component_of(const BattleTable& table, size_t row) {
  return static_cast<size_t>(table.components().ids[row]);
}

std::vector<Component> components_of(const BattleTable& table) {
  std::vector<Component> parts(table.components().names.size());
  for (size_t k = 0; k < table.components().weights.size(); ++k) {
    parts[k].weight = table.components().weights[k];
  }
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    parts[component_of(table, i)].mass += battle.weight * static_cast<double>(battle.count);
  }
  return parts;
}

/// The same battles, each weighing ω_k / N_k of its component.
Result<BattleTable> weighed(const BattleTable& table, const std::vector<Component>& parts) {
  BattleTable result = table.without_battles();
  for (size_t i = 0; i < table.rows(); ++i) {
    Battle battle = table.row(i);
    const Component& part = parts[component_of(table, i)];
    if (battle.count > 0) {
      battle.weight *= part.weight / part.mass;
      CUPEL_TRY_VOID(result.add(battle));
    }
  }
  return result;
}

/// Sums of one component: of scores s by weight and by squared weight.
struct ScoreSums {
  std::vector<double> mean;      ///< m = Σ w·s / N
  std::vector<double> weighted;  ///< q = Σ w²·s
  double squares = 0;            ///< Σ w²
};

/// Centres the scores of each component at its mean m_k: only the weighted sum of the means
/// vanishes at the optimum, not each. Σ w²(s − m)(s − m)ᵀ = Σ w²·s·sᵀ − m·qᵀ − q·mᵀ + Σ w²·m·mᵀ,
/// times (ω_k/N_k)².
void centre(const BattleTable& table,
            const std::vector<Component>& parts,
            std::span<const double> x,
            Matrix& moment) {
  const size_t models = table.model_count();
  std::vector<ScoreSums> sums(parts.size(),
                              {std::vector<double>(models), std::vector<double>(models), 0});
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    const size_t k = component_of(table, i);
    const auto a = static_cast<size_t>(battle.a);
    const auto b = static_cast<size_t>(battle.b);
    const double mass = battle.weight * static_cast<double>(battle.count);
    const double score = numeric::sigmoid(x[a] - x[b]) - battle.outcome;
    sums[k].mean[a] += mass * score / parts[k].mass;
    sums[k].mean[b] -= mass * score / parts[k].mass;
    sums[k].weighted[a] += mass * battle.weight * score;
    sums[k].weighted[b] -= mass * battle.weight * score;
    sums[k].squares += mass * battle.weight;
  }
  for (size_t k = 0; k < parts.size(); ++k) {
    if (parts[k].mass == 0) {
      continue;
    }
    const double scale = parts[k].weight / parts[k].mass;
    const ScoreSums& s = sums[k];
    for (size_t i = 0; i < models; ++i) {
      for (size_t j = 0; j < models; ++j) {
        moment(i, j) -= scale * scale *
                        (s.mean[i] * s.weighted[j] + s.weighted[i] * s.mean[j] -
                         s.squares * s.mean[i] * s.mean[j]);
      }
    }
  }
}

Result<Ratings> fit(const RatingInput& input, const RatingOptions& options) {
  const BattleTable& table = input.table;
  const double lambda = setting(kParameters, options, "lambda");
  // The default is there for numbers' sake: only who asked for a penalty gets strengths from it.
  const bool asked = std::any_of(options.settings.begin(), options.settings.end(),
                                 [](const auto& s) { return s.name == "lambda"; });
  if (lambda == 0 || !asked) {
    CUPEL_TRY_VOID(require_finite_strengths(table.models(), input.pairs));
  }
  if (table.components().ids.empty()) {
    double mass = 0;
    for (const PairTotal& pair : input.pairs) {
      mass += pair.mass;
    }
    return fit_pairs(input, TieModel::kHalfWin, lambda * mass, options);  // one kind of all
  }
  const std::vector<Component> parts = components_of(table);
  CUPEL_TRY(const BattleTable battles, weighed(table, parts));
  const std::vector<PairTotal> pairs = pair_totals(battles);
  LikelihoodProblem problem{.model = {.items = pairs, .models = input.models(), .ridge = lambda},
                            .covariance = options.covariance,
                            .start = options.resample_of};
  problem.moment = [&](const PairwiseObjective& objective, std::span<const double> x) {
    if (options.clustered && battles.has_clusters()) {
      return clustered_score_moment(battles, {}, objective, x);  // clusters span kinds: not centred
    }
    Matrix moment = objective.score_moment(x);
    centre(table, parts, x, moment);
    return moment;
  };
  return maximise_likelihood(problem);
}

}  // namespace

RatingMethod composite() {
  return {.name = "composite",
          .summary = "one bradley_terry strength from several kinds of battles, each with a weight",
          .source = "lmarena/arena-rank 2025, composite Bradley-Terry",
          .formula = "P(i beats j) = σ(β_i − β_j), fitted to Σ_k ω_k · mean loss of kind k",
          .reads_rows = true,
          .has_covariance = true,
          .parameters = kParameters,
          .fit = &fit};
}

}  // namespace cupel::rank::method
