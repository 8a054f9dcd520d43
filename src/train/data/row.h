#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::train {

/// A plain text, or messages in the form of OpenAI: objects with "role" and "content" (and what
/// chat templates read besides: "tool_calls", "reasoning_content", "name", …).
struct RowText {
  std::string text;
  Json messages;  ///< array; null: `text` it is

  [[nodiscard]] bool is_conversation() const { return messages.is_array(); }
  [[nodiscard]] bool empty() const {
    return is_conversation() ? messages.size() == 0 : text.empty();
  }
};

enum class RowForm {
  kText,              ///< "text": one response
  kMessages,          ///< "messages": one response, the whole conversation
  kPromptCompletion,  ///< "prompt", "completion" (or "response")
  kPreference,        ///< "prompt" (or the common start of both), "chosen", "rejected"
  kRanked,            ///< "prompt", "responses": [{"content", "score", "source"}, …]
  kUnpaired,          ///< "prompt", "completion", "label"
};
std::string_view row_form_name(RowForm form);

/// One row of training data.
struct Row {
  RowForm form = RowForm::kText;
  RowText prompt;                  ///< empty where the form has none
  std::vector<RowText> responses;  ///< chosen before rejected; those of a list as they stand
  std::vector<double> scores;      ///< per response, NaN: none
  std::vector<std::string> response_sources;  ///< per response, "": none
  bool label = false;                         ///< kUnpaired: wanted
  bool tie = false;                           ///< kPreference: equally good
  double margin = 0;                          ///< kPreference: NaN: none
  double weight = 1;                          ///< ≥ 0
  /// Members that are numbers and that no form knows: ratings of an answer.
  std::vector<std::pair<std::string, double>> ratings;
  std::string source;
  std::string id;     ///< of the row; else its place
  std::string place;  ///< "file:line"
  Json tools;         ///< for the template, or null

  /// Characters of all its texts, the prompt counted once.
  [[nodiscard]] int64_t characters() const;
};

/// Reads a row of any form; which one it is, its members say. Members that no form knows are passed
/// over. A conversation may also be written as ShareGPT does ("conversations" with "from" and
/// "value"). Without "prompt", the common start of chosen and rejected is the prompt: whole
/// messages, or characters (a blank before the difference belongs to the answers, as in TRL).
///
/// `place` is the id of a row without one. Ranked answers are compared, so there are at least two,
/// but where a reader takes each for itself: then `fewest_responses` is 0. Errors: kCorruptData
/// that names the member, what was expected and how to mend it - no known form, a member of a wrong
/// type, an unknown role, messages without an assistant turn, a weight below 0, too few responses.
Result<Row> parse_row(const Json& json, std::string_view place, size_t fewest_responses = 2);

/// Whether a text to learn is empty: such rows teach nothing and are counted, not refused.
bool has_empty_response(const Row& row);

}  // namespace cupel::train
