#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rank/name_index.h"

namespace cupel::rank {

// Outcomes as the share of the point that model a takes.
inline constexpr double kWinA = 1.0;
inline constexpr double kTie = 0.5;
inline constexpr double kWinB = 0.0;

inline constexpr int32_t kNoCluster = -1;

/// One pair played, or `count` identical ones.
struct Battle {
  int32_t a = 0;          ///< index of a model of the table
  int32_t b = 0;          ///< index of another model
  double outcome = kTie;  ///< share of the point for a, in [0, 1]; a preference may be soft
  double weight =
      1;  ///< modelling weight > 0; changes the estimate, not the number of observations
  int64_t count = 1;  ///< how many identical battles the row stands for, ≥ 1
  int32_t cluster =
      kNoCluster;  ///< battles of one cluster (user, prompt, question) may depend on each other
};

/// Whether a resummarised table keeps battles of different clusters apart.
enum class ClusterUse { kKeep, kDrop };

/// Battles in columns: interned models, outcomes, weights, counts, clusters.
///
/// Rows keep the order of adding (online Elo depends on it). Weights, counts and clusters take no
/// memory while they are all at their defaults: a plain vote costs 16 bytes.
class BattleTable {
 public:
  int32_t intern_model(std::string_view name) { return models_.intern(name); }
  int32_t intern_cluster(std::string_view name) { return clusters_.intern(name); }

  /// Appends a battle between interned models.
  ///
  /// Errors: kInvalidArgument - a model against itself, an outcome outside [0, 1], a weight that is
  /// not positive
  ///         and finite, a count below 1; the table is unchanged.
  Result<Ok> add(const Battle& battle);
  /// Appends one battle by names; errors as above, and an empty name.
  Result<Ok> add(std::string_view model_a, std::string_view model_b, double outcome);

  [[nodiscard]] const NameIndex& models() const { return models_; }
  [[nodiscard]] const NameIndex& clusters() const { return clusters_; }
  [[nodiscard]] size_t model_count() const { return models_.size(); }
  [[nodiscard]] size_t rows() const { return a_.size(); }
  /// Number of battles: the sum of the counts.
  [[nodiscard]] int64_t battle_count() const;
  /// Number of battles of each model [M].
  [[nodiscard]] std::vector<int64_t> battles_per_model() const;
  /// True when at least one row names its cluster.
  [[nodiscard]] bool has_clusters() const { return !cluster_.empty(); }
  [[nodiscard]] Battle row(size_t index) const {
    return {a_[index],
            b_[index],
            outcome_[index],
            weight_.empty() ? 1.0 : weight_[index],
            count_.empty() ? 1 : count_[index],
            cluster_.empty() ? kNoCluster : cluster_[index]};
  }

  /// The same battles with identical rows (sides put in alphabetical order of the names) joined by
  /// their counts.
  ///
  /// Rows come sorted by names, outcome, weight and cluster, so the result does not depend on the
  /// order of adding. Model indices stay as they are. Cost: O(N log N).
  [[nodiscard]] BattleTable aggregated(ClusterUse use) const;

  /// Replaces the counts, one per row, each ≥ 0: how a resample is made without touching the other
  /// columns. A row of count 0 takes no part in anything.
  void set_counts(std::span<const int64_t> counts);
  /// An empty table with the same models and clusters.
  [[nodiscard]] BattleTable without_battles() const;

 private:
  void append(const Battle& battle);

  NameIndex models_;
  NameIndex clusters_;
  std::vector<int32_t> a_;
  std::vector<int32_t> b_;
  std::vector<double> outcome_;
  std::vector<double> weight_;    // empty: all 1
  std::vector<int64_t> count_;    // empty: all 1
  std::vector<int32_t> cluster_;  // empty: none
};

/// Errors: kInvalidArgument - no battles (a file of nothing but a header), or fewer than two
/// models.
Result<Ok> require_battles(const BattleTable& table);

}  // namespace cupel::rank
