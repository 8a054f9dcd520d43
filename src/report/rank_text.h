#pragma once

#include <string>

#include "report/estimate.h"
#include "report/terminal.h"

namespace cupel::report {

/// What a column of whiskers on a terminal spans; low < high.
struct WhiskerScale {
  double low = 0;
  double high = 1;
  size_t columns = 24;  ///< of text; ≥ 3
};

/// A value with its interval as text of exactly `columns` columns: "    ├──●───┤       ", or with
/// ASCII alone "    |--o---|       ". Ends beyond the scale are drawn at its edge as arrows.
/// Without an interval the mark stands alone; a value that is not finite gives blanks.
std::string whisker_text(const Estimate& estimate,
                         const WhiskerScale& scale,
                         const Terminal& terminal);

}  // namespace cupel::report
