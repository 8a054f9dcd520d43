#pragma once

#include <cstdint>
#include <span>
#include <string>
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

/// Up to so many models, plain votes are joined in one pass over a table of counts.
inline constexpr size_t kMostCountedModels = 2048;

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

/// Numbers that belong to a battle: what distinguishes the answer of a from that of b (length,
/// lists, …).
struct BattleFeatures {
  std::vector<std::string> names;  ///< [K]
  std::vector<float> values;       ///< [rows, K] row-major: a minus b, as measured
};

/// Parts of a table that count on their own, e.g. kinds of prompts (method `composite`).
struct BattleComponents {
  NameIndex names;              ///< [C]
  std::vector<int32_t> ids;     ///< [rows] the component of each battle
  std::vector<double> weights;  ///< [C] ω > 0, need not sum to 1
};

/// Battles in columns: interned models, outcomes, weights, counts, clusters, features.
///
/// Rows keep the order of adding (online Elo depends on it). Soft outcomes, weights, counts and
/// clusters take no memory while they are all at their defaults: a plain vote costs 9 bytes.
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
  /// Appends many votes at once: 0 where b won, 1 for a tie, 2 where a won; `cluster` has one entry
  /// per vote, or none at all. The caller has checked that indices are the table's and that sides
  /// differ (a bug otherwise).
  void append_votes(std::span<const int32_t> a,
                    std::span<const int32_t> b,
                    std::span<const uint8_t> votes,
                    std::span<const int32_t> cluster);
  /// Gives every row its features. Errors: kInvalidArgument - not K values for each row, a value
  /// that is not finite, no name.
  Result<Ok> set_features(BattleFeatures features);
  /// Says which component each row belongs to. Errors: kInvalidArgument - not one for each row, a
  /// weight that is not positive and finite.
  Result<Ok> set_components(BattleComponents components);

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
  /// True when every outcome is a win or a tie, no shade between.
  [[nodiscard]] bool has_hard_outcomes() const { return soft_.empty(); }
  [[nodiscard]] const BattleFeatures& features() const { return features_; }
  /// The weight of a tie between every two models that nobody cast: prior weight, which fits add
  /// to what they know of the pairs, and which is no battle: resamples, folds, variances and counts
  /// leave it alone. 0: none.
  [[nodiscard]] double pseudo_ties() const { return pseudo_ties_; }
  /// Empty names: the table is one component.
  [[nodiscard]] const BattleComponents& components() const { return components_; }
  /// The features of a row [K].
  [[nodiscard]] std::span<const float> features(size_t row) const {
    const size_t k = features_.names.size();
    return std::span(features_.values).subspan(row * k, k);
  }
  [[nodiscard]] Battle row(size_t index) const {
    return {a_[index],
            b_[index],
            soft_.empty() ? 0.5 * static_cast<double>(vote_[index]) : soft_[index],
            weight_.empty() ? 1.0 : weight_[index],
            count_.empty() ? 1 : count_[index],
            cluster_.empty() ? kNoCluster : cluster_[index]};
  }

  /// The same battles with identical rows (sides put in alphabetical order of the names) joined by
  /// their counts.
  ///
  /// Rows come sorted by names, outcome, weight and cluster, so the result does not depend on the
  /// order of adding. Model indices stay as they are; features and components are left out. Cost:
  /// O(N + distinct rows) for plain votes of up to 2,048 models, else O(N log N).
  [[nodiscard]] BattleTable aggregated(ClusterUse use) const;

  /// Replaces the counts, one per row, each ≥ 0: how a resample is made without touching the other
  /// columns. A row of count 0 takes no part in anything.
  void set_counts(std::span<const int64_t> counts);
  /// Replaces the modelling weights, one per row. Errors: kInvalidArgument - another number of
  /// them, or one that is not positive and finite.
  Result<Ok> set_weights(std::vector<double> weights);
  /// Sets the prior weight. Errors: kInvalidArgument - negative or not finite.
  Result<Ok> set_pseudo_ties(double weight);
  /// An empty table with the same models, clusters and pseudo-ties.
  [[nodiscard]] BattleTable without_battles() const;
  /// Some of the rows, in the given order, with the same models, clusters and pseudo-ties.
  [[nodiscard]] BattleTable subset(std::span<const uint32_t> rows) const;
  /// The same rows with the models that fight at least `least` battles, and with the battles among
  /// those alone (others go with their battles, again and again until all that stay have enough).
  [[nodiscard]] BattleTable with_models_of(int64_t least) const;

 private:
  void append(const Battle& battle);
  void make_soft();
  [[nodiscard]] BattleTable aggregated_votes() const;

  NameIndex models_;
  NameIndex clusters_;
  std::vector<int32_t> a_;
  std::vector<int32_t> b_;
  std::vector<uint8_t> vote_;     // twice the outcome; empty when `soft_` is not
  std::vector<double> soft_;      // outcomes, once one is no win and no tie
  std::vector<double> weight_;    // empty: all 1
  std::vector<int64_t> count_;    // empty: all 1
  std::vector<int32_t> cluster_;  // empty: none
  BattleFeatures features_;
  BattleComponents components_;
  double pseudo_ties_ = 0;
};

/// Errors: kInvalidArgument - no battles (a file of nothing but a header), or fewer than two
/// models.
Result<Ok> require_battles(const BattleTable& table);

}  // namespace cupel::rank
