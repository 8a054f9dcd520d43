#include "report/rank_text.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace cupel::report {
namespace {

struct Strokes {
  std::string_view line;
  std::string_view low;
  std::string_view high;
  std::string_view beyond_low;
  std::string_view beyond_high;
  std::string_view mark;
};
constexpr Strokes kUnicode{"─", "├", "┤", "◂", "▸", "●"};
constexpr Strokes kAscii{"-", "|", "|", "<", ">", "o"};

/// The column in which a value of the scale falls; its ends fall into the outer ones.
size_t column_of(double value, const WhiskerScale& scale) {
  const double share = std::clamp((value - scale.low) / (scale.high - scale.low), 0.0, 1.0);
  return static_cast<size_t>(std::lround(share * static_cast<double>(scale.columns - 1)));
}

}  // namespace

std::string whisker_text(const Estimate& estimate,
                         const WhiskerScale& scale,
                         const Terminal& terminal) {
  CUPEL_CHECK(scale.low < scale.high && scale.columns >= 3, "a scale with room for a whisker");
  const Strokes& strokes = terminal.unicode ? kUnicode : kAscii;
  std::vector<std::string_view> cells(scale.columns, " ");
  if (std::isfinite(estimate.value)) {
    if (estimate.has_interval()) {
      const size_t low = column_of(estimate.interval->low, scale);
      const size_t high = std::max(low, column_of(estimate.interval->high, scale));
      std::fill(cells.begin() + static_cast<std::ptrdiff_t>(low),
                cells.begin() + static_cast<std::ptrdiff_t>(high), strokes.line);
      cells[low] = estimate.interval->low < scale.low ? strokes.beyond_low : strokes.low;
      cells[high] = estimate.interval->high > scale.high ? strokes.beyond_high : strokes.high;
    }
    cells[column_of(estimate.value, scale)] = strokes.mark;
  }
  std::string text;
  for (const std::string_view cell : cells) {
    text += cell;
  }
  return text;
}

}  // namespace cupel::report
