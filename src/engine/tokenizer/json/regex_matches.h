#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"
#include "base/result.h"
#include "engine/tokenizer/json/json_at.h"

namespace cupel::engine {

/// A stretch of a text that a pattern matched, or that lies between two matches.
struct TextMatch {
  size_t begin = 0;
  size_t end = 0;
  bool is_match = false;
};
using TextMatches = std::vector<TextMatch>;

/// Matches and what lies between them, in order; together they are the text. Empty matches are
/// among them, but none right after another match. A search that gives up (a pattern that
/// explodes) ends the list with one stretch and a warning. `text` is valid UTF-8 and not empty.
TextMatches all_matches(const Regex& regex, std::string_view text);

/// The pattern of a Replace or Split: {"String": …} or {"Regex": …}.
struct TextPattern {
  std::string text;  ///< as written
  bool is_regex = false;
};
/// Errors: kCorruptData - neither of the two forms.
Result<TextPattern> read_pattern(const JsonAt& json);
/// Errors, with the path: kCorruptData - malformed; kUnsupported, as compile_oniguruma.
Result<Regex> compile_pattern(const JsonAt& json, const TextPattern& pattern);

}  // namespace cupel::engine
