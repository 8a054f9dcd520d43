#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::cli {

/// Writes to standard output. Errors (a closed pipe, a full disk) end the process quietly with 1,
/// as other filters do.
void print(std::string_view text);
/// One JSON line.
void print_json(const Json& json);
/// JSON for people: indented.
void print_pretty(const Json& json);

/// Reads every line of a JSONL file (or "-") into rows before anything is printed, so that a
/// malformed line gives no partial output.
Result<std::vector<Json>> read_rows(const std::string& path);

}  // namespace cupel::cli
