#include "rank/outcome_groups.h"

#include <algorithm>

#include "rank/folds.h"
#include "rank/methods/counting.h"
#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

TEST(OutcomeGroups, JoinWhatDiffersInOrderSidesAndCluster) {
  BattleTable table;
  table.intern_model("x");
  table.intern_model("y");
  table.intern_cluster("u");
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = kWinA}).has_value());
  ASSERT_TRUE(table.add({.a = 1, .b = 0, .outcome = kWinB, .count = 4, .cluster = 0}).has_value());
  ASSERT_TRUE(table.add({.a = 1, .b = 0, .outcome = kTie}).has_value());
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = kWinA, .weight = 2}).has_value());
  ASSERT_TRUE(table.add({.a = 1, .b = 0, .outcome = 0.75, .weight = 2}).has_value());
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = 0.25, .weight = 2}).has_value());
  const auto groups = outcome_groups(table);
  ASSERT_EQ(groups.size(), 4U);
  EXPECT_EQ(groups[0].outcome, 0.25);
  EXPECT_EQ(groups[0].count, 2);
  EXPECT_EQ(groups[1].outcome, kTie);
  EXPECT_EQ(groups[2].weight, 1);
  EXPECT_EQ(groups[2].count, 5);
  EXPECT_EQ(groups[3].weight, 2);
}

// 1,024 models is where the flat table of slots ends; both ways must give the same.
TEST(OutcomeGroups, DoNotDependOnTheNumberOfModels) {
  BattleTable few = test::sixteen_battles();
  BattleTable many = test::sixteen_battles();
  for (int i = 0; i < 2000; ++i) {
    many.intern_model("m" + std::to_string(i));
  }
  const auto x = outcome_groups(few);
  const auto y = outcome_groups(many);
  ASSERT_EQ(x.size(), y.size());
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(x[i].a, y[i].a);
    EXPECT_EQ(x[i].b, y[i].b);
    EXPECT_EQ(x[i].outcome, y[i].outcome);
    EXPECT_EQ(x[i].count, y[i].count);
  }
}

TEST(NameKey, IsFnv1a) {
  // The published test vectors of the hash's authors.
  EXPECT_EQ(name_key(""), 0xCBF29CE484222325ULL);
  EXPECT_EQ(name_key("a"), 0xAF63DC4C8601EC8CULL);
  EXPECT_EQ(name_key("foobar"), 0x85944171F73967E8ULL);
}

TEST(SplitFolds, GiveEachBattleToOnePart) {
  BattleTable table;
  table.intern_model("x");
  table.intern_model("y");
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = kWinA, .count = 6000}).has_value());
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = kTie, .count = 4000}).has_value());
  const auto folds = split_folds(table, {.seed = 1});
  ASSERT_TRUE(folds.has_value());
  int64_t held_out = 0;
  std::vector<int64_t> ties;
  for (const Fold& fold : *folds) {
    EXPECT_EQ(fold.held_out.battle_count() + fold.training.battle_count(), 10'000);
    held_out += fold.held_out.battle_count();
    // 2,000 a part with a deviation of 40; wins and ties apart, so shares differ between parts.
    EXPECT_NEAR(static_cast<double>(fold.held_out.battle_count()), 2000, 200);
    for (size_t i = 0; i < fold.held_out.rows(); ++i) {
      if (fold.held_out.row(i).outcome == kTie) {
        ties.push_back(fold.held_out.row(i).count);
      }
    }
  }
  EXPECT_EQ(held_out, 10'000);
  EXPECT_NE(*std::min_element(ties.begin(), ties.end()),
            *std::max_element(ties.begin(), ties.end()));
  EXPECT_EQ(split_folds(table, {.folds = 1}).error().code, Code::kInvalidArgument);
}

TEST(SplitFolds, KeepClustersTogether) {
  // Each of 40 users votes on a pair of its own, so a part's pairs tell whose votes it has.
  BattleTable table;
  for (int user = 0; user < 40; ++user) {
    const int32_t a = table.intern_model("a" + std::to_string(user));
    const int32_t b = table.intern_model("b" + std::to_string(user));
    const int32_t cluster = table.intern_cluster("user" + std::to_string(user));
    for (const double outcome : {kWinB, kTie, kWinB, kTie}) {
      ASSERT_TRUE(table.add({.a = a, .b = b, .outcome = outcome, .cluster = cluster}).has_value());
    }
    // And a vote of nobody in particular.
    ASSERT_TRUE(table.add({.a = a, .b = b, .outcome = kWinA}).has_value());
  }
  const auto folds = split_folds(table, {.folds = 4});
  ASSERT_TRUE(folds.has_value());
  int64_t held_out = 0;
  for (const Fold& fold : *folds) {
    EXPECT_GT(fold.held_out.battle_count(), 0);
    held_out += fold.held_out.battle_count();
    std::vector<int64_t> votes_of_user(40);
    for (size_t i = 0; i < fold.held_out.rows(); ++i) {
      const Battle battle = fold.held_out.row(i);
      votes_of_user[static_cast<size_t>(battle.a / 2)] += battle.outcome < 1 ? battle.count : 0;
    }
    for (const int64_t votes : votes_of_user) {
      EXPECT_TRUE(votes == 0 || votes == 4) << votes;
    }
  }
  EXPECT_EQ(held_out, 200);
}

TEST(SplitFolds, DoNotDependOnOrderOrSides) {
  const BattleTable table = test::sixteen_battles();
  BattleTable other;
  for (const char* name : {"3", "1", "4", "0", "2"}) {
    other.intern_model(name);
  }
  for (size_t i = table.rows(); i-- > 0;) {
    const Battle battle = table.row(i);
    ASSERT_TRUE(
        other.add(table.models().name(battle.b), table.models().name(battle.a), 1 - battle.outcome)
            .has_value());
  }
  const auto x = split_folds(table, {.folds = 3, .seed = 9});
  const auto y = split_folds(other, {.folds = 3, .seed = 9});
  ASSERT_TRUE(x.has_value() && y.has_value());
  for (size_t fold = 0; fold < 3; ++fold) {
    EXPECT_EQ((*x)[fold].held_out.battle_count(), (*y)[fold].held_out.battle_count());
    const auto px = count_points((*x)[fold].held_out);
    const auto py = count_points((*y)[fold].held_out);
    for (int32_t i = 0; i < 5; ++i) {
      const auto j = other.models().find(table.models().name(i)).value();
      EXPECT_EQ(px[static_cast<size_t>(i)], py[static_cast<size_t>(j)]);
    }
  }
}

}  // namespace
}  // namespace cupel::rank
