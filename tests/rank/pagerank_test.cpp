#include "rank/methods/pagerank.h"

#include <algorithm>
#include <numeric>

#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

// The rank-statistics sheet, table S.
TEST(PageRankScores, MatchTheSheet) {
  const auto rank = pagerank_scores(test::sixteen_battles());
  ASSERT_TRUE(rank.has_value());
  const double expected[] = {0.132800, 0.154051, 0.162403, 0.277948, 0.272798};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(rank->scores[i], expected[i], 6e-7) << i;
  }
  EXPECT_NEAR(std::accumulate(rank->scores.begin(), rank->scores.end(), 0.0), 1, 1e-15);
}

TEST(PageRankScores, MatchEvalicasGoldenFiles) {
  CUPEL_SKIP_WITHOUT_VOTES();
  test::expect_golden("pagerank",
                      [](const BattleTable& table) { return pagerank_scores(table)->scores; });
}

TEST(PageRankScores, AreLedByWhomeverWasShownMost) {
  CUPEL_SKIP_WITHOUT_VOTES();
  const BattleTable table = test::published_votes("llmfao.csv");
  const auto rank = pagerank_scores(table);
  ASSERT_TRUE(rank.has_value());
  const auto best = std::max_element(rank->scores.begin(), rank->scores.end());
  EXPECT_EQ(table.models().name(static_cast<int32_t>(best - rank->scores.begin())), "Weaver 12k");
  EXPECT_NEAR(*best, 0.145676, 6e-7);
}

TEST(PageRankScores, AreTheClosedFormOfTwoModels) {
  // x always beats y: from y to x with 0.85 + 0.075, from x (nobody beat it) to either with ½.
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  const auto rank = pagerank_scores(table);
  ASSERT_TRUE(rank.has_value());
  // π_x = 0.5·π_x + 0.925·(1 − π_x).
  EXPECT_NEAR(rank->scores[0], 0.925 / 1.425, 1e-14);
}

TEST(PageRankScores, AreEqualWithoutDampingAndRefuseTooMuch) {
  const BattleTable table = test::sixteen_battles();
  const auto undamped = pagerank_scores(table, {.damping = 0});
  ASSERT_TRUE(undamped.has_value());
  for (const double score : undamped->scores) {
    EXPECT_DOUBLE_EQ(score, 0.2);
  }
  EXPECT_TRUE(pagerank_scores(table, {.damping = 0.999}).has_value());
  EXPECT_EQ(pagerank_scores(table, {.damping = 1}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace cupel::rank
