// The middle of a cluster-robust sandwich (Liang & Zeger 1986; Cameron & Miller 2015, section II).
#include "rank/likelihood.h"
#include "rank/rows_by_cluster.h"

namespace cupel::rank {
namespace {

using numeric::Matrix;

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

/// A vector of parameters that remembers which entries are not zero.
class SparseScore {
 public:
  explicit SparseScore(size_t parameters) : values_(parameters), touched_(parameters) {}
  void add(size_t parameter, double value) {
    values_[parameter] += value;
    if (!touched_[parameter]) {
      touched_[parameter] = true;
      entries_.push_back(parameter);
    }
  }
  /// moment += times·s·sᵀ; the score is zero again.
  void flush(Matrix& moment, double times = 1) {
    for (const size_t i : entries_) {
      for (const size_t j : entries_) {
        moment(i, j) += times * values_[i] * values_[j];
      }
    }
    for (const size_t i : entries_) {
      values_[i] = 0;
      touched_[i] = false;
    }
    entries_.clear();
  }

 private:
  std::vector<double> values_;
  std::vector<bool> touched_;
  std::vector<size_t> entries_;
};

}  // namespace

Matrix clustered_score_moment(const BattleTable& table,
                              std::span<const double> features,
                              const PairwiseObjective& objective,
                              std::span<const double> x) {
  const PairwiseModel& model = objective.model();
  const size_t k = model.feature_count;
  const RowsByCluster order(table);
  Matrix moment(objective.dimension(), objective.dimension());
  SparseScore sum(objective.dimension());
  const auto add = [&](size_t row, double times) {
    const Battle battle = table.row(row);
    const std::span<const double> z = features.subspan(row * k, k);
    const PairwiseObjective::Score score = objective.score(x, battle, z);
    const double d = times * battle.weight * score.d;
    sum.add(at(battle.a), d);
    sum.add(at(battle.b), -d);
    for (size_t i = 0; i < k; ++i) {
      sum.add(model.models + i, d * z[i]);
    }
    if (objective.has_theta()) {
      sum.add(model.models + k, times * battle.weight * score.t);
    }
  };
  for (const size_t row : order.loose()) {
    add(row, 1);
    sum.flush(moment, static_cast<double>(table.row(row).count));
  }
  for (size_t cluster = 0; cluster < order.clusters(); ++cluster) {
    for (const size_t row : order.of(cluster)) {
      add(row, static_cast<double>(table.row(row).count));
    }
    sum.flush(moment);
  }
  return moment;
}

}  // namespace cupel::rank
