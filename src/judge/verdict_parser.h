#pragma once

#include <optional>
#include <string_view>

namespace cupel::judge {

/// Score of a single-answer verdict: the first `[[7]]` or `[[8.5]]`, else the first `[7]`, else
/// nothing (FastChat's two patterns, in its order).
std::optional<double> parse_rating(std::string_view judgment);

}  // namespace cupel::judge
