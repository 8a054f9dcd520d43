#include "cli/output.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/io.h"

namespace cupel::cli {

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    const int reason = errno;
    if (reason == EPIPE) {
      std::_Exit(1);
    }
    std::fprintf(stderr, "cupel: cannot write to standard output: %s\n", std::strerror(reason));
    std::_Exit(exit_code(reason == ENOSPC ? Code::kExhausted : Code::kUnavailable));
  }
}

void print_json(const Json& json) {
  print(dump_json(json) + "\n");
}

void print_pretty(const Json& json) {
  print(dump_json(json, {.indent = 2}) + "\n");
}

Error InputRows::at(Error error, size_t row) const {
  return in_file(std::move(error), name, lines[row]);
}

Result<InputRows> read_rows(const std::string& path) {
  InputRows input{.name = path == "-" ? "standard input" : path, .rows = {}, .lines = {}};
  CUPEL_TRY_VOID(for_each_jsonl_file(path, [&](Json&& row, size_t line) -> Result<Ok> {
    input.rows.push_back(std::move(row));
    input.lines.push_back(line);
    return Ok{};
  }));
  return input;
}

}  // namespace cupel::cli
