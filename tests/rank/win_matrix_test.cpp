#include "rank/win_matrix.h"

#include "rank/separability.h"
#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

TEST(WinMatrix, CountsChosenModelsInTheGivenOrder) {
  const BattleTable table = test::sixteen_battles();
  const std::vector<int32_t> models = {4, 3, 0};
  const WinMatrix matrix = win_matrix(table, models);
  // 3-4: two ties and a win of 4; 0-4: a tie and a win of 4; 0-3: a win of 3.
  EXPECT_EQ(matrix.battles(0, 1), 3);
  EXPECT_EQ(matrix.points(0, 1), 2);
  EXPECT_EQ(matrix.points(1, 0), 1);
  EXPECT_EQ(matrix.points(0, 2), 1.5);
  EXPECT_EQ(matrix.battles(2, 0), 2);
  EXPECT_EQ(matrix.share(1, 2).value(), 1);
  EXPECT_NEAR(matrix.share(0, 1).value(), 2.0 / 3, 1e-15);
  EXPECT_FALSE(matrix.share(0, 0).has_value());
}

TEST(WinMatrix, LeavesPairsThatNeverMetEmpty) {
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  ASSERT_TRUE(table.add("y", "z", kWinA).has_value());
  const WinMatrix matrix = win_matrix(table, std::vector<int32_t>{0, 2});
  EXPECT_FALSE(matrix.share(0, 1).has_value());
}

TEST(Separability, IsTheShareOfPairsShownApart) {
  const auto better = [](size_t i, size_t j) { return i == 0 && j > 0; };
  EXPECT_DOUBLE_EQ(separability(4, better).value(), 3.0 / 6);
  EXPECT_FALSE(separability(1, better).has_value());
}

TEST(IntervalSeparability, CountsTouchingEndsAsOverlap) {
  const std::vector<numeric::Interval> intervals = {{0, 1}, {1, 2}, {2.5, 3}};
  EXPECT_DOUBLE_EQ(interval_separability(intervals).value(), 2.0 / 3);
}

}  // namespace
}  // namespace cupel::rank
