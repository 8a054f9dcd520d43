#include "cli/reward_rows.h"

#include <utility>

#include "base/error.h"

namespace cupel::cli {
namespace {

Result<std::string> answer_text(const Json& answer, std::string_view name) {
  if (answer.is_string()) {
    return answer.as_string();
  }
  const Json* message = &answer;
  if (answer.is_array() && answer.size() == 1) {
    message = &answer.as_array().front();
  }
  const Json* const content = message->find("content");
  if (content == nullptr || !content->is_string()) {
    return corrupt_data("\"{}\" is {}; expected a text or one message", name, answer.type_name());
  }
  return content->as_string();
}

Result<Ok> add_answer(const Json& row, std::string_view name, RewardRow& out) {
  CUPEL_TRY(std::string text, answer_text(*row.find(name), name));
  out.names.emplace_back(name);
  out.answers.push_back(std::move(text));
  return Ok{};
}

Json numbers(const std::vector<double>& outputs) {
  if (outputs.size() == 1) {
    return Json(outputs.front());
  }
  Json list = Json::array();
  for (const double number : outputs) {
    list.push_back(number);
  }
  return list;
}

}  // namespace

Result<RewardRow> read_reward_row(const Json& row) {
  RewardRow out;
  if (const Json* const messages = row.find("messages"); messages != nullptr) {
    CUPEL_TRY(out.prompt, conversation_from_json(*messages));
    out.whole = true;
    return out;
  }
  const Json* const prompt = row.find("prompt");
  if (prompt != nullptr && prompt->is_string()) {
    out.raw_prompt = prompt->as_string();
    out.prompt = {text_message("user", prompt->as_string())};
  } else if (prompt != nullptr) {
    CUPEL_TRY(out.prompt, conversation_from_json(*prompt));
  } else {
    return corrupt_data("the row has neither \"prompt\" nor \"messages\"");
  }
  for (const std::string_view name : {"completion", "response", "chosen", "rejected"}) {
    if (row.contains(name)) {
      CUPEL_TRY_VOID(add_answer(row, name, out));
    }
  }
  if (const Json* const responses = row.find("responses");
      responses != nullptr && responses->is_array()) {
    for (const Json& response : responses->as_array()) {
      CUPEL_TRY(std::string text, answer_text(response, "responses"));
      out.answers.push_back(std::move(text));
    }
  }
  if (out.answers.empty()) {
    return corrupt_data(
        "the row has no answer; expected \"completion\", \"chosen\" and "
        "\"rejected\", or \"responses\"");
  }
  return out;
}

Result<Json> rate_row(decode::LocalRewardModel& model, const RewardRow& row, bool raw) {
  std::vector<std::vector<TokenId>> texts;
  if (row.whole) {
    CUPEL_TRY(std::vector<TokenId> ids, model.conversation_ids(row.prompt));
    texts.push_back(std::move(ids));
  }
  for (const std::string& answer : row.answers) {
    if (raw && row.raw_prompt) {
      texts.push_back(model.text_ids(*row.raw_prompt + answer));
      continue;
    }
    Conversation whole = row.prompt;
    whole.push_back(text_message("assistant", answer));
    CUPEL_TRY(std::vector<TokenId> ids, model.conversation_ids(whole));
    texts.push_back(std::move(ids));
  }
  CUPEL_TRY(const std::vector<std::vector<double>> rated, model.rate(texts));
  if (rated.size() == 1) {
    return Json::object().set("reward", numbers(rated.front()));
  }
  const bool named = row.names.size() == rated.size();
  Json rewards = named ? Json::object() : Json::array();
  for (size_t i = 0; i < rated.size(); ++i) {
    if (named) {
      rewards.set(row.names[i], numbers(rated[i]));
    } else {
      rewards.push_back(numbers(rated[i]));
    }
  }
  return Json::object().set("rewards", std::move(rewards));
}

}  // namespace cupel::cli
