#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "numeric/statistics.h"
#include "rank/score_table.h"

namespace cupel::rank {

/// Below this many questions there is no interval, and nobody is shown to be better: five questions
/// that agree in sign do so by chance once in 16.
constexpr int64_t kFewestQuestions = 6;

struct ScoreOptions {
  double confidence = 0.95;  ///< of every interval, in (0, 1)
  int64_t rounds = 2000;     ///< bootstrap resamples of the questions, 2 to 1,000,000
  uint64_t seed = 0;         ///< a round's draws depend on (seed, round) alone
};

/// How two models differ on the items that both have a valid score for.
struct PairedDifference {
  double difference = 0;  ///< mean over shared items of score of a minus score of b
  /// Analytic, the question as the unit: √(Q/(Q−1)·Σ_q (D_q − n_q·difference)²)/Σ n_q, D_q the
  /// summed differences and n_q the items of question q. Absent when fewer than 2 questions are
  /// shared.
  std::optional<double> standard_error;
  /// Expanded bootstrap percentiles; absent below kFewestQuestions.
  std::optional<numeric::Interval> interval;
  std::optional<double>
      bootstrap_standard_error;  ///< sd of the resampled differences; absent as above
  /// Share of resamples in which a is ahead, an exact draw counted as half; absent as above.
  std::optional<double> sign_probability;
  int64_t questions = 0;  ///< questions shared
  int64_t items = 0;      ///< items shared
  int64_t unpaired = 0;   ///< cells of either model without a valid partner
};

/// Compares two models by a question-clustered bootstrap: whole questions are resampled, both
/// models together.
///
/// Items of one question (turns, checklist lines) depend on each other; taking them for independent
/// makes the error too small (MT-Bench's published judgments: 0.248 instead of 0.271).
/// The interval is the expanded percentile interval: with 6 to 24 questions and no true difference
/// plain percentiles exclude zero in 15% to 7% of cases, these in 6% to 5% (normal data). Errors:
/// kNotFound - no such model (with a hint); kFailedPrecondition - no shared item; kInvalidArgument
/// - options
///         out of range.
/// Cost:   O(rounds · Q); deterministic; independent of the order of rows and of other models in
/// the table. Source: Cameron & Miller 2015, "A practitioner's guide to cluster-robust inference";
/// Hesterberg 2015, "What teachers should know about the bootstrap", section 5.3; Miller 2024
/// (arXiv
///         2411.00640). Checked against: tests/rank/mt_bench_scores_test.cpp.
Result<PairedDifference> paired_difference(const ScoreTable& scores,
                                           const std::string& model_a,
                                           const std::string& model_b,
                                           const ScoreOptions& options = {});

/// One line of the headline table.
struct ScoreRow {
  std::string model;
  double mean = 0;                            ///< over all valid cells
  std::optional<double> standard_error;       ///< as in PairedDifference; absent below 2 questions
  std::optional<numeric::Interval> interval;  ///< as in PairedDifference
  int64_t rank = 1;  ///< 1 + number of models whose paired difference to this one lies above zero
  int64_t rank_class = 1;  ///< see rank_classes.h
  int64_t questions = 0;   ///< with at least one valid cell
  int64_t items = 0;       ///< valid cells
  int64_t missing = 0;     ///< cells without a valid score
};

/// The headline: mean scores with question-clustered bootstrap intervals and tied ranks by paired
/// differences.
///
/// Shapes: one row per model, best mean first, equal means by name.
/// Missing: missing cells are counted and enter no mean; a resample in which a model has no valid
/// cell is left out
///          of that model's interval. Where no interval exists nobody is shown to be better, and
///          ranks tie.
/// Errors: kInvalidArgument - an empty table, options out of range; kFailedPrecondition - a model
/// without any valid
///         score (named).
/// Cost:   O(M² · (rounds · Q + cells)); deterministic; independent of the order of rows and
/// models.
Result<std::vector<ScoreRow>> score_leaderboard(const ScoreTable& scores,
                                                const ScoreOptions& options = {});

}  // namespace cupel::rank
