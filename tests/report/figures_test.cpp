#include "report/figures.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cupel::report {
namespace {

TEST(NiceAxis, HasRoundEndsThatCoverBothValues) {
  const Axis axis = nice_axis(0.13, 0.71);
  EXPECT_DOUBLE_EQ(axis.low, 0);
  EXPECT_NEAR(axis.high, 0.8, 1e-12);
  ASSERT_EQ(axis.ticks.size(), 5U);
  EXPECT_NEAR(axis.ticks[1], 0.2, 1e-12);
  EXPECT_EQ(axis.decimals, 1);
  EXPECT_EQ(nice_axis(0, 1000).decimals, 0);
  EXPECT_EQ(nice_axis(0, 0.1).decimals, 3);  // steps of 0.025
}

TEST(NiceAxis, TakesEqualAndSenselessEnds) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Axis& axis : {nice_axis(0.5, 0.5), nice_axis(nan, 1), nice_axis(0, 1e300),
                           nice_axis(1e14, 1e14), nice_axis(-3, -3)}) {
    EXPECT_LT(axis.low, axis.high);
    EXPECT_GE(axis.ticks.size(), 2U);
    EXPECT_LE(axis.ticks.size(), 12U);
  }
}

TEST(LogarithmicAxis, HasTicksAtRoundNumbers) {
  const auto values = [](double low, double high) {
    std::vector<double> out;
    for (const double tick : logarithmic_axis(low, high).ticks) {
      out.push_back(std::pow(10.0, tick));
    }
    return out;
  };
  const auto near = [](const std::vector<double>& numbers) {
    return testing::Pointwise(testing::DoubleNear(1e-6), numbers);
  };
  EXPECT_THAT(values(0.55, 3.1), near({0.7, 1, 1.5, 2, 3}));
  EXPECT_THAT(values(0.5, 5), near({0.5, 1, 2, 5}));
  EXPECT_THAT(values(0.02, 2000), near({0.1, 1, 10, 100, 1000}));
  EXPECT_GE(values(1.1, 1.4).size(), 2U);  // no round number within: others
  EXPECT_GE(values(3, 3).size(), 2U);
  EXPECT_LE(values(1e-30, 1e30).size(), 6U);
  EXPECT_GE(values(1e-30, 1e30).size(), 4U);
  const Axis axis = logarithmic_axis(1, 10);
  EXPECT_LT(axis.low, 0);  // lines at the ends are not cut
  EXPECT_GT(axis.high, 1);
}

TEST(TightAxis, EndsCloseToTheValues) {
  // Ticks every 200 from 600 to 1400; the ends go to quarters of a step, 50.
  const Axis axis = tight_axis(612, 1216);
  EXPECT_DOUBLE_EQ(axis.low, 600);
  EXPECT_DOUBLE_EQ(axis.high, 1250);
  EXPECT_EQ(axis.ticks, (std::vector<double>{600, 800, 1000, 1200}));
  EXPECT_EQ(axis.decimals, 0);
}

TEST(TightAxis, KeepsTwoTicksOrTheRoundEnds) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (double low = -3; low < 3; low += 0.37) {
    for (double span = 0.01; span < 40; span *= 1.7) {
      const Axis axis = tight_axis(low, low + span);
      EXPECT_GE(axis.ticks.size(), 2U) << low << " " << span;
      EXPECT_LE(axis.low, low + 1e-9);
      EXPECT_GE(axis.high, low + span - 1e-9);
    }
  }
  for (const Axis& axis : {tight_axis(nan, 1), tight_axis(5, 5), tight_axis(1, 1e300)}) {
    EXPECT_LT(axis.low, axis.high);
    EXPECT_GE(axis.ticks.size(), 2U);
  }
}

TEST(ClippedAxis, EndsWhereTheScaleEnds) {
  const Axis axis = clipped_axis(nice_axis(1.87, 6.4), 1, 10);  // 0, 2, … 8 without the cut
  EXPECT_DOUBLE_EQ(axis.low, 1);
  EXPECT_DOUBLE_EQ(axis.high, 8);
  EXPECT_EQ(axis.ticks, (std::vector<double>{1, 2, 4, 6, 8}));
  EXPECT_DOUBLE_EQ(axis.percent(1), 2);
}

TEST(ClippedAxis, LeavesOutTicksThatCrowdItsEnds) {
  // 0, 2.5, … 12.5: 2.5 is 0.5 from the cut, less than half a step; the last needs decimals.
  const Axis axis = clipped_axis(nice_axis(2.1, 11), 2, 9.95);
  EXPECT_EQ(axis.ticks, (std::vector<double>{2, 5, 7.5, 9.95}));
  EXPECT_EQ(axis.decimals, 2);
}

TEST(ClippedAxis, LeavesAnAxisWithinOrBeyondTheScaleAlone) {
  EXPECT_EQ(clipped_axis(nice_axis(2, 8), 0, 10).ticks, nice_axis(2, 8).ticks);
  EXPECT_EQ(clipped_axis(nice_axis(20, 80), 1, 10).ticks, nice_axis(20, 80).ticks);
  EXPECT_EQ(clipped_axis(nice_axis(2, 8), 5, 5).ticks, nice_axis(2, 8).ticks);
}

