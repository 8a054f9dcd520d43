#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"

namespace cupel::rank {

/// What of an answer's form is counted.
struct StyleCounts {
  int64_t characters = 0;
  int64_t headers = 0;  ///< lines that begin with one to six # and a space
  int64_t lists = 0;  ///< lines that begin an ordered ("1. ") or unordered ("- ", "* ", "+ ") item
  int64_t bold = 0;   ///< **…** and __…__ on one line
};
/// Counts Markdown as FastChat's style control does: headers, lists and bold outside fenced code
/// (```…``` without a backtick inside), characters of the whole text.
/// Source: lmarena's count_markdown_elements; rules as in the rank-statistics sheet.
StyleCounts count_style(std::string_view text);

/// Where a feature of both answers is found: cells whose values are added up.
struct StyleSource {
  enum class Kind {
    kNumbers,  ///< each cell is a number, or a JSON object of numbers (their sum)
    kTexts,    ///< the answer itself, or a JSON list of its parts: counted here
  };
  std::string feature;
  Kind kind = Kind::kNumbers;
  std::vector<std::string> columns_a;
  std::vector<std::string> columns_b;
};

/// Finds a feature among columns: NAME_a and NAME_b; else, for length, headers, lists and bold,
/// LMArena's conv_metadata (tokens: sum_assistant_a_tokens; header_count_a, list_count_a,
/// bold_count_a), else response_a and response_b. `cells` gives the columns that hold a name, none
/// when it is absent. Errors: kInvalidArgument - none of them is there (all are named).
Result<StyleSource> find_style(
    const std::string& feature,
    FunctionRef<std::vector<std::string>(const std::string& name)> cells);

/// The feature of one answer. Errors: kCorruptData - no number, a negative one.
Result<double> style_amount(const StyleSource& source, std::span<const std::string_view> cells);

/// The feature of a vote: (a − b)/(a + b) for length (0 for two empty answers), else
/// (a − b)/(a + b + 1), so that it is always finite and within [−1, 1]. Not standardised.
double style_difference(const StyleSource& source, double a, double b);

}  // namespace cupel::rank
