#include "rank/methods/counting.h"

#include <algorithm>

#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

// The rank-statistics sheet, table S.
TEST(CountPoints, MatchesTheSheet) {
  EXPECT_EQ(count_points(test::sixteen_battles()), (std::vector<double>{1.5, 3, 3, 4.5, 4}));
}

TEST(CountPoints, MatchesEvalicasGoldenFiles) {
  CUPEL_SKIP_WITHOUT_VOTES();
  test::expect_golden("counting", [](const BattleTable& table) { return count_points(table); });
}

TEST(CountPoints, WeighsAndCounts) {
  BattleTable table;
  table.intern_model("x");
  table.intern_model("y");
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = 0.75, .weight = 2, .count = 3}).has_value());
  EXPECT_EQ(count_points(table), (std::vector<double>{4.5, 1.5}));
}

// Not a skill score: "Weaver 12k" leads the published LLMFAO votes because it was shown most.
TEST(CountPoints, IsLedByWhomeverWasShownMost) {
  CUPEL_SKIP_WITHOUT_VOTES();
  const BattleTable table = test::published_votes("llmfao.csv");
  const std::vector<double> points = count_points(table);
  const auto battles = table.battles_per_model();
  const auto best = std::max_element(points.begin(), points.end()) - points.begin();
  EXPECT_EQ(table.models().name(static_cast<int32_t>(best)), "Weaver 12k");
  EXPECT_DOUBLE_EQ(points[static_cast<size_t>(best)], 1198.5);
  EXPECT_EQ(std::max_element(battles.begin(), battles.end()) - battles.begin(), best);
}

}  // namespace
}  // namespace cupel::rank
