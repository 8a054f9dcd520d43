#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "decode/constraint/regex_parser.h"

namespace cupel::decode::constraint {

// What a pattern becomes where something else holds as well. Both are exact.

/// The texts of `node` with `min` to `max` code points. Nothing where there is none, or where more
/// than one part of a sequence has texts of several lengths.
std::optional<RegexNode> of_length(const RegexNode& node, int64_t min, int64_t max);

/// The texts of `node` with at least one code point outside `set`; nothing where there is none.
/// Errors: kExhausted - the expression would become too large.
Result<std::optional<RegexNode>> with_one_outside(const RegexNode& node, const CodePointSet& set);

}  // namespace cupel::decode::constraint
