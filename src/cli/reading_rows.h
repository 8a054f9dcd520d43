#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "decode/text_fit.h"

namespace cupel::cli {

/// Answers of a file of training data behind their prompts, as the model's template writes them.
struct ReadingRows {
  std::vector<decode::ReadSequence> sequences;  ///< one for each answer; its own tokens count
  std::string counts;                           ///< rows and answers read and left out, in words
};

/// Every answer of every row counts, whatever the rows' forms: of pairs both, of ranked answers
/// all, be it one. Rows without an answer, and answers that are longer than the model's context,
/// are left out and counted. Errors: those of ReadingModel::chat_template and RowReader;
/// "file:line: …" of a row that cannot be tokenised; kFailedPrecondition - a conversation, and no
/// template; kInvalidArgument - no answer is left.
Result<ReadingRows> reading_rows(const decode::ReadingModel& model, const std::string& file);

}  // namespace cupel::cli
