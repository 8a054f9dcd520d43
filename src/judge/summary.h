#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "judge/benchmark.h"
#include "judge/protocol.h"
#include "judge/run_costs.h"
#include "judge/run_folder.h"
#include "judge/standings.h"
#include "rank/score_statistics.h"
#include "rank/score_table.h"

namespace cupel::judge {

/// Verdicts of programs, or of the judge, about one model.
struct DeciderSummary {
  int64_t yes = 0;
  int64_t no = 0;
  int64_t unsure = 0;
  int64_t invalid = 0;
  std::optional<double> score;  ///< 9 · mean probability + 1 over these items alone
  [[nodiscard]] int64_t count() const { return yes + no + unsure + invalid; }
  /// Items that nobody decided: each counts half, which is no finding.
  [[nodiscard]] int64_t undecided() const { return unsure + invalid; }
};

/// One model's line.
struct ModelSummary {
  std::string name;
  std::string spec;
  bool is_control = false;
  rank::ScoreRow score;  ///< the headline: mean score with a question-clustered interval, tied rank
  std::optional<double> rating;  ///< Bradley-Terry, Elo points; absent below two models
  std::optional<numeric::Interval> rating_interval;  ///< absent below two questions
  std::map<std::string, double> categories;          ///< mean score
  DeciderSummary programs;
  DeciderSummary judge;
  int64_t answers = 0;
  int64_t truncated = 0;  ///< cut by the length limit
  int64_t verdicts = 0;   ///< outcomes about it
  int64_t invalid = 0;    ///< those of them that are none
  ModelUsage usage;       ///< of its answers
};

/// What a run says, computed from its rows alone: it can be made again at any time.
struct RunSummary {
  std::string benchmark;
  std::string title;
  std::string protocol;
  std::string judge;
  std::string baseline;  ///< of a protocol that takes one; empty: none
  std::string method;    ///< a sentence: what the score is
  ScoreScale scale;      ///< of all scores
  RunSettings settings;
  std::vector<std::string> categories;
  std::vector<ModelSummary> models;  ///< best first
  struct Difference {
    std::string a;
    std::string b;
    rank::PairedDifference paired;
  };
  std::vector<Difference> differences;  ///< the leader against each other model
  std::vector<std::string> incomplete;  ///< models of the run that miss rows
  std::vector<std::string> warnings;
  int64_t rows_per_model = 0;
  ModelUsage judge_usage;
  std::optional<double> total_cost;  ///< of everything in the run; absent without prices
  std::map<std::string, store::Price> prices;
  std::vector<JudgedItem> judged;  ///< what the numbers rest on
  rank::ScoreTable scores;
  rank::BattleTable comparisons;
  /// As `scores`, with the judge's items alone, where programs decide others: what the judge can
  /// tell by itself. Empty when no program decided anything.
  rank::ScoreTable judge_scores;
};

/// Strength of the ridge of the Bradley-Terry fit: a normal prior of sd 1/√0.1 ≈ 3.2 logits on each
/// strength, so that a model which loses everything still has a number. Stated in every report.
constexpr double kRatingRidge = 0.1;

/// From this share of a model's judge items on that nobody decided, a warning stands in the
/// summary.
constexpr double kUndecidedShare = 0.1;

/// Which models a summary shows.
enum class Coverage {
  /// Those with all their rows. When none has, all that have a valid verdict, without ratings:
  /// `warnings` then says that their numbers rest on part of the questions.
  kComplete,
  kLive,  ///< whoever has a valid verdict, with scores only: for the leaderboard that fills in
};

/// Sums up a run. Models that miss rows of the wanted questions are named in `incomplete`.
/// Errors: kInvalidArgument - no such protocol; kFailedPrecondition - no model has a valid verdict;
/// kCorruptData - damaged rows.
Result<RunSummary> summarise(const Benchmark& benchmark,
                             const RunFolder& run,
                             const std::string& judge,
                             const std::string& protocol,
                             Coverage coverage = Coverage::kComplete);

/// The JSON of `cupel eval --format json` and report.json; schema in docs/eval-json.md.
Json summary_to_json(const RunSummary& summary);

/// The paired difference, or nothing where the two share no question with valid scores.
Result<std::optional<rank::PairedDifference>> difference_of(const rank::ScoreTable& scores,
                                                            const std::string& a,
                                                            const std::string& b,
                                                            const rank::ScoreOptions& options);

/// Whether the judge left an item of any model undecided.
bool any_undecided(const RunSummary& summary);

/// Writes FastChat's model_answer/*.jsonl and model_judgment/*.jsonl.
Result<Ok> export_fastchat(const Benchmark& benchmark,
                           const RunFolder& run,
                           const RunSummary& summary);

}  // namespace cupel::judge
