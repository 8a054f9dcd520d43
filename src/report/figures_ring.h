#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cupel::report {

/// Models in a circle, each of which beats the next and the last the first.
struct RingFigure {
  std::string id{};
  std::string title{};
  std::string description{};
  std::vector<std::string> names{};   ///< three or more, clockwise from the top
  std::vector<std::string> labels{};  ///< [names], of the arrow from each to the next
};

/// The ring at a fixed size that fits a phone, with an arrow from each model to the one it beats.
std::string ring(const RingFigure& figure);

std::string_view ring_css();

}  // namespace cupel::report
