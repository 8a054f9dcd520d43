#include "rank/leaderboard.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "numeric/logistic.h"
#include "rank/methods/registry.h"

namespace cupel::rank {
namespace {

const RatingMethod& method(const char* name) {
  return **find_rating_method(name);
}

/// Three close models and one far below; `per_pair` battles each.
BattleTable close_three(int per_pair, uint64_t seed = 1) {
  const std::vector<double> beta = {0.05, 0.0, -0.05, -2.0};
  const std::vector<std::string> names = {"ada", "bob", "cyd", "low"};
  BattleTable table;
  Rng rng(seed);
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = i + 1; j < 4; ++j) {
      for (int k = 0; k < per_pair; ++k) {
        const bool win = rng.unit() < numeric::sigmoid(beta[i] - beta[j]);
        EXPECT_TRUE(table.add(names[i], names[j], win ? kWinA : kWinB).has_value());
      }
    }
  }
  return table;
}

TEST(MakeLeaderboard, TiesWhatCannotBeToldApart) {
  for (const IntervalKind kind : {IntervalKind::kSandwich, IntervalKind::kBootstrap}) {
    const auto board = make_leaderboard(method("bradley_terry"), close_three(100),
                                        {.intervals = kind, .bootstrap = {.rounds = 300}});
    ASSERT_TRUE(board.has_value()) << board.error().message;
    ASSERT_EQ(board->rows.size(), 4U);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(board->rows[i].rank, 1);
      EXPECT_EQ(board->rows[i].rank_class, 1);
      EXPECT_EQ(board->rows[i].battles, 300);
      EXPECT_LT(board->rows[i].interval->low, board->rows[i].rating);
      EXPECT_GT(board->rows[i].interval->high, board->rows[i].rating);
    }
    EXPECT_EQ(board->rows[3].model, "low");
    EXPECT_EQ(board->rows[3].rank, 4);
    EXPECT_EQ(board->rows[3].rank_class, 2);
  }
}

TEST(MakeLeaderboard, BootstrapAndSandwichAgree) {
  const auto table = close_three(400);
  const auto sandwich = make_leaderboard(method("bradley_terry"), table);
  const auto bootstrap =
      make_leaderboard(method("bradley_terry"), table,
                       {.intervals = IntervalKind::kBootstrap, .bootstrap = {.rounds = 1000}});
  ASSERT_TRUE(sandwich.has_value() && bootstrap.has_value());
  for (size_t i = 0; i < 4; ++i) {
    // 1,000 rounds know a standard error to ±2.2% (one sd); 10% is over four of them.
    EXPECT_NEAR(*bootstrap->rows[i].standard_error / *sandwich->rows[i].standard_error, 1, 0.1);
    EXPECT_DOUBLE_EQ(bootstrap->rows[i].rating, sandwich->rows[i].rating);
  }
}

TEST(MakeLeaderboard, BootstrapDoesNotDependOnTheOrderOfRows) {
  const auto table = close_three(50);
  // The same battles backwards; models too appear in another order.
  BattleTable backwards;
  for (size_t i = table.rows(); i-- > 0;) {
    const Battle battle = table.row(i);
    ASSERT_TRUE(
        backwards
            .add(table.models().name(battle.b), table.models().name(battle.a), 1 - battle.outcome)
            .has_value());
  }
  const LeaderboardOptions options{.intervals = IntervalKind::kBootstrap,
                                   .bootstrap = {.rounds = 50, .seed = 7}};
  const auto x = make_leaderboard(method("bradley_terry"), table, options);
  const auto y = make_leaderboard(method("bradley_terry"), backwards, options);
  ASSERT_TRUE(x.has_value() && y.has_value());
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(x->rows[i].model, y->rows[i].model);
    EXPECT_NEAR(x->rows[i].interval->low, y->rows[i].interval->low, 1e-7);
    EXPECT_NEAR(x->rows[i].interval->high, y->rows[i].interval->high, 1e-7);
  }
}

TEST(MakeLeaderboard, ClusterBootstrapSeesDependence) {
  // Each user casts the same vote ten times: only the users are independent.
  const auto votes = close_three(40);
  BattleTable table = votes.without_battles();
  for (size_t i = 0; i < votes.rows(); ++i) {
    Battle battle = votes.row(i);
    battle.count = 10;
    battle.cluster = table.intern_cluster("user" + std::to_string(i));
    ASSERT_TRUE(table.add(battle).has_value());
  }
  const auto error = [&](bool clustered) {
    const auto board = make_leaderboard(method("bradley_terry"), table,
                                        {.intervals = IntervalKind::kBootstrap,
                                         .bootstrap = {.rounds = 400, .clustered = clustered}});
    EXPECT_TRUE(board.has_value()) << board.error().message;
    return *board->rows[0].standard_error;
  };
  EXPECT_NEAR(error(true) / error(false), std::sqrt(10.0), 0.5);
}

TEST(MakeLeaderboard, EloBootstrapReordersBattles) {
  const auto board =
      make_leaderboard(method("elo"), close_three(100),
                       {.intervals = IntervalKind::kBootstrap, .bootstrap = {.rounds = 100}});
  ASSERT_TRUE(board.has_value()) << board.error().message;
  EXPECT_EQ(board->rows[3].model, "low");
  EXPECT_GT(*board->rows[0].standard_error, 1);
}

