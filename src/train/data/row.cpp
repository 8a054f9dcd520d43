#include "train/data/row.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "train/data/row_text.h"

namespace cupel::train {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// The member, null taken for absent.
const Json* member(const Json& json, std::string_view key) {
  const Json* value = json.find(key);
  return value != nullptr && !value->is_null() ? value : nullptr;
}

Result<double> number_or_none(const Json& json, std::string_view key) {
  const Json* value = member(json, key);
  if (value == nullptr) {
    return kNone;
  }
  if (!value->is_number()) {
    return corrupt_data("\"{}\" is {}; expected a number", key, value->type_name());
  }
  return value->as_double();
}

Result<std::string> name_or_empty(const Json& json, std::string_view key) {
  const Json* value = member(json, key);
  if (value == nullptr) {
    return std::string();
  }
  if (value->is_int()) {
    return format("{}", value->as_int());
  }
  if (!value->is_string()) {
    return corrupt_data("\"{}\" is {}; expected a text", key, value->type_name());
  }
  return value->as_string();
}

Result<Ok> read_common(const Json& json, std::string_view place, Row& row) {
  CUPEL_TRY(row.source, name_or_empty(json, "source"));
  CUPEL_TRY(row.id, name_or_empty(json, "id"));
  if (row.id.empty()) {
    row.id = place;
  }
  CUPEL_TRY(const double weight, number_or_none(json, "weight"));
  if (!std::isnan(weight)) {
    if (weight < 0 || !std::isfinite(weight)) {
      return corrupt_data("\"weight\" is {}; expected a number ≥ 0", weight);
    }
    row.weight = weight;
  }
  if (const Json* tools = member(json, "tools"); tools != nullptr) {
    if (!tools->is_array()) {
      return corrupt_data("\"tools\" is {}; expected a list", tools->type_name());
    }
    row.tools = *tools;
  }
  return Ok{};
}

void add_response(RowText text, double score, std::string source, Row& row) {
  row.responses.push_back(std::move(text));
  row.scores.push_back(score);
  row.response_sources.push_back(std::move(source));
}

Result<Ok> read_whole_conversation(const Json& json, std::string_view key, Row& row) {
  row.form = RowForm::kMessages;
  RowText text;
  CUPEL_TRY(text.messages, read_messages(*json.find(key), key));
  if (text.messages.size() > 0 && !has_assistant_turn(text.messages)) {
    return corrupt_data(
        "\"{}\" has no assistant turn, so there is nothing to learn; add the answer", key);
  }
  add_response(std::move(text), kNone, "", row);
  return Ok{};
}

Result<Ok> read_prompt(const Json& json, Row& row) {
  const Json* prompt = member(json, "prompt");
  if (prompt == nullptr) {
    return corrupt_data("\"prompt\" is absent; write what the answer replies to there");
  }
  CUPEL_TRY(row.prompt, read_row_text(*prompt, "prompt"));
  return Ok{};
}

/// An answer to the prompt in the prompt's form: a plain answer to a conversation is a turn of the
/// assistant.
Result<RowText> in_form_of(const RowText& prompt, RowText answer, std::string_view key) {
  if (prompt.is_conversation() && !answer.is_conversation()) {
    Json turn = Json::object();
    turn.set("role", "assistant").set("content", std::move(answer.text));
    answer.text.clear();
    answer.messages = Json::array();
    if (!turn.find("content")->as_string().empty()) {
      answer.messages.push_back(std::move(turn));
    }
  } else if (!prompt.is_conversation() && answer.is_conversation()) {
    return corrupt_data(
        "\"{}\" is a list of messages, but \"prompt\" is a text; write both in the same form", key);
  }
  if (answer.is_conversation() && !answer.empty() && !has_assistant_turn(answer.messages)) {
    return corrupt_data("\"{}\" has no assistant turn; expected the assistant's answer", key);
  }
  return answer;
}

Result<RowText> read_answer(const Json& json, std::string_view key, const Row& row) {
  CUPEL_TRY(RowText answer, read_row_text(*json.find(key), key));
  return in_form_of(row.prompt, std::move(answer), key);
}

/// Whether an answer is the whole conversation, prompt and all: some published sets (UltraFeedback)
/// have both, the prompt as a text or as messages.
bool repeats_prompt(const RowText& prompt, const RowText& answer) {
  if (prompt.empty() || !answer.is_conversation()) {
    return false;
  }
  const Json::Array& messages = answer.messages.as_array();
  if (!prompt.is_conversation()) {
    return messages.size() > 1 && *messages[0].find("role") == Json("user") &&
           *messages[0].find("content") == Json(prompt.text);
  }
  const Json::Array& asked = prompt.messages.as_array();
  return messages.size() > asked.size() && std::equal(asked.begin(), asked.end(), messages.begin());
}

Result<Ok> read_preference(const Json& json, Row& row) {
  row.form = RowForm::kPreference;
  if (member(json, "prompt") != nullptr) {
    CUPEL_TRY_VOID(read_prompt(json, row));
  }
  CUPEL_TRY(RowText chosen, read_row_text(*json.find("chosen"), "chosen"));
  CUPEL_TRY(RowText rejected, read_row_text(*json.find("rejected"), "rejected"));
  const bool whole = repeats_prompt(row.prompt, chosen) && repeats_prompt(row.prompt, rejected);
  if (member(json, "prompt") != nullptr && !whole) {
    CUPEL_TRY(chosen, in_form_of(row.prompt, std::move(chosen), "chosen"));
    CUPEL_TRY(rejected, in_form_of(row.prompt, std::move(rejected), "rejected"));
  } else {
    CUPEL_TRY(SplitAnswers split, split_common_start(chosen, rejected));
    row.prompt = std::move(split.prompt);
    CUPEL_TRY(chosen, in_form_of(row.prompt, std::move(split.chosen), "chosen"));
    CUPEL_TRY(rejected, in_form_of(row.prompt, std::move(split.rejected), "rejected"));
  }
  CUPEL_TRY(const double score_chosen, number_or_none(json, "score_chosen"));
  CUPEL_TRY(const double score_rejected, number_or_none(json, "score_rejected"));
  CUPEL_TRY(row.margin, number_or_none(json, "margin"));
  if (const Json* tie = member(json, "tie"); tie != nullptr) {
    CUPEL_TRY(row.tie, get_bool(json, "tie"));
  }
  add_response(std::move(chosen), score_chosen, "", row);
  add_response(std::move(rejected), score_rejected, "", row);
  return Ok{};
}

Result<Ok> read_ranked(const Json& json, size_t fewest, Row& row) {
  row.form = RowForm::kRanked;
  CUPEL_TRY_VOID(read_prompt(json, row));
  CUPEL_TRY(const Json* responses, get_array(json, "responses"));
  if (responses->size() < fewest) {
    return corrupt_data("\"responses\" has {} of them; expected at least {}", responses->size(),
                        fewest);
  }
  for (size_t i = 0; i < responses->size(); ++i) {
    const Json& response = responses->as_array()[i];
    const std::string key = format("responses[{}]", i);
    const Json* content = response.is_string() ? &response : member(response, "content");
    if (content == nullptr) {
      return corrupt_data(
          "\"{}\" has no \"content\"; a response is {{\"content\": …, \"score\": …}}", key);
    }
    CUPEL_TRY(RowText text, read_row_text(*content, key));
    CUPEL_TRY(text, in_form_of(row.prompt, std::move(text), key));
    CUPEL_TRY(const double score, number_or_none(response, "score"));
    CUPEL_TRY(std::string source, name_or_empty(response, "source"));
    add_response(std::move(text), score, std::move(source), row);
  }
  return Ok{};
}

Result<Ok> read_prompt_completion(const Json& json, Row& row) {
  row.form = RowForm::kPromptCompletion;
  CUPEL_TRY_VOID(read_prompt(json, row));
  const bool named = member(json, "completion") != nullptr;
  CUPEL_TRY(RowText completion, read_answer(json, named ? "completion" : "response", row));
  add_response(std::move(completion), kNone, "", row);
  const Json* label = member(json, "label");
  if (label == nullptr) {
    return Ok{};
  }
  row.form = RowForm::kUnpaired;
  if (!label->is_bool() && !(*label == Json(0) || *label == Json(1))) {
    return corrupt_data("\"label\" is {}; expected true (wanted) or false", label->type_name());
  }
  row.label = label->is_bool() ? label->as_bool() : *label == Json(1);
  return Ok{};
}

Result<Ok> read_form(const Json& json, size_t fewest_responses, Row& row) {
  const auto has = [&json](std::string_view key) { return member(json, key) != nullptr; };
  if (has("chosen") || has("rejected")) {
    for (const std::string_view key : {"chosen", "rejected"}) {
      if (!has(key)) {
        return corrupt_data("\"{}\" is absent; a preference needs both answers", key);
      }
    }
    return read_preference(json, row);
  }
  if (has("responses")) {
    return read_ranked(json, fewest_responses, row);
  }
  if (has("completion") || has("response")) {
    return read_prompt_completion(json, row);
  }
  for (const std::string_view key : {"messages", "conversations"}) {
    if (has(key)) {
      return read_whole_conversation(json, key, row);
    }
  }
  if (!has("text")) {
    return corrupt_data(
        "no known form; expected \"messages\", \"text\", \"prompt\" and \"completion\", \"chosen\" "
        "and \"rejected\", or \"prompt\" and \"responses\"");
  }
  CUPEL_TRY(std::string text, get_string(json, "text"));
  add_response({.text = std::move(text)}, kNone, "", row);
  return Ok{};
}

/// Members that are numbers and mean something else.
constexpr std::string_view kNumbers[] = {"weight", "margin", "score_chosen", "score_rejected",
                                         "label",  "id",     "tie"};

int64_t characters_of(std::string_view text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

int64_t characters_of(const Json& content) {
  if (content.is_string()) {
    return characters_of(std::string_view(content.as_string()));
  }
  int64_t count = 0;
  for (const Json& part : content.as_array()) {
    count += characters_of(std::string_view(part.find("text")->as_string()));
  }
  return count;
}

int64_t characters_of(const RowText& text) {
  if (!text.is_conversation()) {
    return characters_of(std::string_view(text.text));
  }
  int64_t count = 0;
  for (const Json& message : text.messages.as_array()) {
    count += characters_of(*message.find("content"));
  }
  return count;
}

bool empty_turns(const Json& messages) {
  return std::ranges::none_of(messages.as_array(), [](const Json& message) {
    const Json* content = message.find("content");
    const bool calls = message.contains("tool_calls");
    return *message.find("role") == Json("assistant") &&
           (calls || content->is_array() || !content->as_string().empty());
  });
}

}  // namespace

int64_t Row::characters() const {
  int64_t count = characters_of(prompt);
  for (const RowText& response : responses) {
    count += characters_of(response);
  }
  return count;
}

std::string_view row_form_name(RowForm form) {
  constexpr std::string_view kNames[] = {"text",       "messages", "prompt and completion",
                                         "preference", "ranked",   "unpaired"};
  return kNames[static_cast<size_t>(form)];
}

Result<Row> parse_row(const Json& json, std::string_view place, size_t fewest_responses) {
  if (!json.is_object()) {
    return corrupt_data("the row is {}; expected an object", json.type_name());
  }
  Row row;
  row.margin = kNone;
  row.place = place;
  CUPEL_TRY_VOID(read_common(json, place, row));
  CUPEL_TRY_VOID(read_form(json, fewest_responses, row));
  for (const auto& [key, value] : json.as_object()) {
    if (value.is_number() && std::ranges::find(kNumbers, key) == std::end(kNumbers)) {
      row.ratings.emplace_back(key, value.as_double());
    }
  }
  return row;
}

bool has_empty_response(const Row& row) {
  return std::ranges::any_of(row.responses, [](const RowText& response) {
    return response.empty() || (response.is_conversation() && empty_turns(response.messages));
  });
}

}  // namespace cupel::train
