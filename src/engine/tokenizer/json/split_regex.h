#pragma once

#include <string>
#include <string_view>

#include "base/regex.h"
#include "base/result.h"

namespace cupel::engine {

/// Compiles a pattern of a tokenizer.json, which is written for Oniguruma (Ruby's syntax), for
/// PCRE2.
///
/// Put right: `\s \d \w \h \b \p{…}` and their opposites are those of the original engine (Unicode
/// 16), `^` and `$` match at lines, `x{1,3}+` repeats and is not possessive, sets may be nested and
/// intersected (`[a-z&&[^q]]`), `\uHHHH` and `{,n}` are known.
/// Errors: kUnsupported - back references by name, calls, conditionals, options other than i, m and
/// x, POSIX brackets, and sets inside sets that cannot be written otherwise; kInvalidArgument -
/// malformed. Both name the place.
Result<Regex> compile_oniguruma(std::string_view pattern);

/// The pattern as PCRE2 reads it.
Result<std::string> oniguruma_to_pcre(std::string_view pattern);

}  // namespace cupel::engine
