#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "judge/decider.h"

namespace cupel::judge {

/// A decider from a function.
Result<std::unique_ptr<Decider>> make_decider(std::function<bool(std::string_view answer)> decide);

/// As parse_decider, for parts of a program: the answer was cleaned already.
Result<std::unique_ptr<Decider>> parse_decider_part(const Json& program);

/// Inclusive bounds of a count; an absent one does not bind.
struct Bounds {
  int64_t min = 0;
  int64_t max = std::numeric_limits<int64_t>::max();
  [[nodiscard]] bool hold(size_t value) const {
    return static_cast<int64_t>(value) >= min && static_cast<int64_t>(value) <= max;
  }
};
/// Reads "min" and "max" (or other names). Errors: mistyped, or min above max.
Result<Bounds> read_bounds(const Json& program,
                           std::string_view min_key = "min",
                           std::string_view max_key = "max");
/// A list of strings; absent is empty.
Result<std::vector<std::string>> read_strings(const Json& program, std::string_view key);
/// The index of the field's value among the choices; absent is 0.
Result<size_t> read_choice(const Json& program,
                           std::string_view key,
                           const std::vector<std::string>& choices);
/// Errors: kCorruptData for a key that is none of `known` (besides "kind").
Result<Ok> only_fields(const Json& program, const std::vector<std::string>& known);

}  // namespace cupel::judge