TEST(MakeLeaderboard, AnchorsWithoutTouchingWidths) {
  const auto table = close_three(100);
  const auto plain = make_leaderboard(method("bradley_terry"), table);
  const auto anchored = make_leaderboard(method("bradley_terry"), table,
                                         {.anchor_model = "low", .anchor_rating = 500});
  ASSERT_TRUE(plain.has_value() && anchored.has_value());
  EXPECT_NEAR(anchored->rows[3].rating, 500, 1e-9);
  EXPECT_NEAR(anchored->rows[3].interval->high - anchored->rows[3].interval->low,
              plain->rows[3].interval->high - plain->rows[3].interval->low, 1e-9);
  EXPECT_EQ(make_leaderboard(method("bradley_terry"), table, {.anchor_model = "lo"}).error().code,
            Code::kNotFound);
}

TEST(MakeLeaderboard, WithoutIntervalsRanksFollowRatings) {
  const auto board =
      make_leaderboard(method("elo"), close_three(100), {.intervals = IntervalKind::kNone});
  ASSERT_TRUE(board.has_value()) << board.error().message;
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(board->rows[i].rank, static_cast<int64_t>(i) + 1);
    EXPECT_FALSE(board->rows[i].interval.has_value());
  }
}

TEST(MakeLeaderboard, ASingleTieShowsNothing) {
  // "new" has one tie with "ada": the same rating, and no residual to make an error of.
  BattleTable table = close_three(100);
  ASSERT_TRUE(table.add("new", "ada", kTie).has_value());
  for (const IntervalKind kind : {IntervalKind::kSandwich, IntervalKind::kSimultaneous}) {
    const auto board = make_leaderboard(method("bradley_terry"), table, {.intervals = kind});
    ASSERT_TRUE(board.has_value()) << board.error().message;
    ASSERT_EQ(board->rows.size(), 5U);
    for (const LeaderboardRow& row : board->rows) {
      EXPECT_TRUE(std::isfinite(row.interval->low) && std::isfinite(row.interval->high));
      EXPECT_EQ(row.rank, row.model == "low" ? 5 : 1) << row.model;
    }
  }
}

TEST(MakeLeaderboard, FewClustersHaveNoIntervals) {
  const auto votes = close_three(40);
  for (const int users : {1, 5, 6}) {
    BattleTable table = votes.without_battles();
    for (size_t i = 0; i < votes.rows(); ++i) {
      Battle battle = votes.row(i);
      battle.cluster = table.intern_cluster(std::to_string(i % static_cast<size_t>(users)));
      ASSERT_TRUE(table.add(battle).has_value());
    }
    for (const IntervalKind kind : {IntervalKind::kSandwich, IntervalKind::kBootstrap}) {
      const auto board = make_leaderboard(
          method("bradley_terry"), table,
          {.intervals = kind, .fewest_clusters = kFewestClusters, .bootstrap = {.rounds = 20}});
      EXPECT_EQ(board.has_value(), users == 6);
      if (!board.has_value()) {
        EXPECT_EQ(board.error().code, Code::kFailedPrecondition);
      }
    }
  }
}

TEST(MakeLeaderboard, NothingButTiesHasNoIntervals) {
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", kTie).has_value());
  ASSERT_TRUE(table.add("y", "z", kTie).has_value());
  const auto sandwich = make_leaderboard(method("bradley_terry"), table);
  ASSERT_FALSE(sandwich.has_value());
  EXPECT_EQ(sandwich.error().code, Code::kFailedPrecondition);
  EXPECT_NE(sandwich.error().message.find("no spread"), std::string::npos);
  const auto plain =
      make_leaderboard(method("bradley_terry"), table, {.intervals = IntervalKind::kNone});
  ASSERT_TRUE(plain.has_value());
  EXPECT_NEAR(plain->rows[0].rating, plain->rows[2].rating, 1e-9);
}

TEST(MakeLeaderboard, RefusesWhatAMethodCannotDo) {
  const auto table = close_three(20);
  EXPECT_EQ(make_leaderboard(method("elo"), table).error().code, Code::kInvalidArgument);
  EXPECT_EQ(make_leaderboard(method("bradley_terry"), table, {.confidence = 1}).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(make_leaderboard(method("bradley_terry"), table,
                             {.intervals = IntervalKind::kBootstrap, .bootstrap = {.rounds = 1}})
                .error()
                .code,
            Code::kInvalidArgument);
}

TEST(BootstrapRatings, NamesARoundThatCannotBeRated) {
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  ASSERT_TRUE(table.add("x", "y", kWinB).has_value());
  // Half of all resamples of two battles are one-sided.
  const auto draws = bootstrap_ratings(method("bradley_terry"), table, {}, {.rounds = 64});
  ASSERT_FALSE(draws.has_value());
  EXPECT_EQ(draws.error().code, Code::kFailedPrecondition);
  EXPECT_TRUE(draws.error().message.starts_with("bootstrap round ")) << draws.error().message;
  EXPECT_NE(draws.error().message.find("ridge"), std::string::npos);
  const auto ridge = bootstrap_ratings(method("bradley_terry"), table,
                                       {.settings = {{"ridge", 0.1}}}, {.rounds = 64});
  EXPECT_TRUE(ridge.has_value()) << ridge.error().message;
}

TEST(RatingDifference, NeedsKnownModelsAndACovariance) {
  const auto table = close_three(20);
  const auto fit = fit_ratings(method("bradley_terry"), table, {.covariance = Covariance::kFull});
  ASSERT_TRUE(fit.has_value());
  EXPECT_GT(rating_difference(*fit, table, "ada", "low")->difference, 0);
  EXPECT_EQ(rating_difference(*fit, table, "ada", "eve").error().code, Code::kNotFound);
  const auto bare = fit_ratings(method("bradley_terry"), table);
  ASSERT_TRUE(bare.has_value());
  EXPECT_EQ(rating_difference(*bare, table, "ada", "low").error().code, Code::kFailedPrecondition);
}

}  // namespace
}  // namespace cupel::rank
