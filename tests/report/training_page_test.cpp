#include "report/training_page.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/format.h"
#include "web/sample_training_page.h"
#include "web/xss_corpus.h"

namespace cupel::report {
namespace {

using Points = std::vector<LineSeries::Point>;

size_t count_of(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

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

TEST(LinePlot, SmoothingCoversAShareOfLongAndOfShortRuns) {
  EXPECT_EQ(smoothing_weight(0, 100'000), 0);
  for (size_t choice = 0; choice < kSmoothings; ++choice) {
    EXPECT_EQ(smoothing_weight(choice, 0), 0);
    EXPECT_EQ(smoothing_weight(choice, 8), 0);
  }
  EXPECT_NEAR(smoothing_weight(2, 40), 0.8, 1e-12);         // 5 steps
  EXPECT_NEAR(smoothing_weight(2, 300), 0.9, 1e-12);        // 10 steps
  EXPECT_NEAR(smoothing_weight(2, 100'000), 0.999, 1e-12);  // 1000 of them
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
                      .scale = LineScale::kLogarithmic,
                      .series = {{.name = "x", .points = {{1, low}, {2, 1000}}}}});
  };
  EXPECT_NE(labels(0.1).find(">100<"), std::string::npos);
  EXPECT_EQ(labels(-1).find(">100<"), std::string::npos);
}

TEST(LinePlot, ReadersChooseHowMuchNoisyLinesAreSmoothed) {
  LineFigure figure{.id = "a", .title = "A", .scale = LineScale::kEither};
  Points points(80, {0, 4});
  for (size_t i = 0; i < points.size(); ++i) {
    points[i].x = static_cast<double>(i + 1);
  }
  points.back().y = 1;
  figure.series = {{.name = "x", .points = points, .noisy = true}};
  const std::string svg = line_plot(figure);
  // Each step alone and three running means, on both scales.
  EXPECT_EQ(count_of(svg, "<polyline"), 8U);
  const auto values_of = [&svg](std::string_view line) {
    const size_t begin = svg.find("data-y=\"", svg.find(line));
    return svg.substr(begin, svg.find('"', begin + 8) + 1 - begin);
  };
  EXPECT_THAT(values_of("class=\"line raw\" data-name=\"x\" data-x=\"1 2 3"),
              testing::EndsWith(" 4 4 1\""));
  const double mean = smoothed(points, 0.9).back().y;
  EXPECT_THAT(values_of("class=\"line mean m2\" data-name=\"x\" data-x=\"1 2 3"),
              testing::EndsWith(format(" 4 4 {:.4g}\"", mean)));
  figure.series[0].points[2].y = -1;  // no logarithm
  EXPECT_EQ(count_of(line_plot(figure), "<polyline"), 4U);
}

TEST(LinePlot, AxesSayWhatTheyCountAndGroupDigits) {
  const std::string svg =
      line_plot({.id = "a",
                 .title = "A",
                 .x_name = "step",
                 .series = {{.name = "speed", .points = {{0, -2000}, {100'000, 2000}}}}});
  EXPECT_NE(svg.find("text-anchor=\"end\">step</text>"), std::string::npos);
  // Centred at the end it would reach beyond the card.
  EXPECT_NE(svg.find("x=\"100%\" y=\"214\" text-anchor=\"end\">100,000</text>"), std::string::npos);
  EXPECT_NE(svg.find("text-anchor=\"middle\">0</text>"), std::string::npos);
  EXPECT_EQ(svg.find(">20,000</text>"), std::string::npos);  // there is room for 50,000
  EXPECT_NE(svg.find(">2,000</text>"), std::string::npos);
  EXPECT_NE(svg.find(">\u22122,000</text>"), std::string::npos);
}

TEST(LinePlot, MarksEventsAndFewPoints) {
  const std::string svg =
      line_plot({.id = "a",
                 .title = "A",
                 .series = {{.name = "x", .points = {{1, 1}, {9, 2}}, .marks = true}},
                 .events = {5}});
  EXPECT_NE(svg.find("class=\"event\" x1=\"50%\""), std::string::npos);
  EXPECT_EQ(count_of(svg, "class=\"dots\""), 1U);
  // One point is no line, and is seen all the same.
  const std::string one =
      line_plot({.id = "a", .title = "A", .series = {{.name = "x", .points = {{1, 1}}}}});
  EXPECT_EQ(count_of(one, "class=\"dots\""), 1U);
}

TEST(TrainingPage, DataIsEscapedAndOnlyItsOwnScriptRuns) {
  const std::string html = render_training_page(test::sample_training_page(50));
  for (const std::string_view attack : test::kXssCorpus) {
    if (attack.find('<') != std::string_view::npos) {
      EXPECT_TRUE(html.find(attack) == std::string::npos) << attack;
    }
  }
  EXPECT_EQ(count_of(html, "<script"), 1U);
  for (const std::string_view loads : {"src=\"", "<img", "<link rel=stylesheet", "href=\"http"}) {
    EXPECT_EQ(html.find(loads), std::string::npos) << loads;
  }
  EXPECT_NE(html.find("script-src &#39;sha256-"), std::string::npos);
}

TEST(TrainingPage, OnlyLinesThatAreNotAloneAreNamed) {
  TrainingPage page{.title = "t", .subtitle = "m", .lede = "l"};
  page.charts = {{.figure = {.id = "a",
                             .title = "Speed",
                             .x_name = "step",
                             .series = {{.name = "a", .points = wave(3), .lead = true}}},
                  .hint = "h"}};
  EXPECT_EQ(count_of(render_training_page(page), "class=\"legend\""), 0U);
  page.charts.front().figure.series.push_back({.name = "b", .points = wave(3)});
  page.charts.front().figure.series.push_back({.name = "c", .points = wave(3), .marks = true});
  const std::string html = render_training_page(page);
  for (const std::string_view swatch : {"swatch lead", "swatch second", "swatch marked"}) {
    EXPECT_EQ(count_of(html, "class=\"" + std::string(swatch) + "\""), 1U) << swatch;
  }
}

TEST(TrainingPage, AnAnswerThatIsEmptyIsNotOneThatWasNotAsked) {
  TrainingPage page{.title = "t", .subtitle = "m", .lede = "l"};
  page.samples.push_back({.asked = "q", .before = "", .after = std::nullopt});
  const std::string html = render_training_page(page);
  EXPECT_NE(html.find("An empty answer."), std::string::npos);
  EXPECT_NE(html.find("Not asked yet."), std::string::npos);
}

TEST(TrainingPage, LongRunsStaySmall) {
  TrainingPage page{.title = "t", .subtitle = "m", .lede = "l"};
  for (int i = 0; i < 12; ++i) {
    page.charts.push_back(
        {.figure = {.id = format("c{}", i),
                    .title = "c",
                    .x_name = "step",
                    .series = {{.name = "a", .points = wave(100'000), .lead = true, .noisy = true},
                               {.name = "b", .points = wave(100'000), .noisy = true}}},
         .hint = "h"});
  }
  EXPECT_LT(render_training_page(page).size(), 2'000'000U);
}

}  // namespace
}  // namespace cupel::report
