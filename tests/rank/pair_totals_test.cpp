#include "rank/pair_totals.h"

#include <string>

#include <gtest/gtest.h>

namespace cupel::rank {
namespace {

/// Votes among the first three of so many models.
BattleTable votes(int models) {
  BattleTable table;
  for (int i = 0; i < models; ++i) {
    table.intern_model("m" + std::to_string(i));
  }
  for (const Battle& battle : {Battle{0, 1, kWinA}, Battle{1, 0, kWinA}, Battle{1, 0, kWinB, 1, 3},
                               Battle{0, 1, kTie}, Battle{2, 1, kWinA}, Battle{2, 1, kTie, 1, 2}}) {
    EXPECT_TRUE(table.add(battle).has_value());
  }
  return table;
}

TEST(PairTotals, SumsUpByHandWhicheverWayTheyAreFound) {
  // 5 models: counted in a table; 100: too many places for six rows; 3,000: sorted.
  for (const int models : {5, 100, 3000}) {
    const std::vector<PairTotal> totals = pair_totals(votes(models));
    ASSERT_EQ(totals.size(), 2U) << models;
    // 0 against 1: 0 wins 1 and 3 times, loses once, one tie.
    EXPECT_EQ(totals[0].a, 0);
    EXPECT_EQ(totals[0].b, 1);
    EXPECT_EQ(totals[0].mass, 6);
    EXPECT_EQ(totals[0].won, 4.5);
    EXPECT_EQ(totals[0].tied, 1);
    EXPECT_EQ(totals[0].mass2, 6);
    EXPECT_EQ(totals[0].won2, 4.5);
    EXPECT_EQ(totals[0].won22, 4.25);
    EXPECT_EQ(totals[0].tied2, 1);
    // 1 against 2: 1 loses once, two ties.
    EXPECT_EQ(totals[1].a, 1);
    EXPECT_EQ(totals[1].b, 2);
    EXPECT_EQ(totals[1].mass, 3);
    EXPECT_EQ(totals[1].won, 1);
    EXPECT_EQ(totals[1].won22, 0.5);
    EXPECT_EQ(totals[1].wins_a(), 0);
    EXPECT_EQ(totals[1].wins_b(), 1);
  }
}

TEST(PairTotals, KeepsWeightsAndShades) {
  BattleTable weighted = votes(5);
  ASSERT_TRUE(weighted.add(Battle{1, 0, kWinA, 2.5, 2}).has_value());  // two wins of 1 over 0
  PairTotal total = pair_totals(weighted)[0];
  EXPECT_EQ(total.mass, 11);
  EXPECT_EQ(total.won, 4.5);
  EXPECT_EQ(total.mass2, 6 + 2 * 6.25);
  BattleTable soft = votes(5);
  ASSERT_TRUE(soft.add(Battle{0, 1, 0.75}).has_value());
  total = pair_totals(soft)[0];
  EXPECT_EQ(total.mass, 7);
  EXPECT_EQ(total.won, 5.25);
  EXPECT_EQ(total.won22, 4.25 + 0.5625);
}

TEST(PairTotals, ARowOfCountNoneTakesNoPart) {
  for (const int models : {5, 100, 3000}) {
    BattleTable table = votes(models);
    table.set_counts(std::vector<int64_t>{1, 1, 3, 1, 0, 0});
    ASSERT_EQ(pair_totals(table).size(), 1U) << models;
    EXPECT_EQ(pair_totals(table)[0].mass, 6);
  }
}

}  // namespace
}  // namespace cupel::rank
