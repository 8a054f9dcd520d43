#include "rank/pairwise_logistic.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "numeric/logistic.h"

namespace cupel::rank {
namespace {

using numeric::log1p_exp;
using numeric::Matrix;
using numeric::sigmoid;

constexpr size_t kMostDenseModels = 1024;

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

double delta(const PairTotal& pair, std::span<const double> beta) {
  return beta[at(pair.a)] - beta[at(pair.b)];
}

/// Adds x·ddᵀ with d = e_a − e_b.
void add_pair(Matrix& out, int32_t a, int32_t b, double x) {
  out(at(a), at(a)) += x;
  out(at(b), at(b)) += x;
  out(at(a), at(b)) -= x;
  out(at(b), at(a)) -= x;
}

void add_battle(PairTotal& pair, const Battle& battle, bool swapped) {
  const auto count = static_cast<double>(battle.count);
  const double y = swapped ? 1 - battle.outcome : battle.outcome;
  const double w = battle.weight;
  pair.mass += count * w;
  pair.won += count * w * y;
  pair.mass2 += count * w * w;
  pair.won2 += count * w * w * y;
  pair.won22 += count * w * w * y * y;
}

/// Finds the total of a pair: a flat table of slots for few models, a tree for many.
class PairSlots {
 public:
  explicit PairSlots(size_t models) : models_(models) {
    if (models <= kMostDenseModels) {
      dense_.assign(models * models, -1);
    }
  }
  PairTotal& total(int32_t a, int32_t b) {
    int32_t& slot = dense_.empty() ? sparse_.try_emplace({a, b}, -1).first->second
                                   : dense_[at(a) * models_ + at(b)];
    if (slot < 0) {
      slot = static_cast<int32_t>(totals_.size());
      totals_.push_back({.a = a, .b = b});
    }
    return totals_[at(slot)];
  }
  std::vector<PairTotal> take_sorted() {
    std::sort(totals_.begin(), totals_.end(), [](const PairTotal& x, const PairTotal& y) {
      return std::pair(x.a, x.b) < std::pair(y.a, y.b);
    });
    return std::move(totals_);
  }

 private:
  size_t models_;
  std::vector<int32_t> dense_;
  std::map<std::pair<int32_t, int32_t>, int32_t> sparse_;
  std::vector<PairTotal> totals_;
};

/// The summed score of the cluster in hand; remembers which entries it touched.
class ClusterScore {
 public:
  explicit ClusterScore(size_t models) : score_(models), touched_(models) {}
  void add(const Battle& battle, double residual) {
    add(battle.a, residual);
    add(battle.b, -residual);
  }
  void flush(Matrix& moment) {
    for (const int32_t i : models_) {
      for (const int32_t j : models_) {
        moment(at(i), at(j)) += score_[at(i)] * score_[at(j)];
      }
    }
    for (const int32_t i : models_) {
      score_[at(i)] = 0;
      touched_[at(i)] = false;
    }
    models_.clear();
  }

 private:
  void add(int32_t model, double value) {
    score_[at(model)] += value;
    if (!touched_[at(model)]) {
      touched_[at(model)] = true;
      models_.push_back(model);
    }
  }
  std::vector<double> score_;
  std::vector<bool> touched_;
  std::vector<int32_t> models_;
};

}  // namespace

std::vector<PairTotal> pair_totals(const BattleTable& table) {
  PairSlots slots(table.model_count());
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    if (battle.count > 0) {
      const bool swapped = battle.a > battle.b;
      PairTotal& total =
          swapped ? slots.total(battle.b, battle.a) : slots.total(battle.a, battle.b);
      add_battle(total, battle, swapped);
    }
  }
  return slots.take_sorted();
}

double PairwiseLogistic::evaluate(std::span<const double> beta, std::span<double> gradient) const {
  double penalty = 0;
  for (size_t i = 0; i < models_; ++i) {
    gradient[i] = ridge_ * beta[i];
    penalty += 0.5 * ridge_ * beta[i] * beta[i];
  }
  for (const PairTotal& pair : pairs_) {
    const double residual = pair.mass * sigmoid(delta(pair, beta)) - pair.won;
    gradient[at(pair.a)] += residual;
    gradient[at(pair.b)] -= residual;
  }
  return negative_log_likelihood(beta) + penalty;
}

void PairwiseLogistic::hessian(std::span<const double> beta, Matrix& out) const {
  double trace = 0;
  for (const PairTotal& pair : pairs_) {
    const double d = delta(pair, beta);
    const double curvature = pair.mass * sigmoid(d) * sigmoid(-d);
    add_pair(out, pair.a, pair.b, curvature);
    trace += 2 * curvature;
  }
  // Any positive size does; the mean diagonal entry keeps the matrix well conditioned.
  const auto m = static_cast<double>(models_);
  const double gauge = std::max(trace / m, 1e-300) / m;
  for (size_t i = 0; i < models_; ++i) {
    for (size_t j = 0; j < models_; ++j) {
      out(i, j) += gauge;
    }
    out(i, i) += ridge_;
  }
}

double PairwiseLogistic::negative_log_likelihood(std::span<const double> beta) const {
  double sum = 0;
  for (const PairTotal& pair : pairs_) {
    const double d = delta(pair, beta);
    sum += pair.won * log1p_exp(-d) + (pair.mass - pair.won) * log1p_exp(d);
  }
  return sum;
}

Matrix PairwiseLogistic::score_moment(std::span<const double> beta) const {
  Matrix moment(models_, models_);
  for (const PairTotal& pair : pairs_) {
    const double p = sigmoid(delta(pair, beta));
    // Σ w²(y − p)², expanded; rounding may leave a tiny negative when all y equal p.
    const double square = pair.won22 - 2 * p * pair.won2 + p * p * pair.mass2;
    add_pair(moment, pair.a, pair.b, std::max(square, 0.0));
  }
  return moment;
}

Matrix clustered_score_moment(const BattleTable& table, std::span<const double> beta) {
  std::vector<size_t> order(table.rows());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t x, size_t y) { return table.row(x).cluster < table.row(y).cluster; });
  Matrix moment(table.model_count(), table.model_count());
  ClusterScore score(table.model_count());
  int32_t current = kNoCluster;
  for (const size_t index : order) {
    const Battle battle = table.row(index);
    if (battle.cluster != current) {
      score.flush(moment);
      current = battle.cluster;
    }
    const double p = sigmoid(beta[at(battle.a)] - beta[at(battle.b)]);
    const double residual = battle.weight * (battle.outcome - p);
    const auto count = static_cast<double>(battle.count);
    if (battle.cluster == kNoCluster) {
      add_pair(moment, battle.a, battle.b, count * residual * residual);
    } else {
      score.add(battle, count * residual);
    }
  }
  score.flush(moment);
  return moment;
}

}  // namespace cupel::rank
