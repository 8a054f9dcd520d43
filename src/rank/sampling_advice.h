#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "rank/battle_table.h"
#include "rank/ratings.h"

namespace cupel::rank {

/// How fast one more battle shrinks each pair's interval, as shares that add up to 1:
/// P(a) ∝ √(Σ_a/n_a) − √(Σ_a/(n_a + 1)).
///
/// Shapes: `variances` [K] of one battle of each pair, ≥ 0; `counts` [K] battles so far, ≥ 1;
/// result
///         [K]. All variances zero: equal shares.
/// Errors: kInvalidArgument - other lengths, a value out of range.
/// Source: Chiang et al. 2024, "Chatbot Arena" (arXiv 2403.04132), section 5.
Result<std::vector<double>> variance_reduction_shares(std::span<const double> variances,
                                                      std::span<const int64_t> counts);

enum class SamplingRule {
  /// In proportion to how much one more battle shrinks the pair's interval, the pair's variance
  /// falling as 1/n: the rule above with Σ_a/n_a the variance of the pair's difference.
  kVarianceReduction,
  /// In proportion to ln(1 + p(1 − p)·v_a), what one more battle adds to the log-determinant of the
  /// information of a Bradley-Terry fit: where all ratings together gain most (D-optimal design).
  kDOptimal,
  kUniform,  ///< every pair alike
};

struct SamplingOptions {
  SamplingRule rule = SamplingRule::kVarianceReduction;
  /// Share of battles that go to pairs at random, in [0, 1]: no pair's probability falls below it
  /// over the number of pairs, so estimates weighted by 1/probability stay bounded.
  double exploration = 0.1;
  int64_t most = 20;  ///< pairs in the answer, the likeliest ones, 1 to 1,000,000
};

/// A pair to ask next.
struct PairAdvice {
  int32_t a = 0;  ///< a < b
  int32_t b = 0;
  double probability = 0;     ///< of this pair among all pairs: log it, an estimate needs it
  int64_t battles = 0;        ///< so far
  double standard_error = 0;  ///< of the difference of the two ratings, Elo points
};

struct SamplingAdvice {
  std::vector<PairAdvice> pairs;  ///< likeliest first, equal ones by index
  int64_t pair_count = 0;         ///< all pairs of the table
  double least_probability = 0;   ///< what exploration leaves to every pair
  double listed_probability = 0;  ///< of the pairs in the answer together
};

/// Which pairs the next battles should go to.
///
/// Shapes: `ratings` of the table with their covariance (Elo points squared); where only variances
///         are known (too many models), two ratings count as independent.
/// Errors: kInvalidArgument - options out of range, fewer than 2 models; kFailedPrecondition - no
///         covariance.
/// Cost:   O(N + M²).
/// Source: as above; D-optimal: Pukelsheim 2006, "Optimal Design of Experiments", chapter 6.
Result<SamplingAdvice> sampling_advice(const BattleTable& table,
                                       const Ratings& ratings,
                                       const SamplingOptions& options = {});

}  // namespace cupel::rank
