#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/chat_model.h"
#include "core/scorer.h"
#include "judge/benchmark.h"

namespace cupel::judge {

/// What is judged: one turn of one model's answers to one question.
struct JudgeItem {
  const Benchmark* benchmark = nullptr;
  const Question* question = nullptr;
  int turn = 1;                      ///< 1-based
  std::vector<std::string> answers;  ///< the model's own, up to and with this turn
};

/// What a protocol asks for: a judge's words, or label probabilities over prompts of one prefix
/// group.
struct JudgeRequest {
  std::variant<ChatRequest, LabelScoreRequest> call;
};
using JudgeResponse = std::variant<ChatResponse, LabelScoreResponse>;

enum class Verdict { kYes, kNo, kUnsure, kInvalid };
std::string_view verdict_name(Verdict verdict);  // "yes", "no", "unsure", "invalid"

/// One checklist item's verdict.
struct ItemVerdict {
  std::string id;
  std::string question;
  bool by_program = false;
  Verdict verdict = Verdict::kInvalid;
  std::optional<double> probability;  ///< of Yes; 1 or 0 when a program decided
};

/// The end of a protocol: a score of 1 to 10, or `invalid_reason`. Never both.
struct Outcome {
  std::optional<double> score;
  std::string invalid_reason;
  std::vector<ItemVerdict> items;
  std::string judgment;     ///< the judge's own words, if it wrote any
  std::string user_prompt;  ///< what it was asked
  std::string prompt_name;  ///< which judge prompt
};
Json outcome_to_json(const Outcome& outcome);
Result<Outcome> outcome_from_json(const Json& json);

/// Requests to make next, or the outcome.
struct ProtocolStep {
  std::vector<JudgeRequest> requests;
  std::optional<Outcome> outcome;
};

/// One way of judging. A resumable machine without state of its own: `next` is a pure function of
/// the item and of all responses so far, so it can go on after any response.
struct Protocol {
  std::string_view name;
  std::string_view summary;
  std::string_view source;
  bool needs_judge = true;    ///< false: works without one, as far as programs decide
  bool needs_scorer = false;  ///< the judge must give label probabilities
  /// Whether a benchmark has what this protocol needs. Errors: kFailedPrecondition, kNotFound.
  Result<Ok> (*check)(const Benchmark& benchmark);
  Result<ProtocolStep> (*next)(const JudgeItem& item, std::span<const JudgeResponse> responses);
};

/// All protocols, sorted by name.
const std::vector<Protocol>& protocols();
/// Errors: kInvalidArgument with a nearest-match hint.
Result<const Protocol*> find_protocol(std::string_view name);

}  // namespace cupel::judge
