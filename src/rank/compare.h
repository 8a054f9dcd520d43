#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "numeric/dense.h"
#include "numeric/statistics.h"
#include "rank/ranking_file.h"

namespace cupel::rank {

/// +1 for a pair that both sides order alike, −1 where they disagree, 0 where the intervals of
/// either overlap; the mean over all pairs, in [−1, 1]. Absent below two items.
///
/// Shapes: intervals of the same n items on both sides.   Cost: O(n²).
/// Source: Li et al. 2024 (arXiv 2406.11939), agreement with confidence.
std::optional<double> agreement_with_confidence(std::span<const numeric::Interval> a,
                                                std::span<const numeric::Interval> b);

/// Mean (p_ij − o_ij)² over pairs: `predictions` the chance that i stands above j, `outcomes` 1
/// where it does, 0 where it does not, ½ where they are equal. Absent without a pair. Source: Brier
/// 1950; for rankings Li et al. 2024.
std::optional<double> pair_rank_brier(std::span<const double> predictions,
                                      std::span<const double> outcomes);

/// Share of bootstrap rounds in which i is rated above j [n, n], equal ratings as half of one.
/// Shapes: `draws` [rounds, n].   Cost: O(rounds·n²).
numeric::Matrix above_probabilities(const numeric::Matrix& draws);

struct CompareOptions {
  /// Confidence that the intervals of the first ranking were made with; only the Brier score needs
  /// it.
  double confidence = 0.95;
};

/// What two rankings have in common.
struct RankingComparison {
  int64_t shared = 0;                    ///< items that both rank; all that follows is about them
  std::vector<std::string> only_a;       ///< sorted
  std::vector<std::string> only_b;       ///< sorted
  std::optional<double> kendall;         ///< τ-b; absent where one side ranks all alike
  std::optional<double> spearman;        ///< as above
  std::optional<double> separability_a;  ///< share of pairs whose intervals do not overlap
  std::optional<double> separability_b;  ///< both absent where an interval is missing
  std::optional<double> agreement;  ///< with confidence; absent unless both sides have intervals
  /// Pair-rank Brier score of the first ranking with the second as the truth: the chance that i
  /// stands above j is Φ of their difference over its standard error, taken from the intervals'
  /// widths as if the two were independent. Absent without intervals on the first side.
  std::optional<double> brier;
};

/// Compares two rankings of (mostly) the same items, matched by name.
///
/// Errors: kFailedPrecondition - fewer than 2 items in common (some of either side are named);
///         kInvalidArgument - confidence outside (0, 1).
/// Cost:   O(n²).
Result<RankingComparison> compare_rankings(const Ranking& a,
                                           const Ranking& b,
                                           const CompareOptions& options = {});

}  // namespace cupel::rank
