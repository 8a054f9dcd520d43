#include "report/figures_heatmap.h"

#include <cmath>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cupel::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Relative luminance of "#rrggbb", WCAG 2.2.
double luminance(const std::string& colour) {
  const auto channel = [&](size_t at) {
    const double value = std::stoi(colour.substr(at, 2), nullptr, 16) / 255.0;
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

double contrast(const std::string& a, const std::string& b) {
  const double one = luminance(a) + 0.05;
  const double other = luminance(b) + 0.05;
  return std::max(one, other) / std::min(one, other);
}

TEST(HeatColour, LeavesNumbersReadableOnEveryStep) {
  EXPECT_NEAR(contrast("#ffffff", "#000000"), 21, 1e-9);  // the formula itself, from WCAG
  for (const bool dark : {false, true}) {
    for (int level = 0; level < kHeatLevels; ++level) {
      EXPECT_GE(contrast(heat_colour(level, dark), heat_ink(dark)), 4.5)
          << level << (dark ? " dark" : " light");
    }
  }
}

TEST(HeatColour, HasNoColourAtOneHalf) {
  EXPECT_EQ(heat_level(0.5), kHeatLevels / 2);
  EXPECT_EQ(heat_colour(heat_level(0.5), false), "#ffffff");
  EXPECT_EQ(heat_level(0), 0);
  EXPECT_EQ(heat_level(1), kHeatLevels - 1);
  EXPECT_EQ(heat_level(7), kHeatLevels - 1);
  // Blue below, orange above: more blue than red, and the other way about.
  for (const bool dark : {false, true}) {
    const auto red = [&](int level) { return heat_colour(level, dark).substr(1, 2); };
    const auto blue = [&](int level) { return heat_colour(level, dark).substr(5, 2); };
    EXPECT_LT(red(0), blue(0));
    EXPECT_GT(red(kHeatLevels - 1), blue(kHeatLevels - 1));
  }
}

HeatMap two_models() {
  HeatMap map{.id = "m",
              .title = "T & U",
              .description = "two <models>",
              .labels = {"<a>", "b"},
              .cells = std::vector<HeatCell>(4)};
  map.cells[1] = {.share = 0.75, .sparse = false, .note = "<a> against b"};
  map.cells[2] = {.share = 0.25, .sparse = true, .note = "b against <a>"};
  return map;
}

TEST(HeatMap, WritesSharesAndNotesIntoCells) {
  const std::string svg = heat_map(two_models());
  // The second column of the first row: 26 px right, below slanted names of three columns: 18 + 3
  // · 4.9 px.
  EXPECT_THAT(svg, HasSubstr("<g class=\"q15\" transform=\"translate(26 32.7)\">"
                             "<title>&lt;a&gt; against b</title>"));
  EXPECT_THAT(svg, HasSubstr(">75</text>"));
  EXPECT_THAT(svg, HasSubstr("<g class=\"q5 sparse\" transform=\"translate(0 58.7)\">"));
  EXPECT_THAT(svg, HasSubstr("fill=\"url(#m-hatch)\""));
  EXPECT_THAT(svg, HasSubstr("<title id=\"m-t\">T &amp; U</title>"));
  EXPECT_THAT(svg, HasSubstr("<desc id=\"m-d\">two &lt;models&gt;</desc>"));
  EXPECT_THAT(svg, Not(HasSubstr("<a>")));
}

TEST(HeatMap, LeavesPairsThatNeverMetEmpty) {
  HeatMap map = two_models();
  map.cells[1].share = std::numeric_limits<double>::quiet_NaN();
  const std::string svg = heat_map(map);
  EXPECT_THAT(svg, Not(HasSubstr("translate(26 32.7)")));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("class=\"frame\"")));
}

TEST(HeatMap, FramesTheFirstModels) {
  HeatMap map = two_models();
  map.framed = 2;
  EXPECT_THAT(heat_map(map), HasSubstr("<rect class=\"frame\" x=\"-1\" y=\"31.7\" width=\"53\""));
}

}  // namespace
}  // namespace cupel::report
