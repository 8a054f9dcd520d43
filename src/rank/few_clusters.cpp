#include "rank/few_clusters.h"

#include <cmath>
#include <limits>
#include <span>

#include "numeric/statistics.h"
#include "rank/rows_by_cluster.h"

namespace cupel::rank {
namespace {

/// Σ n and Σ n² of one model, or of all votes, and n of the cluster at hand.
struct Shares {
  double sum = 0;
  double squares = 0;
  double open = 0;

  void add(double n, double clusters) {
    sum += clusters * n;
    squares += clusters * n * n;
  }
  void close() {
    add(open, 1);
    open = 0;
  }
  [[nodiscard]] double effective() const { return squares > 0 ? sum * sum / squares : 0; }
};

}  // namespace

EffectiveClusters effective_clusters(const BattleTable& table) {
  const RowsByCluster rows(table);
  std::vector<Shares> models(table.model_count());
  Shares all;
  const auto each_side = [&](const Battle& battle, auto body) {
    body(models[static_cast<size_t>(battle.a)]);
    body(models[static_cast<size_t>(battle.b)]);
    body(all);
  };
  for (const size_t row : rows.loose()) {
    const Battle battle = table.row(row);
    each_side(battle, [&](Shares& shares) {
      shares.add(battle.weight, static_cast<double>(battle.count));
    });
  }
  for (size_t cluster = 0; cluster < rows.clusters(); ++cluster) {
    for (const size_t row : rows.of(cluster)) {
      const Battle battle = table.row(row);
      each_side(battle, [&](Shares& shares) {
        shares.open += battle.weight * static_cast<double>(battle.count);
      });
    }
    for (const size_t row : rows.of(cluster)) {
      each_side(table.row(row), [](Shares& shares) { shares.close(); });  // again: adds nothing
    }
  }
  EffectiveClusters result{.models = {}, .all = all.effective()};
  for (const Shares& shares : models) {
    result.models.push_back(shares.effective());
  }
  return result;
}

double few_cluster_critical(double normal, double clusters) {
  // Equal shares may come out a rounding error below 2.
  constexpr double kFewest = 2 - 1e-9;
  if (!(clusters >= kFewest)) {
    return std::numeric_limits<double>::infinity();
  }
  const double tail = numeric::normal_cdf(-normal);
  const double t = -numeric::student_t_quantile(tail, clusters - 1);
  return std::sqrt(clusters / (clusters - 1)) * t;
}

}  // namespace cupel::rank
