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
  std::string counts;                           ///< rows read and left out, in words
};

/// Every answer of every row counts: of pairs both, of ranked answers all. Rows that are longer
/// than `longest` tokens are left out and counted. Errors: those of open_texts, RowReader and
/// load_data.
Result<ReadingRows> reading_rows(const std::string& model,
                                 const std::string& file,
                                 int64_t longest);

}  // namespace cupel::cli
