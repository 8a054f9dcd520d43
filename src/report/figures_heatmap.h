#pragma once

#include <limits>
#include <string>
#include <vector>

namespace cupel::report {

/// How often the model of a row beats that of a column.
struct HeatCell {
  double share = std::numeric_limits<double>::quiet_NaN();  ///< in [0, 1]; not finite: left empty
  bool sparse = false;  ///< hatched: too little data to read much into it
  std::string note{};   ///< the numbers in words, as a tooltip
};

/// A square of models against models, coloured around one half.
struct HeatMap {
  std::string id{};
  std::string title{};
  std::string description{};
  std::vector<std::string> labels{};  ///< [M], of rows and columns
  std::vector<HeatCell> cells{};      ///< [M, M] row-major; the diagonal is not looked at
  size_t framed = 0;                  ///< a frame around the first so many models; 0: none
};

/// The map at a fixed size a cell, with each share in it as percent, so that colour never speaks
/// alone; names of rows stay in view when the box around it is scrolled.
/// Bytes: about 250 and the note a cell.
std::string heat_map(const HeatMap& map);

/// Shares are shown in this many steps; the middle one, of one half, has no colour.
inline constexpr int kHeatLevels = 21;
/// The step of a share in [0, 1].
int heat_level(double share);
/// "#rrggbb" of a step in [0, kHeatLevels): blue below one half, white (in the dark scheme: almost
/// black) at it, orange above. Blue and orange stay apart for every kind of colour blindness.
std::string heat_colour(int level, bool dark);
/// "#rrggbb" of the numbers upon it.
std::string heat_ink(bool dark);

/// Rules for the classes of the map.
std::string heat_map_css();

}  // namespace cupel::report
