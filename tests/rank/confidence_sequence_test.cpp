#include "rank/confidence_sequence.h"

#include <cmath>

#include "base/rng.h"
#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

// The rank-statistics sheet: α = 0.05, tuned at 1,000 votes.
TEST(AnytimeHalfWidth, MatchesTheSheet) {
  const double rho = anytime_rho(1000, 0.05);
  EXPECT_NEAR(rho, 31.5014, 6e-5);
  EXPECT_NEAR(anytime_half_width(100, 0.05, rho), 0.192753, 6e-7);
  EXPECT_NEAR(anytime_half_width(1000, 0.05, rho), 0.047991, 6e-7);
  EXPECT_NEAR(anytime_half_width(10'000, 0.05, rho), 0.016209, 6e-7);
  // Wider than an interval for 1,000 votes alone (Hoeffding).
  EXPECT_GT(anytime_half_width(1000, 0.05, rho), 0.042947);
}

TEST(AnytimeHalfWidth, IsNarrowestWhereItIsTuned) {
  for (const double at : {100.0, 1000.0, 20'000.0}) {
    const auto votes = static_cast<int64_t>(at);
    const double tuned = anytime_half_width(votes, 0.05, anytime_rho(at, 0.05));
    EXPECT_LT(tuned, anytime_half_width(votes, 0.05, anytime_rho(at / 3, 0.05)));
    EXPECT_LT(tuned, anytime_half_width(votes, 0.05, anytime_rho(at * 3, 0.05)));
  }
}

TEST(BettingMartingale, WinsAgainstAWrongMeanAndNotAgainstTheRightOne) {
  BettingMartingale right(0.6, 0.05);
  BettingMartingale wrong(0.4, 0.05);
  Rng rng(2);
  for (int i = 0; i < 2000; ++i) {
    const double outcome = rng.unit() < 0.6 ? 1 : 0;
    right.add(outcome);
    wrong.add(outcome);
  }
  EXPECT_LT(right.wealth(), 20);
  EXPECT_GT(wrong.wealth(), 1e6);
}

// A fair game: over both outcomes, the expected wealth after a vote is the wealth before it.
TEST(BettingMartingale, IsAFairGame) {
  const double mean = 0.3;
  BettingMartingale so_far(mean, 0.05);
  for (const double outcome : {1.0, 0.0, 0.5, 0.0, 1.0}) {
    BettingMartingale win = so_far;
    BettingMartingale loss = so_far;
    win.add(1);
    loss.add(0);
    EXPECT_NEAR(mean * win.wealth() + (1 - mean) * loss.wealth(), so_far.wealth(), 1e-12);
    so_far.add(outcome);
  }
}

TEST(BettingInterval, IsMuchNarrowerWhereOutcomesVaryLittle) {
  // 80% ties: a standard deviation of 0.22 instead of 0.5.
  Rng rng(3);
  BettingInterval betting(0.05);
  for (int i = 0; i < 1000; ++i) {
    const double u = rng.unit();
    betting.add(u < 0.8 ? 0.5 : (u < 0.9 ? 1.0 : 0.0));
  }
  const auto interval = betting.interval();
  EXPECT_LT(interval.low, 0.5);
  EXPECT_GT(interval.high, 0.5);
  EXPECT_LT(interval.high - interval.low, 2 * 0.047991 * 0.6);
}

TEST(BettingInterval, NeverGrows) {
  Rng rng(4);
  BettingInterval betting(0.05);
  numeric::Interval before = betting.interval();
  EXPECT_EQ(before.low, 0);
  EXPECT_EQ(before.high, 1);
  for (int i = 0; i < 500; ++i) {
    betting.add(rng.unit() < 0.9 ? 1 : 0);
    const auto now = betting.interval();
    EXPECT_GE(now.low, before.low);
    EXPECT_LE(now.high, before.high);
    before = now;
  }
  EXPECT_GT(before.low, 0.8);
}

BattleTable votes_of(int count, double win, uint64_t seed) {
  BattleTable table;
  for (const char* name : {"x", "y", "z"}) {
    table.intern_model(name);
  }
  Rng rng(seed);
  for (int i = 0; i < count; ++i) {
    const double outcome = rng.unit() < win ? kWinA : kWinB;
    // Sides alternate, and another model's votes lie between.
    EXPECT_TRUE(
        (i % 2 == 0 ? table.add("x", "y", outcome) : table.add("y", "x", 1 - outcome)).has_value());
    EXPECT_TRUE(table.add("x", "z", kWinB).has_value());
  }
  return table;
}

TEST(AnytimeComparison, StopsWhenTheIntervalExcludesOneHalf) {
  const BattleTable table = votes_of(2000, 0.65, 1);
  for (const AnytimeKind kind : {AnytimeKind::kNormalMixture, AnytimeKind::kBetting}) {
    const auto report = anytime_comparison(table, "x", "y", {.kind = kind});
    ASSERT_TRUE(report.has_value()) << report.error().message;
    EXPECT_EQ(report->votes, 2000);
    EXPECT_NEAR(report->mean, 0.65, 0.04);
    ASSERT_TRUE(report->decided_after.has_value());
    EXPECT_GT(*report->decided_after, 10);
    EXPECT_LT(*report->decided_after, 500);
    EXPECT_GT(report->mean_when_decided.value(), 0.5);
    EXPECT_GE(report->interval.low, 0.5);
    const auto mirrored = anytime_comparison(table, "y", "x", {.kind = kind});
    EXPECT_EQ(mirrored->decided_after, report->decided_after);
    EXPECT_NEAR(mirrored->mean, 1 - report->mean, 1e-12);
  }
}

TEST(AnytimeComparison, RefusesWhatItCannotDecide) {
  const BattleTable table = votes_of(20, 0.5, 1);
  EXPECT_EQ(anytime_comparison(table, "x", "nobody").error().code, Code::kNotFound);
  EXPECT_EQ(anytime_comparison(table, "y", "z").error().code, Code::kFailedPrecondition);
  EXPECT_EQ(anytime_comparison(table, "x", "y", {.alpha = 0}).error().code, Code::kInvalidArgument);
  BattleTable weighted;
  weighted.intern_model("x");
  weighted.intern_model("y");
  ASSERT_TRUE(weighted.add({.a = 0, .b = 1, .outcome = kWinA, .weight = 2}).has_value());
  EXPECT_EQ(anytime_comparison(weighted, "x", "y").error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace cupel::rank
