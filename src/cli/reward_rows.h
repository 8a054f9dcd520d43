#pragma once

#include "base/json.h"
#include "base/result.h"
#include "decode/local_reward_model.h"
#include "train/data/row.h"

namespace cupel::cli {

/// A row of training data of any form, of which every answer is to be rated (ranked ones from one
/// on). Errors: those of parse_row.
Result<train::Row> read_reward_row(const Json& row);

/// Rates the answers of a row as training reads them: conversations through the chat template,
/// texts without one. {"reward": number} of one answer, {"rewards": {"chosen": …, "rejected": …}}
/// of pairs or {"rewards": […]} of responses; with several outputs each number is a list. Errors:
/// those of LocalRewardModel.
Result<Json> rate_row(decode::LocalRewardModel& model, const train::Row& row);

}  // namespace cupel::cli
