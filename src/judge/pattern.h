#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cupel::judge {

/// A regular expression of a checklist program: PCRE2, UTF, multi-line anchors, \d \w \s \b ASCII.
/// Limits bound the time of a search; one that hits them counts as no match. Immutable,
/// thread-safe.
class Pattern {
 public:
  /// Errors: kCorruptData - malformed (names the place).
  static Result<Pattern> compile(std::string_view pattern, bool case_sensitive);
  /// Matches that do not overlap. `text` must be valid UTF-8.
  [[nodiscard]] size_t count(std::string_view text) const;

 private:
  struct Code;
  explicit Pattern(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  std::shared_ptr<const Code> code_;
};

}  // namespace cupel::judge
