#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/tokenizer.h"

namespace cupel::engine {

/// Holds a converted tokenizer to the original: both must encode the probes equally, with special
/// tokens read and added. Probes: a text of many scripts, blanks, digits and punctuation, and the
/// original's own tokens by the thousand (`own_tokens`). Errors: kUnsupported - where they differ.
Result<Ok> expect_same_ids(const Tokenizer& original, const Tokenizer& converted, bool own_tokens);

}  // namespace cupel::engine
