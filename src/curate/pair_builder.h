#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/chat_model.h"
#include "curate/pair_folder.h"
#include "curate/pairs.h"
#include "curate/prompt_set.h"
#include "numeric/statistics.h"

namespace cupel::curate {

/// The answers to a prompt, by sample.
struct AnsweredPrompt {
  const RulePrompt* prompt = nullptr;
  std::vector<SampledAnswer> answers;
};

struct SampleOptions {
  int64_t samples = 8;       ///< answers to each prompt
  SamplingOptions sampling;  ///< its seed is that of all draws
  std::stop_token stop;
  std::function<void(bool resumed)> on_answer;  ///< one call at a time
};

/// Asks the model `samples` times for each prompt, as far as the folder does not hold the answers.
/// The draws of an answer depend on (seed, prompt, sample) alone, so that prompts may be added.
/// Errors: those of the model, kCancelled; what is there stays, and the same call goes on. A prompt
/// that does not fit into the context is an answer with an error.
Result<std::vector<AnsweredPrompt>> sample_answers(ChatModel& model,
                                                   const std::vector<RulePrompt>& prompts,
                                                   PairFolder& folder,
                                                   const SampleOptions& options);

/// What came of it.
struct PairSummary {
  int64_t prompts = 0;
  int64_t answers = 0;    ///< that there are
  int64_t errors = 0;     ///< that could not be had
  int64_t cut_short = 0;  ///< by the limit of tokens
  int64_t passed = 0;
  double pass_rate = 0;  ///< of `answers`
  /// 95%, with the prompt as the unit; absent below 6 prompts (rank/score_statistics.h).
  std::optional<numeric::Interval> interval;
  double mean_tokens = 0;  ///< of an answer

  int64_t pairs = 0;
  int64_t paired_prompts = 0;
  int64_t all_pass = 0;       ///< prompts without a pair since every answer passes
  int64_t none_passes = 0;    ///< … since no answer does
  int64_t no_answer = 0;      ///< … since there is no answer at all
  int64_t too_few_whole = 0;  ///< … since all that pass, or all that fail, are cut short or empty
  int64_t no_match = 0;       ///< … since no two whole answers are of like length
  double chosen_tokens = 0;   ///< mean over pairs
  double rejected_tokens = 0;
};

/// Pairs of all prompts, as rows of training data (docs/training-data.md), and the summary.
struct BuiltPairs {
  std::vector<Json> rows;
  PairSummary summary;
};
Result<BuiltPairs> build_pairs(const std::vector<AnsweredPrompt>& answered,
                               const PairOptions& options);

/// All answers of a prompt as one row of ranked answers; scores are shares of the rule's items.
Json answers_to_json(const AnsweredPrompt& answered);
Json summary_to_json(const PairSummary& summary);

}  // namespace cupel::curate
