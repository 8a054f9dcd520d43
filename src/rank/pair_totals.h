#pragma once

#include <cstdint>
#include <vector>

#include "rank/battle_table.h"

namespace cupel::rank {

/// All that the likelihood of one pair of models depends on. Sums run over the pair's battles, each
/// `count` times; w is the weight and y the outcome for a.
struct PairTotal {
  int32_t a = 0;
  int32_t b = 0;
  double mass = 0;   ///< Σ w
  double won = 0;    ///< Σ w·y
  double tied = 0;   ///< Σ w over y = ½
  double mass2 = 0;  ///< Σ w²      (this and the next three: the score's variance; battles alone)
  double won2 = 0;   ///< Σ w²·y
  double won22 = 0;  ///< Σ w²·y²
  double tied2 = 0;  ///< Σ w² over y = ½

  /// Weight of the wins of a, and of b, ties left out; meant for outcomes without shades.
  [[nodiscard]] double wins_a() const { return beyond_rounding(won - 0.5 * tied); }
  [[nodiscard]] double wins_b() const { return beyond_rounding(mass - won - 0.5 * tied); }

  /// Adds `count` battles of one kind; `outcome` is the share of a.
  void add(double outcome, double weight, double count) {
    const double w = count * weight;
    const double w2 = w * weight;
    mass += w;
    won += w * outcome;
    mass2 += w2;
    won2 += w2 * outcome;
    won22 += w2 * outcome * outcome;
    if (outcome == kTie) {
      tied += w;
      tied2 += w2;
    }
  }

  /// Adds a tie that is prior weight: no battle, so the score's variance has no part of it.
  void add_prior_tie(double weight) {
    mass += weight;
    won += weight * kTie;
    tied += weight;
  }

 private:
  /// A win and a tie of weight 0.3 leave 3e-17 of a win for the other side, which is none.
  [[nodiscard]] double beyond_rounding(double wins) const { return wins > 1e-12 * mass ? wins : 0; }
};

/// Sums a table up by pairs, a < b, sorted by (a, b), its pseudo-ties among them; features are left
/// out.
///
/// Cost: O(N + pairs) up to 2,048 models, else O(N log N).
std::vector<PairTotal> pair_totals(const BattleTable& table);
/// The same of the battles alone, without pseudo-ties.
std::vector<PairTotal> battle_totals(const BattleTable& table);

/// The same pairs and all others of `models` models, each with a prior tie of that weight; 0: as
/// they are. `pairs` a < b, sorted by (a, b), and so the result.
std::vector<PairTotal> with_prior_ties(std::vector<PairTotal> pairs, size_t models, double weight);

}  // namespace cupel::rank
