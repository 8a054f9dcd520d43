#include "rank/connectivity.h"

#include <gtest/gtest.h>

namespace cupel::rank {
namespace {

struct Row {
  const char* a;
  const char* b;
  double outcome;
};

BattleTable table_of(std::initializer_list<Row> rows) {
  BattleTable table;
  for (const Row& row : rows) {
    EXPECT_TRUE(table.add(row.a, row.b, row.outcome).has_value());
  }
  return table;
}

TEST(Connectivity, ACycleOfWinsIsOneGroup) {
  const auto table = table_of({{"x", "y", kWinA}, {"y", "z", kWinA}, {"z", "x", kWinA}});
  EXPECT_EQ(connectivity(table).groups.size(), 1U);
  EXPECT_TRUE(require_finite_strengths(table.models(), pair_totals(table)).has_value());
  EXPECT_EQ(describe_separation(table.models(), connectivity(table)), "");
}

TEST(Connectivity, OneTieJoinsBothWays) {
  EXPECT_EQ(connectivity(table_of({{"x", "y", kTie}})).groups.size(), 1U);
  EXPECT_EQ(connectivity(table_of({{"x", "y", 0.9}})).groups.size(), 1U);
}

TEST(Connectivity, OrdersGroupsFromTheUndefeatedDown) {
  const auto table = table_of({{"low", "mid1", kWinB},
                               {"mid1", "mid2", kTie},
                               {"top", "mid2", kWinA},
                               {"top", "low", kWinA}});
  const Connectivity links = connectivity(table);
  ASSERT_EQ(links.groups.size(), 3U);
  EXPECT_EQ(table.models().name(links.groups[0][0]), "top");
  EXPECT_EQ(links.groups[1].size(), 2U);
  EXPECT_EQ(table.models().name(links.groups[2][0]), "low");
  EXPECT_EQ(links.islands.size(), 1U);
}

TEST(Connectivity, NamesAWinlessModel) {
  const auto table = table_of({{"x", "y", kTie}, {"x", "weak", kWinA}, {"weak", "y", kWinB}});
  const auto error = require_finite_strengths(table.models(), pair_totals(table)).error();
  EXPECT_EQ(error.code, Code::kFailedPrecondition);
  EXPECT_EQ(error.message,
            "ratings would be infinite: \"weak\" never beat or tied the other 2 models; add "
            "battles that decide between them, or ask for a prior (ridge or pseudo-ties)");
  EXPECT_TRUE(require_linked(table.models(), pair_totals(table)).has_value());
}

TEST(Connectivity, NamesAnUndefeatedModel) {
  const auto table = table_of({{"x", "y", kTie}, {"strong", "x", kWinA}, {"y", "z", kTie}});
  EXPECT_EQ(describe_separation(table.models(), connectivity(table)),
            "\"strong\" was never beaten or tied by the other 3 models");
}

TEST(Connectivity, NamesAnIsland) {
  const auto table =
      table_of({{"a", "b", kTie}, {"b", "c", kTie}, {"p", "q", kWinA}, {"c", "a", kWinA}});
  const auto error = require_linked(table.models(), pair_totals(table)).error();
  EXPECT_EQ(error.code, Code::kFailedPrecondition);
  EXPECT_NE(error.message.find("no battle links \"p\", \"q\" with the other 3 models"),
            std::string::npos)
      << error.message;
}

TEST(Connectivity, AModelWithoutBattlesIsAnIsland) {
  auto table = table_of({{"a", "b", kTie}});
  table.intern_model("idle");
  EXPECT_EQ(connectivity(table).islands.size(), 2U);
}

TEST(Connectivity, IgnoresRowsOfCountZero) {
  auto table = table_of({{"a", "b", kWinA}, {"a", "b", kWinB}});
  table.set_counts(std::vector<int64_t>{5, 0});
  EXPECT_EQ(connectivity(table).groups.size(), 2U);
}

TEST(Connectivity, ListsAtMostFiveNames) {
  BattleTable table;
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(table.add("w" + std::to_string(i), "w" + std::to_string(i + 1), kTie).has_value());
  }
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(table.add("s" + std::to_string(i), "s" + std::to_string(i + 1), kTie).has_value());
  }
  const std::string text = describe_separation(table.models(), connectivity(table));
  EXPECT_NE(text.find("\"w12\" and 8 more with the other 21 models"), std::string::npos) << text;
}

TEST(Connectivity, AChainOfTenThousandModelsNeedsNoDeepStack) {
  BattleTable table;
  for (int i = 0; i < 10000; ++i) {
    ASSERT_TRUE(table.add(std::to_string(i), std::to_string(i + 1), kWinA).has_value());
  }
  EXPECT_EQ(connectivity(table).groups.size(), 10001U);
}

TEST(Connectivity, ListsThreeIslands) {
  const auto table =
      table_of({{"x", "y", kTie}, {"y", "z", kWinA}, {"a", "b", kTie}, {"p", "q", kWinB}});
  EXPECT_EQ(describe_separation(table.models(), connectivity(table)),
            "no battle links these groups: \"x\", \"y\", \"z\"; \"a\", \"b\"; \"p\", \"q\"");
}

TEST(Connectivity, NamesTheModelsThatRestOnAPrior) {
  const auto words = [](const BattleTable& table) {
    return describe_prior_ratings(table.models(), connectivity(table));
  };
  const std::string beginning = "the ratings, intervals and ranks of ";
  const std::string middle =
      " rest on the prior (ridge or pseudo-ties): votes alone set no finite "
      "distance from ";
  EXPECT_EQ(words(table_of({{"x", "y", kTie}, {"y", "z", kTie}})), "");
  // An undefeated and a winless model around two that tied; an island of one more pair.
  EXPECT_EQ(words(table_of({{"x", "y", kTie}, {"top", "x", kWinA}, {"low", "y", kWinB}})),
            beginning + "\"low\", \"top\"" + middle + "the other 2 models");
  EXPECT_EQ(words(table_of({{"x", "y", kTie}, {"y", "z", kTie}, {"p", "q", kTie}})),
            beginning + "\"p\", \"q\"" + middle + "the other 3 models");
  EXPECT_EQ(words(table_of({{"x", "y", kWinA}, {"y", "z", kWinA}})),
            "all ratings, intervals and ranks rest on the prior (ridge or pseudo-ties): votes "
            "alone set no "
            "finite distance between any two models");
}

}  // namespace
}  // namespace cupel::rank
