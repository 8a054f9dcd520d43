// Composite Bradley-Terry: one strength per model from several kinds of battles, each kind with a
// weight of its own whatever the number of its battles (lmarena/arena-rank).
#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "rank/connectivity.h"
#include "rank/likelihood.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"
#include "rank/rows_by_cluster.h"

namespace cupel::rank::method {
namespace {

using numeric::Matrix;

constexpr std::array kParameters = {
    RatingParameter{.name = "lambda",
                    .value = 1e-5,
                    .low = 0,
                    .high = 1000,  // losses are means: their curvature is ¼ at most
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

/// Centres the scores of each component k at their mean m_k: only the weighted sum of the means
/// vanishes at the optimum, not each. N_k is an estimate too, so a unit u (a cluster, or a battle
/// on its own) moves the weighted sum by a_u − Σ_k v_uk·m_k, where a_u = Σ (ω_k/N_k)·w·s over its
/// battles and v_uk = (ω_k/N_k)·Σ w over those of component k (a ratio estimator's linear form:
/// Cochran 1977, "Sampling Techniques", section 6.3). Against the uncentred Σ_u a·aᵀ that makes
///
///   − Σ_k (q_k·m_kᵀ + m_k·q_kᵀ) + Σ_kl S_kl·m_k·m_lᵀ,  q_k = Σ_u v_uk·a_u,  S_kl = Σ_u v_uk·v_ul.
class Centring {
 public:
  Centring(const BattleTable& table, const std::vector<Component>& parts, std::span<const double> x)
      : table_(table),
        parts_(parts),
        x_(x),
        means_(parts.size(), table.model_count()),
        products_(parts.size(), table.model_count()) {
    for (size_t i = 0; i < table.rows(); ++i) {
      const Battle battle = table.row(i);
      const size_t k = component_of(table, i);
      if (battle.count > 0) {
        const double share = battle.weight * static_cast<double>(battle.count) / parts[k].mass;
        add_score(battle, share, means_.row(k));
      }
    }
  }

  /// Adds the correction to the moment of the uncentred scores.
  void apply(bool clustered, Matrix& moment) {
    if (clustered) {
      const RowsByCluster rows(table_);
      for (const size_t row : rows.loose()) {
        add_battle(row);
      }
      for (size_t cluster = 0; cluster < rows.clusters(); ++cluster) {
        add_cluster(rows.of(cluster));
      }
    } else {
      for (size_t row = 0; row < table_.rows(); ++row) {
        add_battle(row);
      }
    }
    // T_k = Σ_l S_kl·m_l
    Matrix turned(parts_.size(), table_.model_count());
    for (const auto& [pair, value] : squares_) {
      for (size_t i = 0; i < turned.columns(); ++i) {
        turned(pair.first, i) += value * means_(pair.second, i);
      }
    }
    for (size_t k = 0; k < parts_.size(); ++k) {
      for (size_t i = 0; i < turned.columns(); ++i) {
        for (size_t j = 0; j < turned.columns(); ++j) {
          moment(i, j) +=
              means_(k, i) * (turned(k, j) - products_(k, j)) - products_(k, i) * means_(k, j);
        }
      }
    }
  }

 private:
  /// sum += times·s of a battle.
  void add_score(const Battle& battle, double times, std::span<double> sum) const {
    const auto a = static_cast<size_t>(battle.a);
    const auto b = static_cast<size_t>(battle.b);
    const double score = times * (numeric::sigmoid(x_[a] - x_[b]) - battle.outcome);
    sum[a] += score;
    sum[b] -= score;
  }
  /// ω_k/N_k; of a component whose rows all have count 0 nothing.
  [[nodiscard]] double scale(size_t k) const {
    return parts_[k].mass > 0 ? parts_[k].weight / parts_[k].mass : 0;
  }

  /// A row whose every battle is a unit.
  void add_battle(size_t row) {
    const Battle battle = table_.row(row);
    const size_t k = component_of(table_, row);
    const double v = scale(k) * battle.weight;
    const auto count = static_cast<double>(battle.count);
    add_score(battle, count * v * v, products_.row(k));
    squares_[{k, k}] += count * v * v;
  }
  void add_cluster(std::span<const size_t> rows) {
    shares_.clear();
    for (const size_t row : rows) {
      const Battle battle = table_.row(row);
      const size_t k = component_of(table_, row);
      shares_[k] += scale(k) * battle.weight * static_cast<double>(battle.count);
    }
    for (const size_t row : rows) {
      const Battle battle = table_.row(row);
      const double own =
          scale(component_of(table_, row)) * battle.weight * static_cast<double>(battle.count);
      for (const auto& [k, v] : shares_) {
        add_score(battle, own * v, products_.row(k));
      }
    }
    for (const auto& [k, v] : shares_) {
      for (const auto& [l, other] : shares_) {
        squares_[{k, l}] += v * other;
      }
    }
  }

  const BattleTable& table_;
  const std::vector<Component>& parts_;
  std::span<const double> x_;
  Matrix means_;                                         // [C, M] m_k
  Matrix products_;                                      // [C, M] q_k
  std::map<std::pair<size_t, size_t>, double> squares_;  // S_kl
  std::map<size_t, double> shares_;                      // v_uk of one unit
};

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
                            .start = options.resample_of,
                            .threads = options.threads};
  problem.moment = [&](const PairwiseObjective& objective, std::span<const double> x) {
    const bool clustered = options.clustered && battles.has_clusters();
    Matrix moment =
        clustered ? clustered_score_moment(battles, {}, objective, x) : objective.score_moment(x);
    Centring(table, parts, x).apply(clustered, moment);
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
          .needs_one_group = true,
          .has_covariance = true,
          .parameters = kParameters,
          .fit = &fit};
}

}  // namespace cupel::rank::method
