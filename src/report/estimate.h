#pragma once

#include <cmath>
#include <optional>

namespace cupel::report {

struct Interval {
  double low = 0;
  double high = 0;
};

/// A number with its interval at the page's confidence.
struct Estimate {
  double value = 0;
  std::optional<Interval> interval{};  ///< none: there is none, as with a single question

  /// Whether there is an interval with finite ends: only such are shown.
  [[nodiscard]] bool has_interval() const {
    return interval && std::isfinite(interval->low) && std::isfinite(interval->high);
  }
};

}  // namespace cupel::report
