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
#include "judge/judge_item.h"
#include "judge/outcome.h"
#include "judge/standings.h"

namespace cupel::judge {

/// What a protocol asks for: a judge's words, or label probabilities over prompts of one prefix
/// group.
struct JudgeRequest {
  std::variant<ChatRequest, LabelScoreRequest> call;
};
using JudgeResponse = std::variant<ChatResponse, LabelScoreResponse>;

/// Requests to make next, or the outcome.
struct ProtocolStep {
  std::vector<JudgeRequest> requests;
  std::optional<Outcome> outcome;
};

/// What a model's score can be.
struct ScoreScale {
  std::string_view name = "score";
  double low = 1;
  double high = 10;
};

/// One way of judging, from what is judged to what the outcomes mean. All functions are pure, so
/// that a run can be judged, summed up and priced again at any time from its rows alone.
///
/// The defaults are those of pointwise judging: each answer by itself, scored from 1 to 10.
struct Protocol {
  std::string_view name;
  std::string_view summary;
  std::string_view source;
  std::string_view method = "";       ///< a sentence for reports: what the score is
  std::string_view unit = "answers";  ///< what one verdict is about, in the plural
  ScoreScale scale = {};
  bool needs_scorer = false;    ///< the judge must give label probabilities
  bool takes_baseline = false;  ///< JudgeScope::baseline means something
  size_t least_models = 1;      ///< below it nothing can be judged
  /// FastChat's name for the file of judgments: model_judgment/JUDGE_NAME.jsonl; empty: `name`.
  std::string_view record_name = "";

  /// Whether a benchmark has what this protocol needs. Errors: kFailedPrecondition, kNotFound.
  Result<Ok> (*check)(const Benchmark& benchmark);
  /// Whether a judge has anything to decide; null: always.
  bool (*needs_judge)(const Benchmark& benchmark) = nullptr;
  /// All that is judged, in a fixed order. More models only add items, and a baseline only takes
  /// some away: rows stay valid when a run grows.
  std::vector<JudgeItem> (*items)(const JudgeScope& scope) = &pointwise_items;
  /// A resumable machine without state of its own: a function of the item and of all responses so
  /// far, so it can go on after any response.
  Result<ProtocolStep> (*next)(const JudgeItem& item, std::span<const JudgeResponse> responses);
  /// What outcomes say about models. Items may be missing while a run is not complete.
  Result<Standings> (*aggregate)(std::span<const JudgedItem> judged) = &pointwise_standings;
  /// FastChat's records of the judgments.
  std::vector<Json> (*records)(std::span<const JudgedItem> judged,
                               const std::string& judge) = &pointwise_records;
};

/// All protocols, sorted by name.
const std::vector<Protocol>& protocols();
/// Errors: kInvalidArgument with a nearest-match hint.
Result<const Protocol*> find_protocol(std::string_view name);

}  // namespace cupel::judge
