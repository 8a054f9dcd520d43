#include "cli/output.h"

#include <cstdio>
#include <cstdlib>

#include "base/io.h"

namespace cupel::cli {

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    std::_Exit(1);
  }
}

void print_json(const Json& json) {
  print(dump_json(json) + "\n");
}

void print_pretty(const Json& json) {
  print(dump_json(json, {.indent = 2}) + "\n");
}

Result<std::vector<Json>> read_rows(const std::string& path) {
  std::vector<Json> rows;
  CUPEL_TRY_VOID(for_each_jsonl_file(path, [&](Json&& row, size_t) -> Result<Ok> {
    rows.push_back(std::move(row));
    return Ok{};
  }));
  return rows;
}

}  // namespace cupel::cli
