#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/message.h"
#include "decode/local_reward_model.h"

namespace cupel::cli {

/// Answers to one prompt that are to be rated.
struct RewardRow {
  std::optional<std::string> raw_prompt;  ///< "prompt" where it is a text
  Conversation prompt;
  std::vector<std::string> names;  ///< what each answer was called: "completion", "chosen", …
  std::vector<std::string> answers;
  bool whole = false;  ///< `prompt` is the whole conversation, its last answer included
};

/// {"prompt", "completion"}, {"prompt", "chosen", "rejected"}, {"prompt", "responses": […]} or
/// {"messages": […]}; prompts are texts or messages, answers texts, lists of one message, or
/// objects with "content". Errors: kCorruptData naming the member.
Result<RewardRow> read_reward_row(const Json& row);

/// {"reward": number} of one answer, {"rewards": {"chosen": …}} of pairs or {"rewards": […]} of
/// responses; with several outputs each number is a list. `raw`: prompts that are texts get no chat
/// template. Errors: those of LocalRewardModel.
Result<Json> rate_row(decode::LocalRewardModel& model, const RewardRow& row, bool raw);

}  // namespace cupel::cli
