// The figures of the rank page besides the map: calibration, ring, compact whiskers.
#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/figures.h"
#include "report/figures_calibration.h"
#include "report/figures_ring.h"

namespace cupel::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t count_of(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(CalibrationPlot, PutsPointsWhereTheirSharesSay) {
  CalibrationFigure figure{.id = "c", .title = "<t>", .description = "d", .points = {}};
  figure.points.push_back({0.5, {0.25, Interval{0.2, 0.4}}, 100, "half & half"});
  figure.points.push_back({1, {1}, 25, "all"});
  const std::string svg = calibration_plot(figure);
  // 300 px upright from 332 to 32: a quarter stands at 332 − 75 = 257. Across 2% + 96%/2 = 50%.
  EXPECT_THAT(svg, HasSubstr("<svg class=\"point\" x=\"50%\" y=\"257\">"
                             "<title>half &amp; half</title>"));
  // From the point: 0.2 lies 15 px below it, 0.4 lies 45 px above.
  EXPECT_THAT(svg, HasSubstr("d=\"M0 15V-45M-4 15h8M-4 -45h8\""));
  EXPECT_THAT(svg, HasSubstr("<circle r=\"9\"/>"));
  // A quarter of the votes is a quarter of the area: half the radius.
  EXPECT_THAT(svg, HasSubstr("x=\"98%\" y=\"32\"><title>all</title><circle r=\"4.5\"/>"));
  // The diagonal, from corner to corner.
  EXPECT_THAT(svg,
              HasSubstr("<line class=\"reference\" x1=\"2%\" x2=\"98%\" y1=\"332\" y2=\"32\"/>"));
  EXPECT_THAT(svg, HasSubstr("&lt;t&gt;"));
}

TEST(CalibrationPlot, LeavesOutWhatIsNoNumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CalibrationFigure figure{.id = "c", .title = "t", .description = "d", .points = {}};
  figure.points.push_back({nan, {0.5}, 3, "no prediction"});
  figure.points.push_back({0.5, {nan, Interval{nan, nan}}, 3, "nothing observed"});
  figure.points.push_back(
      {0.5, {0.5, Interval{0, std::numeric_limits<double>::infinity()}}, 0, ""});
  const std::string svg = calibration_plot(figure);
  EXPECT_EQ(count_of(svg, "class=\"point\""), 1U);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("class=\"span\"")));
}

TEST(Ring, DrawsAnArrowFromEachModelToTheNext) {
  const std::string svg =
      ring({.id = "r",
            .title = "t",
            .description = "d",
            .names = {"rock", "<scissors>", "a-name-that-is-far-too-long-for-it"},
            .labels = {"91%", "88%", "90%"}});
  EXPECT_EQ(count_of(svg, "class=\"shaft\""), 3U);
  EXPECT_EQ(count_of(svg, "class=\"head\""), 3U);
  for (const std::string_view text :
       {"91%", "88%", "90%", "rock", "&lt;scissors&gt;", "a-name-that-is-f…"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
  // The first stands at the top, in the middle of 252 px: 116 − 74 = 42 px down.
  EXPECT_THAT(svg, HasSubstr("<circle class=\"node\" cx=\"126\" cy=\"42\" r=\"12\"/>"));
}

TEST(Ring, CentresNamesThatFit) {
  const auto names_of = [](const std::string& name) {
    return ring({.id = "r",
                 .title = "t",
                 .description = "d",
                 .names = {"a", name, name},
                 .labels = {"1", "2", "3"}});
  };
  // The lower nodes stand at 126 ± 74 · cos 30° = 190.09 and 61.91, their names 37 + 116 + 30 down.
  EXPECT_THAT(names_of("rock"), HasSubstr("x=\"190.09\" y=\"183\" text-anchor=\"middle\">rock"));
  EXPECT_THAT(names_of("rock"), HasSubstr("x=\"61.91\" y=\"183\" text-anchor=\"middle\">rock"));
  const std::string wide = names_of("seventeen-columns");
  EXPECT_THAT(wide, HasSubstr("x=\"252\" y=\"183\" text-anchor=\"end\">seventeen-columns"));
  EXPECT_THAT(wide, HasSubstr("x=\"0\" y=\"183\" text-anchor=\"start\">seventeen-columns"));
}

TEST(Ring, StaysWithinAPhone) {
  for (size_t models = 3; models <= 8; ++models) {
    RingFigure figure{.id = "r", .title = "t", .description = "d", .names = {}, .labels = {}};
    figure.names.assign(models, "model");
    figure.labels.assign(models, "60%");
    EXPECT_EQ(count_of(ring(figure), "class=\"node\""), models);
    EXPECT_THAT(ring(figure), HasSubstr("width=\"252\""));  // 320 px less 66 of margins
  }
}

TEST(CompactWhiskerPlot, DrawsARowAModel) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  WhiskerFigure figure{.id = "w",
                       .title = "t",
                       .description = "d",
                       .axis = nice_axis(0, 1),
                       .reference = {},
                       .rows = {{.label = "<a>",
                                 .estimate = {0.5, Interval{0.25, 0.75}},
                                 .note = "a: \"0.5\"",
                                 .outer = Interval{0, 1}},
                                {.label = "b", .estimate = {nan}, .note = "b"}}};
  const std::string svg = compact_whisker_plot(figure);
  EXPECT_THAT(svg, HasSubstr("<div class=\"label\" dir=\"auto\">&lt;a&gt;</div>"));
  EXPECT_THAT(svg, HasSubstr("<title>a: &quot;0.5&quot;</title>"));
  // 20 px of head and half a row of 22 px; the wider interval behind, 2% to 98%.
  EXPECT_THAT(svg, HasSubstr("<rect class=\"outer\" x=\"2%\" y=\"25\" width=\"96%\""));
  EXPECT_THAT(svg, HasSubstr("<line class=\"span\" x1=\"26%\" x2=\"74%\" y1=\"31\" y2=\"31\"/>"));
  EXPECT_LT(svg.find("class=\"outer\""), svg.find("class=\"span\""));
  EXPECT_EQ(count_of(svg, "<circle"), 1U);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace cupel::report
