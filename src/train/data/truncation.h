#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "train/data/example.h"

namespace cupel::train {

/// What happens to a sequence of more tokens than allowed.
enum class Truncation {
  kKeepStart,  ///< its end is cut off
  kKeepEnd,    ///< its beginning is cut off
  kDrop,       ///< it is left out
  kSplit,      ///< it becomes several sequences
};
/// The names recipes use: "keep_start", "keep_end", "drop", "split".
std::span<const std::string_view> truncation_names();
/// Errors: kInvalidArgument - an unknown name, with the nearest known one.
Result<Truncation> parse_truncation(std::string_view name);

/// What a sequence or group comes to within `max_length` ≥ 2 tokens.
enum class Fit {
  kKept,
  kTooLong,    ///< left out
  kUntrained,  ///< left out: no token to learn is in it (any more)
};

/// Appends what becomes of an example to `out`; parts without a label to learn are not appended.
/// The labels of tokens that now come first are lost: nothing stands before them.
Fit truncate(Example example, int64_t max_length, Truncation how, std::vector<Example>& out);

/// The same of answers to one prompt, which stays identical for all of them. kKeepStart cuts the
/// ends of answers, and leaves the group out when its prompt has no room for one; kKeepEnd cuts the
/// prompt from the left behind its first `fixed_start` tokens (BOS), one token of it stays.
/// An answer that is all cut off leaves the group out. kSplit cannot be done and is a bug here.
Fit truncate_group(ExampleGroup& group, int64_t max_length, Truncation how, int64_t fixed_start);

}  // namespace cupel::train
