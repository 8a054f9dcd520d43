#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cupel::engine {

/// A compiled pattern (PCRE2: UTF-8, Unicode classes, JIT). Immutable, thread-safe, movable.
///
/// What PCRE2 takes otherwise than the tokenizers' own engines is put right: `\s` and `\S` are
/// Unicode's White_Space (PCRE2 adds U+180E), `$` is the very end of the text, and `\p{…}` knows
/// the characters of Unicode 16. Not supported: `\P{…}`, and `\S` inside a character class.
class Regex {
 public:
  /// Errors: kInvalidArgument - the pattern is malformed (names the place).
  static Result<Regex> compile(std::string_view pattern);

  struct Match {
    size_t begin = 0;
    size_t end = 0;
    bool found = false;
  };
  /// The first match that begins at or after `from`. `text` must be valid UTF-8 and `from` stand on
  /// a character. A search that exceeds its limits (no pattern of ours on any text that we know of)
  /// counts as not found.
  [[nodiscard]] Match find(std::string_view text, size_t from) const;

 private:
  struct Code;  // hides pcre2.h
  explicit Regex(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  std::shared_ptr<const Code> code_;
};

/// The pattern with `\s`, `\S` and `\p{…}` written out for PCRE2.
std::string expand_classes(std::string_view pattern);

}  // namespace cupel::engine
