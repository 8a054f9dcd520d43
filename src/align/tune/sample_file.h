#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::align {

/// samples.jsonl of a run: answers before and after. Written whole, so that a group of answers is
/// there or is not.
class SampleFile {
 public:
  /// Errors: kCorruptData with file and line.
  static Result<SampleFile> open(const std::string& path);

  /// Whether answers of that moment are there, of the model after `step` steps.
  [[nodiscard]] bool has(int64_t step, std::string_view when) const;
  /// Puts answers in the place of all others of that moment ("before", "after").
  Result<Ok> replace(int64_t step, std::string_view when, const std::vector<Json>& samples);

 private:
  explicit SampleFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::vector<Json> rows_;
};

}  // namespace cupel::align
