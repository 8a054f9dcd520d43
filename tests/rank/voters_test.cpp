#include "rank/voters.h"

#include <cmath>

#include "numeric/statistics.h"
#include "rank/vote_fixture.h"
#include "rank/voter_fixture.h"

namespace cupel::rank {
namespace {

// The rank-statistics sheet's worked example at α = 0.1, five checkpoints.
TEST(FisherStatistic, MatchesTheSheet) {
  const double statistic = fisher_statistic(std::vector<double>{0.02, 0.05, 0.01, 0.2, 0.03});
  EXPECT_NEAR(statistic, 33.2578, 6e-5);
  const double threshold = numeric::chi_square_quantile(1 - 0.1 / 5, 2 * 5);
  EXPECT_NEAR(threshold, 21.1608, 6e-5);
  EXPECT_GE(statistic, threshold);
}

TEST(ScanVoters, DoesNotDependOnTheOrderOfVotersOrModels) {
  BattleTable table = test::votes_with(test::Behaviour::kRandom, 3);
  const int32_t second = table.intern_cluster("second");
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = kTie, .cluster = second}).has_value());
  BattleTable other;
  other.intern_cluster("second");
  for (int i = 19; i >= 0; --i) {
    other.intern_model("m" + std::to_string(i));
  }
  for (size_t i = 0; i < table.rows(); ++i) {
    Battle battle = table.row(i);
    battle.a = other.models().find(table.models().name(battle.a)).value();
    battle.b = other.models().find(table.models().name(battle.b)).value();
    if (battle.cluster != kNoCluster) {
      battle.cluster = other.intern_cluster(table.clusters().name(battle.cluster));
    }
    ASSERT_TRUE(other.add(battle).has_value());
  }
  const auto x = scan_voters(table);
  const auto y = scan_voters(other);
  ASSERT_TRUE(x.has_value() && y.has_value());
  ASSERT_EQ(x->voters.size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(x->voters[i].name, y->voters[i].name);
    EXPECT_EQ(x->voters[i].fisher->statistic, y->voters[i].fisher->statistic);
    EXPECT_EQ(x->voters[i].log_e_value, y->voters[i].log_e_value);
  }
  EXPECT_EQ(x->voters[0].name, "voter");
  EXPECT_EQ(x->unnamed_votes, 2000);
}

TEST(ScanVoters, SeesSidesAndDays) {
  BattleTable table;
  table.intern_model("x");
  table.intern_model("y");
  const int32_t lefty = table.intern_cluster("lefty");
  const int32_t other = table.intern_cluster("other");
  std::vector<int32_t> day;
  for (int i = 0; i < 20; ++i) {
    // Whoever stands left wins: the models alternate, so only the side is odd.
    ASSERT_TRUE(
        table.add({.a = i % 2, .b = 1 - i % 2, .outcome = kWinA, .cluster = lefty}).has_value());
    day.push_back(i < 15 ? 1 : 2);
    ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = i % 2 == 0 ? kWinA : kWinB, .cluster = other})
                    .has_value());
    day.push_back(i);
  }
  const auto scan = scan_voters(table, {.daily_cap = 14, .day = day});
  ASSERT_TRUE(scan.has_value()) << scan.error().message;
  const VoterReport& first = scan->voters[0];
  EXPECT_EQ(first.name, "lefty");
  EXPECT_EQ(first.left_wins, 20);
  EXPECT_NEAR(first.side_p_value, 2 / 1048576.0, 1e-15);
  EXPECT_TRUE(first.side_flag);
  EXPECT_EQ(first.most_votes_a_day, 15);
  EXPECT_TRUE(first.daily_flag);
  EXPECT_EQ(scan->voters[1].side_p_value, 1);
  EXPECT_FALSE(scan->voters[1].daily_flag);
  EXPECT_EQ(scan->left_wins, 30);
  EXPECT_EQ(scan->right_wins, 10);
}

TEST(DayNumber, ReadsTheTimesThatVotesCarry) {
  // 1682351591 is 24 April 2023, 15:53 UTC: 19,471 days after 1 January 1970.
  for (const char* time : {"1682351591.1322", "1682351591", "1682351591132", "2023-04-24",
                           " 2023-04-24T23:59:59Z", "2023-04-24 15:53:11"}) {
    const auto day = day_number(time);
    ASSERT_TRUE(day.has_value()) << time;
    EXPECT_EQ(*day, 19'471) << time;
  }
  EXPECT_EQ(*day_number("0"), 0);
  EXPECT_EQ(*day_number("-1"), -1);
  for (const char* time : {"", "yesterday", "2023-13-01", "2023-02-30", "2023/04/24", "nan",
                           "1e300", "2023-04", "-023-04-24"}) {
    EXPECT_EQ(day_number(time).error().code, Code::kCorruptData) << time;
  }
}

TEST(ScanVoters, LeavesVotesAloneThatNobodyElseCast) {
  BattleTable table;
  table.intern_model("x");
  table.intern_model("y");
  const int32_t only = table.intern_cluster("only");
  ASSERT_TRUE(
      table.add({.a = 0, .b = 1, .outcome = kWinA, .count = 9, .cluster = only}).has_value());
  const auto scan = scan_voters(table);
  ASSERT_TRUE(scan.has_value());
  EXPECT_EQ(scan->voters[0].votes, 9);
  EXPECT_EQ(scan->voters[0].scored, 0);
  EXPECT_FALSE(scan->voters[0].fisher.has_value());
  EXPECT_FALSE(scan->voters[0].fisher_flag);
}

TEST(ScanVoters, RefusesNonsense) {
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  const auto unnamed = scan_voters(table);
  ASSERT_FALSE(unnamed.has_value());
  EXPECT_EQ(unnamed.error().code, Code::kFailedPrecondition);
  EXPECT_NE(unnamed.error().message.find("--cluster"), std::string::npos);
  const int32_t voter = table.intern_cluster("v");
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = kWinA, .cluster = voter}).has_value());
  EXPECT_EQ(scan_voters(table, {.alpha = 1}).error().code, Code::kInvalidArgument);
  const std::vector<int32_t> day = {1};
  EXPECT_EQ(scan_voters(table, {.day = day}).error().code, Code::kInvalidArgument);
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = 0.3}).has_value());
  EXPECT_EQ(scan_voters(table).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace cupel::rank
