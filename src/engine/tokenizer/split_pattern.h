#pragma once

#include <string>
#include <string_view>

#include "base/regex.h"

namespace cupel::engine {

/// Compiles a pattern of a published tokenizer. What PCRE2 takes otherwise than the tokenizers' own
/// engines is put right: `\s` and `\S` are Unicode's White_Space (PCRE2 adds U+180E), `$` is the
/// very end of the text, and `\p{…}` knows the characters of Unicode 16. Not supported: `\P{…}`,
/// and `\S` inside a character class. Errors: kInvalidArgument - malformed (names the place).
Result<Regex> compile_split_pattern(std::string_view pattern);

/// The pattern with `\s`, `\S` and `\p{…}` written out for PCRE2.
std::string expand_classes(std::string_view pattern);

}  // namespace cupel::engine
