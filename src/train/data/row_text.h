#pragma once

#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/result.h"
#include "train/data/row.h"

namespace cupel::train {

/// Checked messages of the member `key`: roles that templates know, contents that are text, lists
/// of parts or (beside tool calls) absent. ShareGPT's names become OpenAI's.
/// Errors: kCorruptData that names member, index and field.
Result<Json> read_messages(const Json& value, std::string_view key);
/// A string or messages. Errors: as read_messages.
Result<RowText> read_row_text(const Json& value, std::string_view key);

/// The common start of two answers and what each goes on with.
struct SplitAnswers {
  RowText prompt;
  RowText chosen;
  RowText rejected;
};
/// Errors: kCorruptData - one is a text and the other a conversation, or nothing is common.
Result<SplitAnswers> split_common_start(const RowText& chosen, const RowText& rejected);

/// Whether some message is the assistant's.
bool has_assistant_turn(const Json& messages);

}  // namespace cupel::train
