#include "rank/analysis.h"

#include <gtest/gtest.h>

#include "rank/methods/registry.h"

namespace cupel::rank {
namespace {

/// x, y and z in a circle; "top" beat x.
BattleTable undefeated() {
  BattleTable table;
  for (const auto& [a, b] : {std::pair("x", "y"), std::pair("y", "z"), std::pair("z", "x"),
                             std::pair("x", "z"), std::pair("top", "x")}) {
    EXPECT_TRUE(table.add(a, b, kWinA).has_value());
  }
  return table;
}

Result<Analysis> analyse_with(const char* method, double ridge, double pseudo_ties) {
  AnalysisOptions options{.method = *find_rating_method(method), .pseudo_ties = pseudo_ties};
  if (!options.method->has_covariance) {
    options.leaderboard.intervals = IntervalKind::kNone;
  }
  if (ridge > 0) {
    options.leaderboard.rating.settings = {{.name = "ridge", .value = ridge}};
  }
  return analyse(undefeated(), options);
}

TEST(Analyse, NamesTheModelsWhoseRatingsAPriorSets) {
  EXPECT_FALSE(analyse_with("bradley_terry", 0, 0).has_value());
  for (const auto& [method, ridge, ties] :
       {std::tuple("bradley_terry", 0.1, 0.0), std::tuple("bradley_terry", 0.0, 0.5),
        std::tuple("davidson", 0.1, 0.0), std::tuple("style", 0.1, 0.0),
        std::tuple("gpm", 0.1, 0.0), std::tuple("eigen", 0.0, 0.5)}) {
    const auto analysis = analyse_with(method, ridge, ties);
    ASSERT_TRUE(analysis.has_value()) << method << ": " << analysis.error().message;
    ASSERT_EQ(analysis->notes.size(), 1U) << method;
    EXPECT_TRUE(
        analysis->notes[0].starts_with("the ratings, intervals and ranks of \"top\" rest on"))
        << analysis->notes[0];
  }
  // Methods that rate an undefeated model by itself need no prior.
  for (const char* method : {"elo", "counting", "average_win_rate"}) {
    const auto analysis = analyse_with(method, 0, 0);
    ASSERT_TRUE(analysis.has_value()) << method;
    EXPECT_TRUE(analysis->notes.empty()) << method;
  }
}

TEST(Analyse, SaysWhenARidgeOutweighsAllVotes) {
  // Five votes: 5/4.
  EXPECT_EQ(analyse_with("bradley_terry", 1.2, 0)->notes.size(), 1U);
  const auto analysis = analyse_with("bradley_terry", 1.3, 0);
  ASSERT_EQ(analysis->notes.size(), 2U);
  EXPECT_EQ(analysis->notes[1],
            "a ridge of 1.3 outweighs all votes together: ratings hardly leave their mean");
}

TEST(Analyse, NamesTheModelsWithoutAnInterval) {
  // Six users vote on x, y and z; "top" is the word of one.
  BattleTable table = undefeated().without_battles();
  for (int32_t user = 0; user < 6; ++user) {
    const int32_t cluster = table.intern_cluster(std::to_string(user));
    for (const auto& [a, b] : {std::pair(0, 1), std::pair(1, 2), std::pair(2, 0)}) {
      const double outcome = (user + a) % 3 == 0 ? kWinB : kWinA;
      ASSERT_TRUE(table.add({.a = a, .b = b, .outcome = outcome, .cluster = cluster}).has_value());
    }
  }
  for (const double outcome : {kWinA, kWinB, kWinA}) {
    ASSERT_TRUE(table.add({.a = 3, .b = 0, .outcome = outcome, .cluster = 0}).has_value());
  }
  const auto analysis = analyse(table, {.method = *find_rating_method("bradley_terry")});
  ASSERT_TRUE(analysis.has_value()) << analysis.error().message;
  ASSERT_EQ(analysis->notes.size(), 1U);
  EXPECT_EQ(analysis->notes[0],
            "no interval for \"top\": nearly all votes on it come from one cluster");
}

}  // namespace
}  // namespace cupel::rank
