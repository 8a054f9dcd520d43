#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/estimate.h"

namespace cupel::report {

/// What was predicted of a bin of battles against what happened in them.
struct CalibrationPoint {
  double predicted = 0;  ///< mean predicted win rate, in [0, 1]
  Estimate observed{};   ///< observed win rate, in [0, 1]
  int64_t count = 0;     ///< battles; the mark's area is proportional to it
  std::string note{};    ///< the numbers in words, as a tooltip
};

struct CalibrationFigure {
  std::string id{};
  std::string title{};
  std::string description{};
  std::vector<CalibrationPoint> points{};
};

/// Observed over predicted win rate, both from 0 to 100%, with the diagonal where they agree.
/// Points that are not finite are left out.
std::string calibration_plot(const CalibrationFigure& figure);

std::string_view calibration_css();

}  // namespace cupel::report
