#include "rank/few_clusters.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "numeric/statistics.h"
#include "rank/leaderboard.h"
#include "rank/methods/registry.h"

namespace cupel::rank {
namespace {

const RatingMethod& bradley_terry() {
  return **find_rating_method("bradley_terry");
}

/// One battle of x and y for each number, cast by the user of that number; −1: by nobody named.
BattleTable cast_by(const std::vector<int>& users) {
  BattleTable table;
  for (size_t i = 0; i < users.size(); ++i) {
    Battle battle{.a = table.intern_model("x"),
                  .b = table.intern_model("y"),
                  .outcome = i % 2 == 0 ? kWinA : kWinB};
    if (users[i] >= 0) {
      battle.cluster = table.intern_cluster(std::to_string(users[i]));
    }
    EXPECT_TRUE(table.add(battle).has_value());
  }
  return table;
}

TEST(EffectiveClusters, CountEqualClustersAndLessOfOthers) {
  EXPECT_NEAR(effective_clusters(cast_by({0, 1, 2, 0, 1, 2})).all, 3, 1e-12);
  // Sizes 3 and 1: 4²/(9 + 1).
  EXPECT_NEAR(effective_clusters(cast_by({0, 0, 1, 0})).all, 1.6, 1e-12);
  // A vote of nobody is a cluster of its own: sizes 2, 1, 1.
  EXPECT_NEAR(effective_clusters(cast_by({0, 0, -1, -1})).all, 16.0 / 6, 1e-12);
}

TEST(EffectiveClusters, LookAtTheVotesOnEachModel) {
  BattleTable table = cast_by({0, 1, 2, 3});
  table.intern_model("z");
  table.intern_model("idle");
  // Users 0 and 1 vote on z against x; 1 thrice, at weight 2.
  ASSERT_TRUE(table.add({.a = 2, .b = 0, .cluster = 0}).has_value());
  ASSERT_TRUE(table.add({.a = 2, .b = 0, .weight = 2, .count = 3, .cluster = 1}).has_value());
  const EffectiveClusters clusters = effective_clusters(table);
  ASSERT_EQ(clusters.models.size(), 4U);
  EXPECT_NEAR(clusters.models[0], 11.0 * 11 / (2 * 2 + 7 * 7 + 1 + 1), 1e-12);
  EXPECT_NEAR(clusters.models[1], 4, 1e-12);
  EXPECT_NEAR(clusters.models[2], 7.0 * 7 / (1 + 6 * 6), 1e-12);
  EXPECT_EQ(clusters.models[3], 0);
}

TEST(FewClusterCritical, IsStudentsWithTheFactorOfCr1) {
  const double z = numeric::normal_z(0.95);
  // t at 97.5%: 2.570582 with 5 degrees of freedom, 12.706205 with 1 (any table).
  EXPECT_NEAR(few_cluster_critical(z, 6), std::sqrt(6.0 / 5) * 2.570581836, 1e-8);
  EXPECT_NEAR(few_cluster_critical(z, 2), std::sqrt(2.0) * 12.706204736, 1e-7);
  EXPECT_NEAR(few_cluster_critical(z, 1e7), z, 1e-5);
  EXPECT_NEAR(few_cluster_critical(0, 6), 0, 1e-9);
  EXPECT_TRUE(std::isinf(few_cluster_critical(z, 1.9)));
  EXPECT_TRUE(std::isinf(few_cluster_critical(z, 0)));
}

/// Seven users who vote on three models at random; a fourth, "new", is shown to the first alone.
BattleTable seven_users() {
  BattleTable table;
  for (const char* name : {"a", "b", "c", "new"}) {
    table.intern_model(name);
  }
  Rng rng(3);
  for (int i = 0; i < 420; ++i) {
    const auto a = static_cast<int32_t>(rng.below(3));
    const auto b = static_cast<int32_t>((static_cast<uint64_t>(a) + 1 + rng.below(2)) % 3);
    EXPECT_TRUE(table
                    .add({.a = a,
                          .b = b,
                          .outcome = rng.unit() < 0.5 ? kWinA : kWinB,
                          .cluster = table.intern_cluster(std::to_string(i % 7))})
                    .has_value());
  }
  for (int i = 0; i < 40; ++i) {
    EXPECT_TRUE(table.add({.a = 3, .b = i % 3, .outcome = i < 39 ? kWinA : kWinB, .cluster = 0})
                    .has_value());
  }
  return table;
}

TEST(MakeLeaderboard, FewClustersHaveWideIntervals) {
  const BattleTable table = seven_users();
  const EffectiveClusters clusters = effective_clusters(table);
  const auto board = make_leaderboard(bradley_terry(), table);
  ASSERT_TRUE(board.has_value()) << board.error().message;
  for (const LeaderboardRow& row : board->rows) {
    if (row.model == "new") {
      continue;
    }
    const double error = std::sqrt(board->ratings.covariance(row.index, row.index));
    const double k = clusters.models[row.index];
    EXPECT_NEAR(row.interval->high - row.rating,
                error * few_cluster_critical(numeric::normal_z(0.95), k), 1e-9);
    EXPECT_NEAR(*row.standard_error, error * std::sqrt(k / (k - 1)), 1e-9);
  }
  // The same votes without their users.
  const auto plain = make_leaderboard(bradley_terry(), table, {.rating = {.clustered = false}});
  ASSERT_TRUE(plain.has_value());
  EXPECT_TRUE(plain->clusters.models.empty());
  EXPECT_NEAR(plain->coefficient_critical(0.95), numeric::normal_z(0.95), 1e-12);
}

TEST(MakeLeaderboard, AModelOfOneClusterHasNoInterval) {
  for (const IntervalKind kind : {IntervalKind::kSandwich, IntervalKind::kSimultaneous,
                                  IntervalKind::kDiagonal, IntervalKind::kBootstrap}) {
    const auto board =
        make_leaderboard(bradley_terry(), seven_users(),
                         {.intervals = kind,
                          .bootstrap = {.rounds = 200},
                          .rating = {.settings = {{.name = "ridge", .value = 0.1}}}});
    ASSERT_TRUE(board.has_value()) << board.error().message;
    // Its 39 wins of 40 are one user's word: nobody is shown to be worse, and the others' intervals
    // stand.
    EXPECT_EQ(board->rows.front().model, "new");
    for (const LeaderboardRow& row : board->rows) {
      EXPECT_EQ(row.interval.has_value(), row.model != "new");
      EXPECT_EQ(row.standard_error.has_value(), row.model != "new");
      EXPECT_EQ(row.rank, 1);
    }
    EXPECT_FALSE(board->difference_interval(0, 3, 0.95).has_value());
  }
}

TEST(MakeLeaderboard, PercentilesOfFewClustersLieFurtherOut) {
  const BattleTable table = seven_users();
  const LeaderboardOptions options{.intervals = IntervalKind::kBootstrap,
                                   .bootstrap = {.rounds = 500, .seed = 4},
                                   .rating = {.settings = {{.name = "ridge", .value = 0.1}}}};
  const auto board = make_leaderboard(bradley_terry(), table, options);
  const auto draws = bootstrap_ratings(bradley_terry(), table, options.rating, options.bootstrap);
  ASSERT_TRUE(board.has_value() && draws.has_value());
  const EffectiveClusters clusters = effective_clusters(table);
  for (const LeaderboardRow& row : board->rows) {
    if (row.model == "new") {
      continue;
    }
    std::vector<double> column;
    for (size_t round = 0; round < draws->rows(); ++round) {
      column.push_back((*draws)(round, row.index));
    }
    const double times = few_cluster_critical(numeric::normal_z(0.95), clusters.models[row.index]);
    const double share = 2 * numeric::normal_cdf(times) - 1;
    EXPECT_GT(share, 0.98);
    const auto expected = numeric::percentile_interval_(column, share);
    EXPECT_NEAR(row.interval->low, expected.low, 1e-9);
    EXPECT_NEAR(row.interval->high, expected.high, 1e-9);
  }
}

}  // namespace
}  // namespace cupel::rank
