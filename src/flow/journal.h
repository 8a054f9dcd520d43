#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/io.h"
#include "base/json.h"
#include "base/result.h"

namespace cupel::flow {

/// Finished rows by key, on disk as JSONL `{"key": …, "row": …}`, one write per row. Thread-safe.
class Journal {
 public:
  /// Reads what is there (an unfinished last line, left by a kill, is cut off) and appends from
  /// then on. Errors: kCorruptData with the line; two rows of one key are an error too;
  /// kFailedPrecondition - another process has it open.
  static Result<std::unique_ptr<Journal>> open(const std::string& path);
  /// Reads what is there and writes nothing, so that it may be used beside a process that appends.
  static Result<std::unique_ptr<Journal>> read(const std::string& path);

  /// The row of a key, or nullptr. The pointer stays valid.
  [[nodiscard]] const Json* find(std::string_view key) const;
  /// Appends and remembers. Appending a key again, or to a journal that was only read, is a bug.
  Result<Ok> append(const std::string& key, Json row);
  [[nodiscard]] size_t size() const;

 private:
  using Rows = std::unordered_map<std::string, Json>;
  Journal(std::optional<JsonlAppender> file, Rows rows)
      : file_(std::move(file)), rows_(std::move(rows)) {}
  static Result<Rows> read_rows(const std::string& path);
  mutable std::mutex mutex_;
  std::optional<JsonlAppender> file_;
  Rows rows_;
};

}  // namespace cupel::flow
