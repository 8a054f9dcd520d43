// Published votes against the numbers of the rank-statistics sheet and evalica 0.4.2's golden files
// (shared data, votes/: read in place).
#include <cmath>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/csv.h"
#include "base/io.h"
#include "rank/leaderboard.h"
#include "rank/methods/bradley_terry.h"
#include "rank/methods/elo.h"
#include "rank/methods/registry.h"
#include "rank/vote_reader.h"
#include "support/test_paths.h"

namespace cupel::rank {
namespace {

/// A vote file with its fits.
struct Votes {
  VoteFile file;
  Ratings bradley_terry;
  Ratings elo;

  [[nodiscard]] size_t index(const std::string& model) const {
    return static_cast<size_t>(file.table.models().find(model).value());
  }
  [[nodiscard]] double rating(const std::string& model) const {
    return bradley_terry.values[index(model)];
  }
  [[nodiscard]] double beta(const std::string& model) const {
    return (rating(model) - 1000) / kEloPerLogit;
  }
  [[nodiscard]] double error(const std::string& model) const {
    return std::sqrt(bradley_terry.covariance(index(model), index(model)));
  }
  [[nodiscard]] double online(const std::string& model) const { return elo.values[index(model)]; }
  [[nodiscard]] RatingDifference difference(const std::string& a, const std::string& b) const {
    return *rating_difference(bradley_terry, file.table, a, b);
  }
  /// exp(β) of a model over the sum of all.
  [[nodiscard]] double softmax(const std::string& model) const {
    double sum = 0;
    for (const std::string& name : file.table.models().names()) {
      sum += std::exp(beta(name));
    }
    return std::exp(beta(model)) / sum;
  }
};

class VotesOracle : public ::testing::Test {
 protected:
  void load(const std::string& name) {
    const std::string path = test::shared_data("votes/" + name);
    CUPEL_SKIP_UNLESS(path, "published votes absent: the sheet's numbers were not compared");
    auto file = read_votes({.paths = {path}});
    ASSERT_TRUE(file.has_value()) << file.error().message;
    auto bradley_terry = fit_bradley_terry(file->table);
    auto elo = fit_elo(file->table);
    ASSERT_TRUE(bradley_terry.has_value()) << bradley_terry.error().message;
    ASSERT_TRUE(elo.has_value());
    votes_ = {std::move(*file), std::move(*bradley_terry), std::move(*elo)};
  }
  /// Scores of evalica's golden file by algorithm and item.
  static std::map<std::string, std::map<std::string, double>> golden(const std::string& name) {
    std::map<std::string, std::map<std::string, double>> scores;
    const auto text = read_file(test::shared_data("votes/" + name));
    EXPECT_TRUE(text.has_value());
    const auto done = for_each_csv(
        *text, name, [&](std::span<const std::string_view> fields, size_t line) -> Result<Ok> {
          if (line > 1) {
            scores[std::string(fields[0])][std::string(fields[1])] =
                std::stod(std::string(fields[2]));
          }
          return Ok{};
        });
    EXPECT_TRUE(done.has_value());
    return scores;
  }
  void expect_golden(const std::string& name) const {
    const auto scores = golden(name);
    for (const auto& [item, score] : scores.at("bradley_terry")) {
      EXPECT_NEAR(votes_.softmax(item), score, 1e-6) << item;
    }
    for (const auto& [item, score] : scores.at("elo")) {
      EXPECT_NEAR(votes_.online(item), score, 1e-6) << item;
    }
  }
  Votes votes_;
};

TEST_F(VotesOracle, SixteenSimpleBattles) {
  load("simple.csv");
  if (IsSkipped()) {
    return;
  }
  const char* names[] = {"0", "1", "2", "3", "4"};
  const double beta[] = {-1.144278, -0.195821, -0.191750, 0.747585, 0.784265};
  const double scale[] = {801.2185, 965.9824, 966.6896, 1129.8687, 1136.2408};
  const double softmax[] = {0.050800, 0.131151, 0.131686, 0.336889, 0.349475};
  const double error[] = {83.017, 60.201, 59.612, 69.767, 88.850};
  const double online[] = {992.1031, 999.9772, 999.9773, 1003.8862, 1004.0562};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(votes_.beta(names[i]), beta[i], 6e-7) << i;
    EXPECT_NEAR(votes_.rating(names[i]), scale[i], 6e-5) << i;
    EXPECT_NEAR(votes_.softmax(names[i]), softmax[i], 6e-7) << i;
    EXPECT_NEAR(votes_.error(names[i]), error[i], 6e-4) << i;
    EXPECT_NEAR(votes_.online(names[i]), online[i], 6e-5) << i;
  }
  EXPECT_NEAR(votes_.bradley_terry.report.log_likelihood, -9.348855, 6e-7);
  const RatingDifference difference = votes_.difference("4", "0");
  EXPECT_NEAR(difference.difference, 335.02, 6e-3);
  EXPECT_NEAR(difference.standard_error, 149.18, 6e-3);
  expect_golden("simple-golden.csv");
}

TEST_F(VotesOracle, FoodVotes) {
  load("food.csv");
  if (IsSkipped()) {
    return;
  }
  EXPECT_EQ(votes_.file.table.battle_count(), 30);
  EXPECT_EQ(votes_.file.ties, 2);
  const char* names[] = {"Tacos", "Sushi", "Burger", "Pasta", "Pizza"};
  const double beta[] = {0.919894, 0.096361, -0.156763, -0.300590, -0.558902};
  const double scale[] = {1159.8020, 1016.7396, 972.7674, 947.7822, 902.9088};
  const double error[] = {91.432, 90.549, 84.368, 81.152, 83.482};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(votes_.beta(names[i]), beta[i], 6e-7) << names[i];
    EXPECT_NEAR(votes_.rating(names[i]), scale[i], 6e-5) << names[i];
    EXPECT_NEAR(votes_.error(names[i]), error[i], 6e-4) << names[i];
  }
  EXPECT_NEAR(votes_.bradley_terry.report.log_likelihood, -18.480505, 6e-7);
  const RatingDifference difference = votes_.difference("Tacos", "Sushi");
  EXPECT_NEAR(difference.difference, 143.0624, 6e-5);
  EXPECT_NEAR(difference.standard_error, 153.6948, 6e-5);
  expect_golden("food-golden.csv");
}

