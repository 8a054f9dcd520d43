#include "rank/methods/eigen.h"

#include <cmath>

#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

// The rank-statistics sheet, table S: both directions.
TEST(EigenvectorScores, MatchTheSheet) {
  const BattleTable table = test::sixteen_battles();
  const auto winner = eigenvector_scores(table);
  const auto loser = eigenvector_scores(table, EigenDirection::kLoser);
  ASSERT_TRUE(winner.has_value() && loser.has_value());
  const double by_winner[] = {0.226604, 0.345475, 0.346006, 0.593598, 0.597678};
  const double by_loser[] = {0.695595, 0.417754, 0.419582, 0.280619, 0.294675};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(winner->scores[i], by_winner[i], 6e-7) << i;
    EXPECT_NEAR(loser->scores[i], by_loser[i], 6e-7) << i;
  }
  EXPECT_NEAR(winner->eigenvalue, loser->eigenvalue, 1e-12);  // of a matrix and its transpose
}

TEST(EigenvectorScores, MatchEvalicasGoldenFilesTransposed) {
  CUPEL_SKIP_WITHOUT_VOTES();
  test::expect_golden("eigen", [](const BattleTable& table) {
    return eigenvector_scores(table, EigenDirection::kLoser)->scores;
  });
}

TEST(EigenvectorScores, ConvergeForTwoModels) {
  // C = [[0, 3], [1, 0]]: eigenvalues ±√3 of equal size; the positive vector is (√3, 1)/2.
  BattleTable table;
  table.intern_model("x");
  table.intern_model("y");
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = kWinA, .count = 3}).has_value());
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = kWinB}).has_value());
  const auto eigen = eigenvector_scores(table);
  ASSERT_TRUE(eigen.has_value());
  EXPECT_NEAR(eigen->scores[0], std::sqrt(3) / 2, 1e-12);
  EXPECT_NEAR(eigen->scores[1], 0.5, 1e-12);
  EXPECT_NEAR(eigen->eigenvalue, std::sqrt(3), 1e-12);
}

TEST(EigenvectorScores, RefuseAGroupWithoutPoints) {
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  ASSERT_TRUE(table.add("y", "x", kWinA).has_value());
  ASSERT_TRUE(table.add("x", "loser", kWinA).has_value());
  const auto eigen = eigenvector_scores(table);
  ASSERT_FALSE(eigen.has_value());
  EXPECT_EQ(eigen.error().code, Code::kFailedPrecondition);
  EXPECT_NE(eigen.error().message.find("scores would be zero: \"loser\""), std::string::npos)
      << eigen.error().message;
}

}  // namespace
}  // namespace cupel::rank
