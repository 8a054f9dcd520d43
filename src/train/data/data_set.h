#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "train/data/example.h"
#include "train/data/order.h"
#include "train/data/row_tokenizer.h"

namespace cupel::train {

/// What became of the rows of files.
struct DataCounts {
  int64_t rows = 0;                  ///< of the files, all below included
  int64_t bad = 0;                   ///< malformed, or no template can write them: left out
  int64_t empty = 0;                 ///< an answer without text: left out
  int64_t too_long = 0;              ///< left out
  int64_t untrained = 0;             ///< nothing to learn (any more): left out
  int64_t equal_answers = 0;         ///< kept: the answers to compare are the same tokens
  int64_t retokenized = 0;           ///< plain answers that would merge with their prompt
  int64_t tokens = 0;                ///< of what is kept
  int64_t labels = 0;                ///< trained ones of them
  std::vector<std::string> reasons;  ///< why rows are bad, "file:line: …", the first twenty
};

/// Tokenised rows, in the order of the files.
struct DataSet {
  std::vector<Example> examples;     ///< of kExamples
  std::vector<ExampleGroup> groups;  ///< of kGroups
  // One per example or group.
  std::vector<int64_t> lengths;     ///< tokens in a batch
  std::vector<int64_t> characters;  ///< of its row; parts of a split row share them by length
  /// Per file, which of them are its own; how much of each is taken is for the caller to add.
  std::vector<MixtureSource> files;
  DataCounts counts;
};

/// What rows become: examples to imitate, or answers to compare.
enum class DataKind { kExamples, kGroups };

struct DataOptions {
  std::vector<std::string> paths;
  bool skip_bad = false;
  DataKind kind = DataKind::kExamples;
  std::vector<std::string> ratings;  ///< members of rows that rate an answer
};

/// Reads and tokenises whole files. Memory: what is kept, 8 bytes a token.
/// Errors: those of RowReader; "file:line: …" of a row that cannot be tokenised (counted as bad
/// with `skip_bad`); kInvalidArgument - no row is kept, with the counts.
Result<DataSet> load_data(const RowTokenizer& tokenizer, const DataOptions& options);

/// Pairs as two rows of one answer each, the chosen one wanted and the rejected one not, for losses
/// that learn from single answers. Ties and other rows stay as they are.
void unpair(DataSet& data);

/// The counts in words: "12 rows, 2 of them left out (1 malformed, 1 too long)".
std::string counts_text(const DataCounts& counts);

/// What to say of rows that are kept and teach nothing; empty where there are none.
std::string equal_answers_warning(const DataCounts& counts);

}  // namespace cupel::train