TEST_F(VotesOracle, LlmfaoVotes) {
  load("llmfao.csv");
  if (IsSkipped()) {
    return;
  }
  EXPECT_EQ(votes_.file.table.battle_count(), 8931);
  EXPECT_EQ(votes_.file.wins_a, 2911);
  EXPECT_EQ(votes_.file.wins_b, 2549);
  EXPECT_EQ(votes_.file.ties, 3471);
  EXPECT_EQ(votes_.file.table.model_count(), 59U);
  EXPECT_NEAR(votes_.rating("GPT 4"), 1172.1326, 6e-5);
  EXPECT_NEAR(votes_.error("GPT 4"), 27.858, 6e-4);
  EXPECT_NEAR(votes_.rating("Platypus-2 Instruct (70B)"), 1112.4487, 6e-5);
  EXPECT_NEAR(votes_.error("Platypus-2 Instruct (70B)"), 23.712, 6e-4);
  EXPECT_NEAR(votes_.rating("command"), 1110.1690, 6e-5);
  EXPECT_NEAR(votes_.error("command"), 17.247, 6e-4);
  EXPECT_NEAR(votes_.rating("Dolly v2 (3B)"), 845.6589, 6e-5);
  EXPECT_NEAR(votes_.bradley_terry.report.log_likelihood, -5743.381724, 6e-7);
  const RatingDifference difference = votes_.difference("GPT 4", "Platypus-2 Instruct (70B)");
  EXPECT_NEAR(difference.difference, 59.684, 6e-4);
  EXPECT_NEAR(difference.standard_error, 37.066, 6e-4);
  EXPECT_NEAR(votes_.online("GPT 4"), 1095.5935, 6e-5);
  EXPECT_NEAR(votes_.online("command"), 1094.5451, 6e-5);
  EXPECT_NEAR(votes_.online("Dolly v2 (12B)"), 848.2319, 6e-5);
}

TEST_F(VotesOracle, LlmfaoLeaderboardTiesItsFirstTwo) {
  const std::string path = test::shared_data("votes/llmfao.csv");
  CUPEL_SKIP_UNLESS(path, "published votes absent: tied ranks were not compared");
  const auto file = read_votes({.paths = {path}, .cluster = "worker"});
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->table.clusters().size(), 124U);
  const auto board = make_leaderboard(**find_rating_method("bradley_terry"), file->table,
                                      {.rating = {.clustered = false}});
  ASSERT_TRUE(board.has_value()) << board.error().message;
  EXPECT_EQ(board->rows[0].model, "GPT 4");
  EXPECT_EQ(board->rows[1].model, "Platypus-2 Instruct (70B)");
  EXPECT_EQ(board->rows[1].rank, 1);  // 59.684 ± 1.96·37.066 holds zero
  EXPECT_EQ(board->rows.back().model, "Dolly v2 (3B)");
  EXPECT_GT(board->rows.back().rank, 30);
}

}  // namespace
}  // namespace cupel::rank
