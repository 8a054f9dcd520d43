// Proves: system 1
// The published MT-Bench judgments (shared data, read in place) against the MT-Bench sheet, Done
// means 3 (d), (e).
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "base/io.h"
#include "rank/methods/bradley_terry.h"
#include "rank/score_statistics.h"
#include "support/test_paths.h"

namespace cupel::rank {
namespace {

constexpr const char* kCapybara = "mistral-orpo-capybara";
constexpr const char* kMix = "mistral-orpo-mix";

class MtBenchScores : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string path = test::shared_data("mt_bench/model_judgment/gpt-4_single.jsonl");
    CUPEL_SKIP_UNLESS(path, "published judgments absent: the sheet's numbers were not compared");
    const auto read = for_each_jsonl_file(path, [&](Json&& row, size_t /*line*/) -> Result<Ok> {
      CUPEL_TRY(const std::string model, get_string(row, "model"));
      CUPEL_TRY(const int64_t question, get_int(row, "question_id"));
      CUPEL_TRY(const int64_t turn, get_int(row, "turn"));
      CUPEL_TRY(const double score, get_double(row, "score"));
      return scores_.add(model, std::to_string(question), turn, score);
    });
    ASSERT_TRUE(read.has_value()) << read.error().message;
  }
  ScoreTable scores_;
};

TEST_F(MtBenchScores, PoolsAllTurns) {
  const auto rows = score_leaderboard(scores_);
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].model, kCapybara);
  EXPECT_NEAR((*rows)[0].mean, 6.81875, 1e-9);
  EXPECT_NEAR((*rows)[1].mean, 6.003125, 1e-9);
  EXPECT_EQ((*rows)[0].items, 160);
  EXPECT_EQ((*rows)[0].questions, 80);
  EXPECT_EQ((*rows)[1].rank, 2);
}

TEST_F(MtBenchScores, ConvertToSixtyThreeWins) {
  const auto battles = battles_from_scores(scores_, {.tie_delta = 0.1});
  ASSERT_TRUE(battles.has_value()) << battles.error().message;
  ASSERT_EQ(battles->models().name(battles->row(0).a), kCapybara);
  std::map<double, int> outcomes;
  for (size_t i = 0; i < battles->rows(); ++i) {
    ++outcomes[battles->row(i).outcome];
  }
  EXPECT_EQ(outcomes[kWinA], 63);
  EXPECT_EQ(outcomes[kWinB], 37);
  EXPECT_EQ(outcomes[kTie], 60);
  EXPECT_EQ(battles->clusters().size(), 80U);
  // Two players: half-win Bradley-Terry is logit((63 + 30)/160).
  const auto fit = fit_bradley_terry(*battles);
  ASSERT_TRUE(fit.has_value());
  EXPECT_NEAR((fit->values[0] - fit->values[1]) / kEloPerLogit, std::log(93.0 / 67.0), 1e-9);
}

TEST_F(MtBenchScores, ConvertByTurn) {
  const std::map<int64_t, std::array<int, 3>> expected = {{1, {25, 21, 34}}, {2, {38, 16, 26}}};
  for (const auto& [turn, counts] : expected) {
    ScoreTable part;
    for (const std::string& model : scores_.models()) {
      for (const auto& [key, cell] : scores_.cells(model)) {
        if (key.second == turn) {
          ASSERT_TRUE(part.add(model, key.first, turn, cell.score).has_value());
        }
      }
    }
    const auto battles = battles_from_scores(part);
    ASSERT_TRUE(battles.has_value());
    std::map<double, int> outcomes;
    for (size_t i = 0; i < battles->rows(); ++i) {
      ++outcomes[battles->row(i).outcome];
    }
    EXPECT_EQ((std::array<int, 3>{outcomes[kWinA], outcomes[kWinB], outcomes[kTie]}), counts);
  }
}

TEST_F(MtBenchScores, PairedDifferenceClustersByQuestion) {
  const auto result = paired_difference(scores_, kCapybara, kMix);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_NEAR(result->difference, 0.815625, 1e-9);
  EXPECT_NEAR(*result->standard_error, 0.270619, 6e-7);
  EXPECT_NEAR(*result->bootstrap_standard_error / *result->standard_error, 1, 0.1);
  EXPECT_GT(result->interval->low, 0);
  EXPECT_GT(*result->sign_probability, 0.99);
  EXPECT_EQ(result->unpaired, 0);
}

TEST_F(MtBenchScores, TurnsAsUnitsWouldUnderstateTheError) {
  // Every (question, turn) as a question of its own: the sheet's 0.247536 over 160 turns.
  ScoreTable turns;
  for (const std::string& model : scores_.models()) {
    for (const auto& [key, cell] : scores_.cells(model)) {
      const std::string unit = key.first + "/" + std::to_string(key.second);
      ASSERT_TRUE(turns.add(model, unit, 1, cell.score).has_value());
    }
  }
  const auto result = paired_difference(turns, kCapybara, kMix);
  ASSERT_TRUE(result.has_value());
  EXPECT_NEAR(*result->standard_error, 0.247536, 6e-7);
}

}  // namespace
}  // namespace cupel::rank
