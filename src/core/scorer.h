#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/message.h"
#include "core/tokenizer.h"

namespace cupel {

/// Log-likelihood of completions after one shared prompt (computed once).
struct CompletionScoreRequest {
  Conversation messages;  ///< used unless raw_prompt is set; the generation prompt is added
  std::optional<std::string> raw_prompt;
  std::vector<std::string> completions;
  std::stop_token stop;  ///< ends the call early with kCancelled, where the model can
};
struct CompletionScore {
  std::vector<TokenId> ids;      ///< of the completion, tokenised apart from the prompt
  std::vector<double> logprobs;  ///< raw, nats, one per id
  double sum = 0;
};

/// Probabilities over a small label set for the token after each of several prompts. The prompts
/// share a prefix (the model finds the longest one itself, computes it once and forks).
struct LabelScoreRequest {
  std::vector<Conversation> prompts;
  std::vector<std::string> labels;  ///< e.g. {"Yes", "No"}
  std::stop_token stop;             ///< ends the call early with kCancelled, where the model can
};
struct LabelScores {
  /// Per label: the largest log-probability (nats, raw) among its one-token variants (with and
  /// without a leading blank, lower and upper case: RocketEval §2); nullopt when no variant was
  /// reported.
  std::vector<std::optional<double>> logprobs;
};
struct LabelScoreResponse {
  std::vector<LabelScores> scores;  ///< one per prompt
  int64_t prompt_tokens = 0;        ///< tokens of all prompts
  int64_t cached_tokens = 0;        ///< of these, served by the shared prefix
  double seconds = 0;
};

/// Scores texts instead of writing them. Thread-safe; blocks the caller.
class Scorer {
 public:
  virtual ~Scorer() = default;
  virtual Result<std::vector<CompletionScore>> score(const CompletionScoreRequest& request) = 0;
  /// Errors: kUnsupported when two labels share their first token for this tokenizer, or when an
  /// endpoint gives no log-probabilities.
  virtual Result<LabelScoreResponse> score_labels(const LabelScoreRequest& request) = 0;
};

}  // namespace cupel
