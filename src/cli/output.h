#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::cli {

/// Writes to standard output at once. Where that fails, nothing more can be said: a closed pipe
/// ends the process quietly, as in other filters, a full disk with one line and the exit code of
/// its kind.
void print(std::string_view text);
/// One JSON line.
void print_json(const Json& json);
/// JSON for people: indented.
void print_pretty(const Json& json);

/// The rows of a JSONL input, each with its place for messages.
struct InputRows {
  std::string name;           ///< of the file
  std::vector<Json> rows;     ///< one for each line that is not blank
  std::vector<size_t> lines;  ///< the line, from 1, of each row

  /// Puts the file and the line of that row before the message.
  [[nodiscard]] Error at(Error error, size_t row) const;
};

/// Reads every line of a JSONL file (or "-") into rows before anything is printed, so that a
/// malformed line gives no partial output.
Result<InputRows> read_rows(const std::string& path);

}  // namespace cupel::cli
