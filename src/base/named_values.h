#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"

namespace cupel {

/// Which of `names` a word is. Errors: kInvalidArgument - none: `unknown WHAT "word"`, the nearest
/// name and all of them.
Result<size_t> find_name(std::string_view word,
                         std::span<const std::string_view> names,
                         std::string_view what);

/// The enumerator of that name, where `names` lists those of 0, 1, … Errors: as find_name.
template <typename Enum>
Result<Enum> parse_enum(std::string_view word,
                        std::span<const std::string_view> names,
                        std::string_view what) {
  CUPEL_TRY(const size_t index, find_name(word, names, what));
  return static_cast<Enum>(index);
}

}  // namespace cupel
