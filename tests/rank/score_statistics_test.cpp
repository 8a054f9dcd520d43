#include "rank/score_statistics.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.h"

namespace cupel::rank {
namespace {

struct Entry {
  const char* model;
  const char* question;
  int64_t item;
  double score;
};

ScoreTable table_of(std::initializer_list<Entry> entries) {
  ScoreTable table;
  for (const Entry& entry : entries) {
    EXPECT_TRUE(table.add(entry.model, entry.question, entry.item, entry.score).has_value());
  }
  return table;
}

/// Two models on `questions` questions of two turns that share a question effect; b is `gap` lower.
ScoreTable simulated(int questions, double gap, uint64_t seed) {
  ScoreTable table;
  Rng rng(seed);
  for (int q = 0; q < questions; ++q) {
    const std::string name = "q" + std::to_string(q);
    const double difficulty = 2 * rng.normal();
    const double taste = rng.normal();
    for (int64_t turn = 1; turn <= 2; ++turn) {
      EXPECT_TRUE(table.add("a", name, turn, 6 + difficulty + 0.3 * rng.normal()).has_value());
      EXPECT_TRUE(table.add("b", name, turn, 6 + difficulty - gap + taste + 0.3 * rng.normal())
                      .has_value());
    }
  }
  return table;
}

TEST(ScoreTable, RefusesBadCellsAndStaysUsable) {
  ScoreTable table;
  EXPECT_EQ(table.add("m", "q", 1, NAN).error().code, Code::kInvalidArgument);
  EXPECT_EQ(table.add("m", "q", 1, INFINITY).error().code, Code::kInvalidArgument);
  EXPECT_EQ(table.add("", "q", 1, 3).error().code, Code::kInvalidArgument);
  EXPECT_EQ(table.add("m", "", 1, 3).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(table.empty());
  ASSERT_TRUE(table.add("m", "q", 1, 3).has_value());
  const auto twice = table.add_missing("m", "q", 1);
  ASSERT_FALSE(twice.has_value());
  EXPECT_NE(twice.error().message.find("already has a score on question q, item 1"),
            std::string::npos);
}

TEST(ScoreTable, FiltersByQuestion) {
  const auto table = table_of({{"x", "q1", 1, 1}, {"x", "q2", 1, 2}, {"y", "q2", 1, 3}});
  const ScoreTable part = table.filtered([](const std::string& q) { return q == "q1"; });
  EXPECT_EQ(part.models(), (std::vector<std::string>{"x"}));
  EXPECT_EQ(part.questions(), (std::vector<std::string>{"q1"}));
  EXPECT_EQ(table.questions().size(), 2U);
}

TEST(PairedDifference, MatchesAHandComputation) {
  // Differences by question: (1, 3), (0), (2, 2): pooled mean 8/5 = 1.6 over 5 items. Residuals D −
  // n·1.6 are 0.8, −1.6, 0.8, so SE = √(3/2·3.84)/5 = 0.48.
  const auto table = table_of({{"x", "q1", 1, 5},
                               {"y", "q1", 1, 4},
                               {"x", "q1", 2, 7},
                               {"y", "q1", 2, 4},
                               {"x", "q2", 1, 5},
                               {"y", "q2", 1, 5},
                               {"x", "q3", 1, 9},
                               {"y", "q3", 1, 7},
                               {"x", "q3", 2, 3},
                               {"y", "q3", 2, 1},
                               {"y", "q2", 2, 8}});
  const auto result = paired_difference(table, "x", "y");
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_DOUBLE_EQ(result->difference, 1.6);
  EXPECT_NEAR(*result->standard_error, 0.48, 1e-12);
  EXPECT_EQ(result->questions, 3);
  EXPECT_EQ(result->items, 5);
  EXPECT_EQ(result->unpaired, 1);
  EXPECT_FALSE(result->interval.has_value());  // three questions show nothing
}

TEST(PairedDifference, EqualClustersGiveTheTextbookError) {
  const auto table = simulated(60, 0.5, 4);
  const auto result = paired_difference(table, "a", "b");
  ASSERT_TRUE(result.has_value());
  std::vector<double> means;
  for (int q = 0; q < 60; ++q) {
    const std::string name = "q" + std::to_string(q);
    double sum = 0;
    for (int64_t turn = 1; turn <= 2; ++turn) {
      sum += table.cells("a").at({name, turn}).score - table.cells("b").at({name, turn}).score;
    }
    means.push_back(sum / 2);
  }
  const auto moments = numeric::moments(means);
  EXPECT_NEAR(result->difference, moments.mean, 1e-12);
  EXPECT_NEAR(*result->standard_error, moments.standard_deviation / std::sqrt(60.0), 1e-12);
  EXPECT_NEAR(*result->bootstrap_standard_error / *result->standard_error, 1, 0.1);
}

TEST(PairedDifference, IsAntisymmetric) {
  const auto table = simulated(30, 0.2, 9);
  const auto ab = paired_difference(table, "a", "b", {.seed = 3});
  const auto ba = paired_difference(table, "b", "a", {.seed = 3});
  ASSERT_TRUE(ab.has_value() && ba.has_value());
  EXPECT_DOUBLE_EQ(ab->difference, -ba->difference);
  EXPECT_NEAR(ab->interval->low, -ba->interval->high, 1e-12);
  EXPECT_NEAR(*ab->sign_probability + *ba->sign_probability, 1, 1e-12);
}

TEST(PairedDifference, DoesNotDependOnOtherModelsOrOrder) {
  auto table = simulated(30, 0.2, 9);
  const auto alone = paired_difference(table, "a", "b");
  ASSERT_TRUE(table.add("c", "another question", 1, 3).has_value());
  const auto beside = paired_difference(table, "a", "b");
  ASSERT_TRUE(alone.has_value() && beside.has_value());
  EXPECT_EQ(alone->interval->low, beside->interval->low);
  EXPECT_EQ(alone->interval->high, beside->interval->high);
  ScoreTable backwards;
  for (const char* model : {"b", "a"}) {
    const auto& cells = table.cells(model);
    for (auto cell = cells.rbegin(); cell != cells.rend(); ++cell) {
      ASSERT_TRUE(backwards.add(model, cell->first.first, cell->first.second, cell->second.score)
                      .has_value());
    }
  }
  const auto reordered = paired_difference(backwards, "a", "b");
  ASSERT_TRUE(reordered.has_value());
  EXPECT_EQ(alone->difference, reordered->difference);
  EXPECT_EQ(alone->interval->low, reordered->interval->low);
}

TEST(PairedDifference, OneQuestionHasNoInterval) {
  const auto table = table_of({{"x", "q", 1, 5}, {"y", "q", 1, 4}});
  const auto result = paired_difference(table, "x", "y");
  ASSERT_TRUE(result.has_value());
  EXPECT_DOUBLE_EQ(result->difference, 1);
  EXPECT_FALSE(result->standard_error.has_value());
  EXPECT_FALSE(result->interval.has_value());
  EXPECT_FALSE(result->sign_probability.has_value());
}

TEST(PairedDifference, SaysWhatIsMissing) {
  const auto table = table_of({{"x", "q1", 1, 5}, {"yes", "q2", 1, 4}});
  EXPECT_EQ(paired_difference(table, "x", "yes").error().code, Code::kFailedPrecondition);
  const auto unknown = paired_difference(table, "x", "yess");
  EXPECT_EQ(unknown.error().code, Code::kNotFound);
  EXPECT_NE(unknown.error().message.find("did you mean \"yes\""), std::string::npos);
  EXPECT_EQ(paired_difference(ScoreTable(), "x", "y").error().code, Code::kInvalidArgument);
  EXPECT_EQ(paired_difference(table, "x", "yes", {.confidence = 0}).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(paired_difference(table, "x", "yes", {.rounds = 1}).error().code,
            Code::kInvalidArgument);
}

TEST(ScoreLeaderboard, RanksByPairedDifferences) {
  // Marginal intervals of a and b overlap (difficulty varies a lot), their paired difference is
  // clear.
  const auto table = simulated(80, 0.6, 12);
  const auto rows = score_leaderboard(table);
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].model, "a");
  EXPECT_LT((*rows)[0].interval->low, (*rows)[1].interval->high);
  EXPECT_EQ((*rows)[0].rank, 1);
  EXPECT_EQ((*rows)[1].rank, 2);
  EXPECT_EQ((*rows)[1].rank_class, 2);
  EXPECT_EQ((*rows)[0].items, 160);
  EXPECT_EQ((*rows)[0].questions, 80);
}

TEST(ScoreLeaderboard, EqualModelsTie) {
  ScoreTable table;
  for (const char* model : {"x", "y"}) {
    for (int q = 0; q < 10; ++q) {
      ASSERT_TRUE(table.add(model, std::to_string(q), 1, q).has_value());
    }
  }
  const auto rows = score_leaderboard(table);
  ASSERT_TRUE(rows.has_value());
  EXPECT_EQ((*rows)[0].model, "x");
  EXPECT_EQ((*rows)[1].rank, 1);
  EXPECT_EQ((*rows)[0].interval->low, (*rows)[1].interval->low);
}

TEST(ScoreLeaderboard, CountsMissingCellsAndLeavesThemOut) {
  // MT-Bench sheet, Done means 3: turns {8, 6, invalid} and {4, 4, 4} pool to 5.2, not to 5.5.
  ScoreTable table = table_of(
      {{"m", "1", 1, 8}, {"m", "2", 1, 6}, {"m", "1", 2, 4}, {"m", "2", 2, 4}, {"m", "3", 2, 4}});
  ASSERT_TRUE(table.add_missing("m", "3", 1).has_value());
  const auto rows = score_leaderboard(table);
  ASSERT_TRUE(rows.has_value());
  EXPECT_DOUBLE_EQ((*rows)[0].mean, 5.2);
  EXPECT_EQ((*rows)[0].missing, 1);
  EXPECT_EQ((*rows)[0].items, 5);
}

TEST(ScoreLeaderboard, NamesAModelWithoutAnyScore) {
  ScoreTable table = table_of({{"m", "1", 1, 8}});
  ASSERT_TRUE(table.add_missing("broken", "1", 1).has_value());
  const auto rows = score_leaderboard(table);
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().code, Code::kFailedPrecondition);
  EXPECT_NE(rows.error().message.find("\"broken\" has no valid score in 1 cells"),
            std::string::npos);
  EXPECT_EQ(score_leaderboard(ScoreTable()).error().code, Code::kInvalidArgument);
}

TEST(ScoreLeaderboard, SparseModelKeepsAFiniteInterval) {
  // One model has scores on two of twelve questions: many resamples miss both.
  ScoreTable table;
  for (int q = 0; q < 12; ++q) {
    ASSERT_TRUE(table.add("full", std::to_string(q), 1, q).has_value());
  }
  ASSERT_TRUE(table.add("sparse", "3", 1, 5).has_value());
  ASSERT_TRUE(table.add("sparse", "7", 1, 6).has_value());
  const auto rows = score_leaderboard(table);
  ASSERT_TRUE(rows.has_value());
  EXPECT_TRUE(std::isfinite((*rows)[0].interval->low) && std::isfinite((*rows)[0].interval->high));
  EXPECT_FALSE((*rows)[1].interval.has_value());
}

// Without a true difference an interval of 95% leaves zero out in 5% of cases, also with few
// questions (plain percentiles: 15% with six).
TEST(PairedDifference, FewQuestionsDoNotShowMoreThanTheyKnow) {
  for (const int questions : {6, 8, 12, 24}) {
    int excluded = 0;
    constexpr int kCases = 600;
    for (int i = 0; i < kCases; ++i) {
      Rng rng(static_cast<uint64_t>(questions), static_cast<uint64_t>(i));
      ScoreTable table;
      for (int q = 0; q < questions; ++q) {
        ASSERT_TRUE(table.add("a", std::to_string(q), 1, rng.normal()).has_value());
        ASSERT_TRUE(table.add("b", std::to_string(q), 1, 0).has_value());
      }
      const auto result = paired_difference(table, "a", "b", {.rounds = 500});
      ASSERT_TRUE(result.has_value() && result->interval.has_value());
      excluded += result->interval->low > 0 || result->interval->high < 0 ? 1 : 0;
    }
    const double share = static_cast<double>(excluded) / kCases;
    EXPECT_LT(share, 0.09) << questions;  // 5% plus four standard errors
    EXPECT_GT(share, 0.02) << questions;
  }
}

TEST(ScoreLeaderboard, TooFewQuestionsRankNobody) {
  for (const int questions : {2, 5, 6}) {
    ScoreTable table;
    for (int q = 0; q < questions; ++q) {
      ASSERT_TRUE(table.add("good", std::to_string(q), 1, 9).has_value());
      ASSERT_TRUE(table.add("bad", std::to_string(q), 1, 1).has_value());
    }
    const auto rows = score_leaderboard(table);
    ASSERT_TRUE(rows.has_value());
    EXPECT_EQ((*rows)[0].model, "good");
    EXPECT_EQ((*rows)[1].rank, questions < kFewestQuestions ? 1 : 2);
  }
}

TEST(BattlesFromScores, AppliesTheTieDelta) {
  const auto table = table_of({{"x", "1", 1, 8.3},
                               {"y", "1", 1, 8.2},
                               {"x", "1", 2, 8.4},
                               {"y", "1", 2, 8.2},
                               {"x", "2", 1, 3.0},
                               {"y", "2", 1, 9.0},
                               {"x", "3", 1, 3.0}});
  const auto battles = battles_from_scores(table);
  ASSERT_TRUE(battles.has_value()) << battles.error().message;
  ASSERT_EQ(battles->rows(), 3U);
  EXPECT_EQ(battles->row(0).outcome, kTie);
  EXPECT_EQ(battles->row(1).outcome, kWinA);
  EXPECT_EQ(battles->row(2).outcome, kWinB);
  EXPECT_EQ(battles->row(0).cluster, battles->row(1).cluster);
  EXPECT_NE(battles->row(0).cluster, battles->row(2).cluster);
}

TEST(BattlesFromScores, ComparesQuestionMeansOnDemand) {
  const auto table =
      table_of({{"x", "1", 1, 8}, {"y", "1", 1, 6}, {"x", "1", 2, 5}, {"y", "1", 2, 6}});
  const auto battles = battles_from_scores(table, {.unit = ComparisonUnit::kQuestion});
  ASSERT_TRUE(battles.has_value());
  ASSERT_EQ(battles->rows(), 1U);
  EXPECT_EQ(battles->row(0).outcome, kWinA);  // means 6.5 and 6
}

TEST(BattlesFromScores, SaysWhenNothingCanBeCompared) {
  EXPECT_EQ(battles_from_scores(ScoreTable()).error().code, Code::kFailedPrecondition);
  const auto apart = table_of({{"x", "1", 1, 8}, {"y", "2", 1, 6}});
  EXPECT_EQ(battles_from_scores(apart).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(battles_from_scores(apart, {.tie_delta = -1}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(battles_from_scores(apart, {.tie_delta = NAN}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace cupel::rank