TEST(Axis, PutsValuesBetweenTheMargins) {
  const Axis axis = nice_axis(0, 1);
  EXPECT_DOUBLE_EQ(axis.percent(0), 2);
  EXPECT_DOUBLE_EQ(axis.percent(0.5), 50);
  EXPECT_DOUBLE_EQ(axis.percent(1), 98);
  EXPECT_DOUBLE_EQ(axis.percent(7), 98);
}

TEST(WhiskerCell, DrawsTheIntervalWhereTheAxisPutsIt) {
  const Axis axis = nice_axis(0, 1);
  const std::string svg =
      whisker_cell(axis, {.estimate = {0.5, Interval{0.25, 0.75}}, .kind = MarkKind::kLead});
  // 2% margin and 96% span: 2 + 96 × 0.25 = 26, 2 + 96 × 0.75 = 74.
  EXPECT_NE(svg.find("<line class=\"span\" x1=\"26%\" x2=\"74%\" y1=\"12\" y2=\"12\"/>"),
            std::string::npos)
      << svg;
  EXPECT_NE(svg.find("<circle cx=\"50%\" cy=\"12\" r=\"5\"/>"), std::string::npos);
  EXPECT_NE(svg.find("data-low=\"0.25\" data-value=\"0.5\" data-high=\"0.75\""), std::string::npos);
  EXPECT_NE(svg.find("class=\"w lead\""), std::string::npos);
}

TEST(WhiskerCell, DrawsTheMarkAloneWithoutAnInterval) {
  const std::string svg = whisker_cell(nice_axis(0, 1), {.estimate = {0.5}});
  EXPECT_NE(svg.find("<circle cx=\"50%\""), std::string::npos);
  EXPECT_EQ(svg.find("class=\"span\""), std::string::npos);
  EXPECT_EQ(svg.find("data-low"), std::string::npos);
}

TEST(AxisCell, PutsLabelsOverTheirLines) {
  const std::string svg = axis_cell(nice_axis(0, 1));
  EXPECT_NE(svg.find("x=\"2%\" y=\"11\" text-anchor=\"middle\">0.00<"), std::string::npos) << svg;
  EXPECT_NE(svg.find("x=\"98%\" y=\"11\" text-anchor=\"middle\">1.00<"), std::string::npos);
}

WhiskerFigure sample_figure() {
  return {.id = "f",
          .title = "T & U",
          .description = "two rows",
          .axis = nice_axis(-0.2, 0.4),
          .reference = 0.0,
          .rows = {{.label = "<a>", .estimate = {0.1, Interval{-0.1, 0.3}}, .note = "+0.1"},
                   {.label = "b",
                    .estimate = {std::numeric_limits<double>::quiet_NaN()},
                    .kind = MarkKind::kControl}}};
}

TEST(WhiskerPlot, IsNamedEscapedAndDeterministic) {
  const std::string svg = whisker_plot(sample_figure());
  EXPECT_EQ(svg, whisker_plot(sample_figure()));
  EXPECT_NE(svg.find("role=\"img\""), std::string::npos);
  EXPECT_NE(svg.find("<title id=\"f-t\">T &amp; U</title>"), std::string::npos);
  EXPECT_NE(svg.find("<desc id=\"f-d\">two rows</desc>"), std::string::npos);
  EXPECT_NE(svg.find("&lt;a&gt;"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_NE(svg.find("class=\"reference\""), std::string::npos);
}

TEST(BarPanel, ScalesBarsAndSaysWhatIsMissing) {
  const std::string svg = bar_panel({.id = "p",
                                     .title = "math",
                                     .low = 1,
                                     .high = 10,
                                     .decimals = 1,
                                     .bars = {{.label = "A", .value = 10, .kind = MarkKind::kLead},
                                              {.label = "B", .value = 5.5},
                                              {.label = "C", .value = std::nullopt}}});
  EXPECT_NE(svg.find("width=\"62%\""), std::string::npos);
  EXPECT_NE(svg.find("width=\"31%\""), std::string::npos);  // half-way from 1 to 10
  EXPECT_NE(svg.find("<desc id=\"p-d\">A 10.0, B 5.5, C no data</desc>"), std::string::npos);
}

TEST(BinCounts, PutsTheUpperEndIntoTheLastBin) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(bin_counts({0, 0.1, 0.5, 1, 1.2, -1, nan}, 0, 1, 2), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(bin_counts({1}, 1, 1, 3), (std::vector<int64_t>{0, 0, 0}));
}

TEST(Histogram, DrawsABarABin) {
  const std::string svg =
      histogram({.id = "h", .title = "scores", .low = 0, .high = 1, .counts = {4, 0, 2, 0}});
  EXPECT_NE(svg.find("height=\"56\""), std::string::npos);  // the highest bin fills the height
  EXPECT_NE(svg.find("height=\"28\""), std::string::npos);
  EXPECT_NE(svg.find("Counts of 4 equal bins from 0 to 1: 4 0 2 0"), std::string::npos);
  EXPECT_NE(histogram({.id = "h", .title = "none"}).find("</svg>"), std::string::npos);
}

}  // namespace
}  // namespace cupel::report
