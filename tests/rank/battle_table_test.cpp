#include "rank/battle_table.h"

#include <cmath>

#include <gtest/gtest.h>

namespace cupel::rank {
namespace {

TEST(BattleTable, KeepsRowsAndDefaults) {
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  const Battle first = table.row(0);
  EXPECT_EQ(first.weight, 1);
  EXPECT_EQ(first.count, 1);
  EXPECT_EQ(first.cluster, kNoCluster);
  EXPECT_FALSE(table.has_clusters());
  const int32_t cluster = table.intern_cluster("u1");
  ASSERT_TRUE(
      table.add({.a = 1, .b = 0, .outcome = 0.25, .weight = 2, .count = 3, .cluster = cluster})
          .has_value());
  // The columns that were left out so far are filled in for the first row.
  EXPECT_EQ(table.row(0).weight, 1);
  EXPECT_EQ(table.row(0).count, 1);
  EXPECT_EQ(table.row(0).cluster, kNoCluster);
  EXPECT_EQ(table.row(1).weight, 2);
  EXPECT_EQ(table.row(1).count, 3);
  EXPECT_EQ(table.row(1).cluster, cluster);
  EXPECT_TRUE(table.has_clusters());
  EXPECT_EQ(table.battle_count(), 4);
  EXPECT_EQ(table.battles_per_model(), (std::vector<int64_t>{4, 4}));
}

TEST(BattleTable, RefusesBadBattlesAndStaysUnchanged) {
  BattleTable table;
  EXPECT_EQ(table.add("x", "x", kTie).error().code, Code::kInvalidArgument);
  EXPECT_EQ(table.add("", "x", kTie).error().code, Code::kInvalidArgument);
  EXPECT_EQ(table.add("x", "y", NAN).error().code, Code::kInvalidArgument);
  EXPECT_EQ(table.add("x", "y", 1.5).error().code, Code::kInvalidArgument);
  EXPECT_EQ(table.model_count(), 0U);
  ASSERT_TRUE(table.add("x", "y", kTie).has_value());
  for (const Battle& bad :
       {Battle{.a = 0, .b = 0}, Battle{.a = 0, .b = 1, .outcome = -0.1},
        Battle{.a = 0, .b = 1, .weight = 0}, Battle{.a = 0, .b = 1, .weight = INFINITY},
        Battle{.a = 0, .b = 1, .count = 0}}) {
    EXPECT_EQ(table.add(bad).error().code, Code::kInvalidArgument);
  }
  EXPECT_EQ(table.rows(), 1U);
}

TEST(BattleTable, AggregatesIdenticalBattlesWhateverTheirSides) {
  BattleTable table;
  ASSERT_TRUE(table.add("y", "x", kWinA).has_value());
  ASSERT_TRUE(table.add("x", "y", kWinB).has_value());
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  ASSERT_TRUE(table.add("x", "z", kTie).has_value());
  const BattleTable joined = table.aggregated(ClusterUse::kDrop);
  ASSERT_EQ(joined.rows(), 3U);
  EXPECT_EQ(joined.battle_count(), 4);
  const Battle first = joined.row(0);  // x against y, sorted by outcome
  EXPECT_EQ(joined.models().name(first.a), "x");
  EXPECT_EQ(first.outcome, kWinB);
  EXPECT_EQ(first.count, 2);
}

TEST(BattleTable, AggregationKeepsClustersApartOnDemand) {
  BattleTable table;
  const int32_t x = table.intern_model("x");
  const int32_t y = table.intern_model("y");
  for (const char* user : {"u2", "u1", "u2"}) {
    ASSERT_TRUE(table.add({.a = x, .b = y, .outcome = kWinA, .cluster = table.intern_cluster(user)})
                    .has_value());
  }
  EXPECT_EQ(table.aggregated(ClusterUse::kDrop).rows(), 1U);
  const BattleTable kept = table.aggregated(ClusterUse::kKeep);
  ASSERT_EQ(kept.rows(), 2U);
  EXPECT_EQ(kept.clusters().name(kept.row(0).cluster), "u1");
  EXPECT_EQ(kept.row(1).count, 2);
}

TEST(RequireBattles, NamesWhatIsMissing) {
  BattleTable table;
  EXPECT_NE(require_battles(table).error().message.find("no battles"), std::string::npos);
  ASSERT_TRUE(table.add("x", "y", kTie).has_value());
  EXPECT_TRUE(require_battles(table).has_value());
  table.set_counts(std::vector<int64_t>{0});
  EXPECT_EQ(require_battles(table).error().code, Code::kInvalidArgument);
}

TEST(BattleTable, KeepsAShadeInItsFirstBattle) {
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", 0.75).has_value());
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  EXPECT_EQ(table.row(0).outcome, 0.75);
  EXPECT_EQ(table.row(1).outcome, kWinA);
  EXPECT_FALSE(table.has_hard_outcomes());
}

}  // namespace
}  // namespace cupel::rank
