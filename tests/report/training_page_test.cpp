#include "report/training_page.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/format.h"

namespace cupel::report {
namespace {

using Points = std::vector<LineSeries::Point>;

Points wave(size_t count) {
  Points points;
  for (size_t i = 0; i < count; ++i) {
    points.push_back({static_cast<double>(i + 1), std::sin(0.01 * static_cast<double>(i))});
  }
  return points;
}

TEST(LinePlot, ThinningKeepsExtremesAndEnds) {
  Points points = wave(100'000);
  points[31'415].y = 50;
  points[27'182].y = -70;
  const Points kept = thinned(points, 600);
  EXPECT_LE(kept.size(), 602U);
  EXPECT_EQ(kept.front().x, 1);
  EXPECT_EQ(kept.back().x, 100'000);
  double high = 0;
  double low = 0;
  for (size_t i = 0; i < kept.size(); ++i) {
    high = std::max(high, kept[i].y);
    low = std::min(low, kept[i].y);
    EXPECT_TRUE(i == 0 || kept[i - 1].x < kept[i].x) << i;
  }
  EXPECT_EQ(high, 50);
  EXPECT_EQ(low, -70);
}

TEST(LinePlot, ThinningLeavesFewPointsAloneButForThoseThatAreNoNumber) {
  const Points kept = thinned({{1, 2}, {2, std::nan("")}, {3, 4}}, 10);
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[1].x, 3);
  EXPECT_TRUE(thinned({}, 10).empty());
}

TEST(LinePlot, TheRunningMeanStartsAtTheFirstValue) {
  const Points mean = smoothed({{1, 4}, {2, 4}, {3, 1}}, 0.5);
  EXPECT_NEAR(mean[0].y, 4, 1e-12);
  EXPECT_NEAR(mean[1].y, 4, 1e-12);
  EXPECT_NEAR(mean[2].y, (0.5 * 1 + 0.25 * 4 + 0.125 * 4) / 0.875, 1e-12);
}

TEST(LinePlot, NothingToDrawIsNoFigure) {
  EXPECT_EQ(line_plot({.id = "a", .title = "A", .series = {{.name = "x"}}}), "");
  EXPECT_NE(line_plot({.id = "a", .title = "A", .series = {{.name = "x", .points = {{1, 1}}}}}),
            "");
}

TEST(LinePlot, LogarithmsNeedValuesAboveZero) {
  const auto labels = [](double low) {
    return line_plot({.id = "a",
                      .title = "A",
                      .logarithmic = true,
                      .series = {{.name = "x", .points = {{1, low}, {2, 1000}}}}});
  };
  EXPECT_NE(labels(0.1).find(">100<"), std::string::npos);
  EXPECT_EQ(labels(-1).find(">100<"), std::string::npos);
}

TEST(TrainingPage, DataIsEscapedAndNothingRuns) {
  TrainingPage page{.title = "<b>run</b>", .subtitle = "m", .lede = "l"};
  page.samples.push_back({.asked = "<script>1</script>", .before = "a & b", .after = "</pre>x"});
  page.settings = {{"data.files", "\"<x>\""}};
  const std::string html = render_training_page(page);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("<b>run"), std::string::npos);
  EXPECT_NE(html.find("&lt;/pre&gt;x"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;1"), std::string::npos);
  for (const std::string_view loads : {"src=", "@import", "url(", "href=\"http"}) {
    EXPECT_EQ(html.find(loads), std::string::npos) << loads;
  }
}

TEST(TrainingPage, LongRunsStaySmall) {
  TrainingPage page{.title = "t", .subtitle = "m", .lede = "l"};
  for (int i = 0; i < 12; ++i) {
    page.charts.push_back(
        {.figure = {.id = format("c{}", i),
                    .title = "c",
                    .x_name = "step",
                    .series = {{.name = "a", .points = wave(100'000), .lead = true},
                               {.name = "b", .points = wave(100'000)}}},
         .hint = "h"});
  }
  EXPECT_LT(render_training_page(page).size(), 2'000'000U);
}

}  // namespace
}  // namespace cupel::report
