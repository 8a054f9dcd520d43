#pragma once

#include <functional>
#include <memory>
#include <mutex>
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
  /// then on. Errors: kCorruptData with the line; two different rows of one key are an error too.
  static Result<std::unique_ptr<Journal>> open(const std::string& path);

  /// The row of a key, or nullptr. The pointer stays valid.
  [[nodiscard]] const Json* find(std::string_view key) const;
  /// Appends and remembers. Appending a key again is a bug.
  Result<Ok> append(const std::string& key, Json row);
  [[nodiscard]] size_t size() const;

 private:
  Journal(JsonlAppender file, std::unordered_map<std::string, Json> rows)
      : file_(std::move(file)), rows_(std::move(rows)) {}
  mutable std::mutex mutex_;
  JsonlAppender file_;
  std::unordered_map<std::string, Json> rows_;
};

}  // namespace cupel::flow
