#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace cupel {

struct RegexOptions {
  bool ignore_case = false;
  bool unicode_classes = false;  ///< \d \w \s \b follow Unicode; ASCII otherwise
  bool multiline = false;  ///< ^ and $ match at lines; $ is the very end of the text otherwise
  /// Bounds the time of a search: steps of the matcher and its depth. 0: PCRE2's own (10 million).
  /// Set them for patterns that people write: with them no search takes more than milliseconds.
  uint32_t match_limit = 0;
  uint32_t depth_limit = 0;
};

/// A compiled regular expression in Perl's syntax (PCRE2, UTF-8). Immutable, thread-safe, copies
/// are cheap. `\C` is refused.
class Regex {
 public:
  /// Errors: kInvalidArgument - the pattern is malformed (names the place).
  static Result<Regex> compile(std::string_view pattern, const RegexOptions& options = {});

  struct Match {
    size_t begin = 0;
    size_t end = 0;
    bool found = false;
    bool gave_up = false;     ///< a limit was reached before anything was found
    bool first_time = false;  ///< gave_up: no search did so before, budgets aside
  };
  /// The first match that begins at or after `from`. `text` must be valid UTF-8 and `from` stand on
  /// a character.
  [[nodiscard]] Match find(std::string_view text, size_t from = 0) const;
  /// Matches that do not overlap; a search that gives up ends the count.
  [[nodiscard]] size_t count(std::string_view text) const;

 private:
  struct Code;  // hides pcre2.h
  explicit Regex(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  std::shared_ptr<const Code> code_;
};

/// What all searches of its thread may cost together while it lives: for the patterns of a stranger
/// over many short texts, each of which could take all that a single search may. A search that
/// would take more gives up. Where there are several, the last one counts.
class RegexBudget {
 public:
  struct Limits {
    uint32_t match_limit = 500;  ///< of a search, from each place where it begins
    /// Bytes that were searched times the bytes of their text. With 500 steps for each a search
    /// takes at most some ten seconds, and a vocabulary of 300,000 tokens needs a tenth of it.
    uint64_t work = uint64_t{1} << 27U;
  };
  explicit RegexBudget(const Limits& limits);
  RegexBudget() : RegexBudget(Limits()) {}
  ~RegexBudget();
  RegexBudget(const RegexBudget&) = delete;
  RegexBudget& operator=(const RegexBudget&) = delete;

  /// Whether some search gave up.
  [[nodiscard]] bool exceeded() const { return exceeded_; }

 private:
  friend class Regex;
  uint32_t match_limit_;
  uint64_t work_left_;
  bool exceeded_ = false;
  RegexBudget* outer_;
};

}  // namespace cupel
