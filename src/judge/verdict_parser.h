#pragma once

#include <optional>
#include <string_view>

namespace cupel::judge {

/// Score of a single-answer verdict: the first `[[7]]` or `[[8.5]]`, else the first `[7]`, else
/// nothing (FastChat's two patterns, in its order).
std::optional<double> parse_rating(std::string_view judgment);

/// Which of two answers a pairwise verdict prefers.
enum class Preferred { kFirst, kSecond, kTie };

/// FastChat's rule: `[[A]]` anywhere is the first, else `[[B]]` the second, else `[[C]]` a tie,
/// else nothing.
std::optional<Preferred> parse_preference(std::string_view judgment);

/// FastChat's two-score form `[[7, 6.8]]` (else `[7, 6.8]`), at most one blank after the comma:
/// scores within 0.1 tie, else the higher is preferred; nothing without a match.
std::optional<Preferred> parse_score_pair(std::string_view judgment);

}  // namespace cupel::judge
