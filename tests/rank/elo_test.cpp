#include "rank/methods/elo.h"

#include <cmath>

#include <gtest/gtest.h>

namespace cupel::rank {
namespace {

TEST(FitElo, MovesByHalfOfKBetweenEquals) {
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  const auto fit = fit_elo(table);
  ASSERT_TRUE(fit.has_value());
  EXPECT_DOUBLE_EQ(fit->values[0], 1002);
  EXPECT_DOUBLE_EQ(fit->values[1], 998);
}

TEST(FitElo, ExpectsTenToOneAt400Points) {
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  // K = 400: the first win parts them by 400; then the winner expects 10/11 and gains 400/11.
  const auto fit = fit_elo(table, {.k_factor = 400});
  ASSERT_TRUE(fit.has_value());
  EXPECT_NEAR(fit->values[0], 1200 + 400.0 / 11, 1e-9);
}

TEST(FitElo, CountsAndWeightsWork) {
  BattleTable rows;
  ASSERT_TRUE(rows.add("x", "y", kWinA).has_value());
  ASSERT_TRUE(rows.add("x", "y", kWinA).has_value());
  BattleTable counted = rows.without_battles();
  ASSERT_TRUE(counted.add({.a = 0, .b = 1, .outcome = kWinA, .count = 2}).has_value());
  EXPECT_DOUBLE_EQ(fit_elo(rows)->values[0], fit_elo(counted)->values[0]);
  BattleTable weighted = rows.without_battles();
  ASSERT_TRUE(weighted.add({.a = 0, .b = 1, .outcome = kWinA, .weight = 3}).has_value());
  EXPECT_DOUBLE_EQ(fit_elo(weighted)->values[0], 1006);
}

TEST(FitElo, RefusesNonsense) {
  EXPECT_EQ(fit_elo(BattleTable()).error().code, Code::kInvalidArgument);
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  EXPECT_EQ(fit_elo(table, {.k_factor = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(fit_elo(table, {.k_factor = NAN}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace cupel::rank
