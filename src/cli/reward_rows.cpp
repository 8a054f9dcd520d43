#include "cli/reward_rows.h"

#include <utility>
#include <vector>

#include "train/data/row_tokenizer.h"

namespace cupel::cli {
namespace {

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

/// The messages of a prompt and an answer to it; an answer without text is an empty turn.
Json whole_conversation(const train::RowText& prompt, const train::RowText& answer) {
  Json messages = prompt.is_conversation() ? prompt.messages : Json::array();
  for (const Json& message : answer.messages.as_array()) {
    messages.push_back(message);
  }
  if (answer.messages.size() == 0) {
    messages.push_back(Json::object().set("role", "assistant").set("content", ""));
  }
  return messages;
}

Result<std::vector<std::vector<TokenId>>> ids_of(const decode::LocalRewardModel& model,
                                                 const train::Row& row) {
  if (!row.responses.front().is_conversation()) {
    CUPEL_TRY(const train::RowTokenizer tokenizer,
              train::RowTokenizer::create(model.tokenizer(), nullptr, {}));
    return tokenizer.text_ids(row);
  }
  std::vector<std::vector<TokenId>> texts;
  for (const train::RowText& answer : row.responses) {
    CUPEL_TRY(std::vector<TokenId> ids,
              model.conversation_ids(whole_conversation(row.prompt, answer), row.tools));
    texts.push_back(std::move(ids));
  }
  return texts;
}

}  // namespace

Result<train::Row> read_reward_row(const Json& row) {
  return train::parse_row(row, "", 1);
}

Result<Json> rate_row(decode::LocalRewardModel& model, const train::Row& row) {
  CUPEL_TRY(const std::vector<std::vector<TokenId>> texts, ids_of(model, row));
  CUPEL_TRY(const std::vector<std::vector<double>> rated, model.rate(texts));
  if (rated.size() == 1) {
    return Json::object().set("reward", numbers(rated.front()));
  }
  if (row.form == train::RowForm::kPreference) {
    return Json::object().set(
        "rewards",
        Json::object().set("chosen", numbers(rated[0])).set("rejected", numbers(rated[1])));
  }
  Json rewards = Json::array();
  for (const std::vector<double>& outputs : rated) {
    rewards.push_back(numbers(outputs));
  }
  return Json::object().set("rewards", std::move(rewards));
}

}  // namespace cupel::cli
