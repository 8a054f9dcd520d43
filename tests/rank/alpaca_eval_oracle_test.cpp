// AlpacaEval 2's published verdicts, weights and leaderboard (shared data, read in place) against
// the rank-statistics sheet, Done means 2.
#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/csv.h"
#include "base/io.h"
#include "rank/alpaca_eval_files.h"
#include "support/test_paths.h"

namespace cupel::rank {
namespace {

/// leaderboard.csv: model → column → text.
using Table = std::map<std::string, std::map<std::string, std::string>>;

class AlpacaEval : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string leaderboard = test::shared_data("alpaca_eval/leaderboard.csv");
    const std::string difficulties =
        test::shared_data("../specs/judge/alpaca-instruction-difficulty.csv");
    CUPEL_SKIP_UNLESS(leaderboard,
                      "AlpacaEval's data absent: the sheet's numbers were not compared");
    CUPEL_SKIP_UNLESS(difficulties, "γ of the instructions absent: nothing was compared");
    read_leaderboard(leaderboard);
    auto table = read_instruction_difficulties(difficulties);
    ASSERT_TRUE(table.has_value()) << table.error().message;
    difficulties_ = std::move(*table);
    for (const auto& [instruction, difficulty] : difficulties_) {
      gamma_.push_back(difficulty);
    }
    auto weights = read_length_controlled_weights(test::shared_data("alpaca_eval/glm_weights.csv"));
    ASSERT_TRUE(weights.has_value()) << weights.error().message;
    weights_ = std::move(*weights);
  }

  [[nodiscard]] double published(const std::string& model, const std::string& column) const {
    return std::stod(leaderboard_.at(model).at(column));
  }
  [[nodiscard]] static std::vector<PreferenceItem> items(const std::string& model) {
    auto read =
        read_alpaca_annotations(test::shared_data("alpaca_eval/annotations/" + model + ".csv"));
    EXPECT_TRUE(read.has_value()) << read.error().message;
    return std::move(*read);
  }
  [[nodiscard]] LengthControlledFit fit(const std::string& model,
                                        bool with_difficulties,
                                        const LengthControlledOptions& options) const {
    auto found = fit_length_controlled(
        items(model), with_difficulties ? difficulties_ : InstructionDifficulties{}, options);
    EXPECT_TRUE(found.has_value()) << found.error().message;
    return *found;
  }

  Table leaderboard_;
  InstructionDifficulties difficulties_;
  std::vector<double> gamma_;
  std::map<std::string, LengthControlledWeights> weights_;

 private:
  void read_leaderboard(const std::string& path) {
    const auto text = read_file(path);
    ASSERT_TRUE(text.has_value());
    std::vector<std::string> header;
    const auto done = for_each_csv(
        *text, path, [&](std::span<const std::string_view> fields, size_t line) -> Result<Ok> {
          for (size_t i = 0; i < fields.size(); ++i) {
            if (line == 1) {
              header.emplace_back(fields[i]);
            } else {
              leaderboard_[std::string(fields[0])][header[i]] = std::string(fields[i]);
            }
          }
          return Ok{};
        });
    ASSERT_TRUE(done.has_value()) << done.error().message;
    ASSERT_EQ(leaderboard_.size(), 223U);
  }
};

constexpr const char* kJudged[] = {"FuseChat-Gemma-2-9B-Instruct",
                                   "Mixtral-8x7B-Instruct-v0.1_concise",
                                   "NullModel",
                                   "alpaca-farm-ppo-human",
                                   "claude-2.1_concise",
                                   "falcon-7b-instruct",
                                   "gpt-3.5-turbo-1106_concise",
                                   "humpback-llama2-70b",
                                   "oasst-sft-llama-33b",
                                   "openbuddy-llama2-70b-v10.1",
                                   "vicuna-13b-v1.5-togetherai",
                                   "vicuna-7b"};

TEST_F(AlpacaEval, WinRatesOfAllTwelveModelsEqualTheLeaderboard) {
  for (const std::string model : kJudged) {
    const auto rate = win_rate(items(model));
    ASSERT_TRUE(rate.has_value()) << rate.error().message;
    EXPECT_NEAR(rate->win_rate, published(model, "win_rate"), 1e-8) << model;
    EXPECT_NEAR(rate->standard_error, published(model, "standard_error"), 1e-8) << model;
    EXPECT_EQ(rate->wins, published(model, "n_wins")) << model;
    EXPECT_EQ(rate->losses, published(model, "n_wins_base")) << model;
    EXPECT_EQ(rate->draws, published(model, "n_draws")) << model;
    EXPECT_EQ(rate->total(), published(model, "n_total")) << model;
    EXPECT_EQ(rate->missing, 0) << model;
    EXPECT_NEAR(rate->discrete_win_rate, published(model, "discrete_win_rate"), 1e-8) << model;
    EXPECT_EQ(std::trunc(rate->average_length), published(model, "avg_length")) << model;
  }
}

TEST_F(AlpacaEval, WinRatesHaveTheSheetsDigits) {
  const auto null_model = win_rate(items("NullModel"));
  ASSERT_TRUE(null_model.has_value());
  EXPECT_NEAR(null_model->win_rate, 76.919792, 5e-7);
  EXPECT_NEAR(null_model->standard_error, 0.909010, 5e-7);
  EXPECT_EQ(null_model->wins, 676);
  EXPECT_EQ(null_model->losses, 129);
  EXPECT_NEAR(null_model->discrete_win_rate, 83.975155, 5e-7);
  const auto fuse_chat = win_rate(items("FuseChat-Gemma-2-9B-Instruct"));
  ASSERT_TRUE(fuse_chat.has_value());
  EXPECT_NEAR(fuse_chat->win_rate, 70.497135, 5e-7);
  EXPECT_NEAR(fuse_chat->standard_error, 1.342639, 5e-7);
  EXPECT_EQ(fuse_chat->draws, 5);
  EXPECT_NEAR(fuse_chat->discrete_win_rate, 71.739130, 5e-7);
  const auto humpback = win_rate(items("humpback-llama2-70b"));
  ASSERT_TRUE(humpback.has_value());
  EXPECT_NEAR(humpback->average_length, 1107.59, 0.005);
}

TEST_F(AlpacaEval, RatesFromPublishedWeightsEqualThoseOf189Models) {
  // The other ten were published from other weights than those in the file (the sheet names them).
  const std::map<std::string, double> exceptions = {{"dbrx-instruct", 25.1853},
                                                    {"NullModel", 86.3250},
                                                    {"llama-2-70b-chat-hf", 14.6773},
                                                    {"platolm-7b", 10.5329},
                                                    {"gpt35_turbo_instruct", 17.7213},
                                                    {"minotaur-13b", 11.4588},
                                                    {"text_davinci_001", 9.0206},
                                                    {"alpaca-7b_concise", 4.4631},
                                                    {"phi-2", 4.3955},
                                                    {"alpaca-7b_verbose", 6.8185}};
  int64_t equal = 0;
  for (const auto& [model, weights] : weights_) {
    if (!leaderboard_.contains(model)) {
      EXPECT_EQ(model, "example");
      continue;
    }
    const auto rate = length_controlled_rate(weights, gamma_);
    ASSERT_TRUE(rate.has_value());
    const double want = published(model, "length_controlled_winrate");
    if (const auto other = exceptions.find(model); other != exceptions.end()) {
      EXPECT_NEAR(rate->win_rate, other->second, 5e-5) << model;
      EXPECT_LE(std::abs(rate->win_rate - want), 0.2) << model;
      EXPECT_GT(std::abs(rate->win_rate - want), 1e-3) << model << " is an exception no more";
    } else {
      EXPECT_NEAR(rate->win_rate, want, 1e-5) << model;
      ++equal;
    }
    const std::string& error = leaderboard_.at(model).at("lc_standard_error");
    if (!error.empty() && model != "NullModel") {
      EXPECT_NEAR(rate->standard_error, std::stod(error), 1e-6) << model;
    }
  }
  EXPECT_EQ(equal, 189);
}

TEST_F(AlpacaEval, StandardErrorHasTheSheetsDigits) {
  const auto rate = length_controlled_rate(weights_.at("vicuna-13b-v1.5-togetherai"), gamma_);
  ASSERT_TRUE(rate.has_value());
  EXPECT_NEAR(rate->standard_error, 0.624380, 5e-7);
}

TEST_F(AlpacaEval, PairsAreComparedByDifferencesOfWeights) {
  const auto& a = weights_.at("gpt4");
  const auto& b = weights_.at("claude-3-opus-20240229");
  const auto forwards = length_controlled_rate(difference(a, b), gamma_);
  const auto backwards = length_controlled_rate(difference(b, a), gamma_);
  ASSERT_TRUE(forwards.has_value() && backwards.has_value());
  EXPECT_NEAR(forwards->win_rate, 46.47942, 5e-6);
  EXPECT_NEAR(backwards->win_rate, 53.52058, 5e-6);
  EXPECT_NEAR(forwards->win_rate + backwards->win_rate, 100, 1e-10);
  EXPECT_EQ(length_controlled_rate(weights_.at("gpt4_1106_preview"), gamma_)->win_rate, 50)
      << "the baseline's weights are zero";
}

TEST_F(AlpacaEval, UnpenalisedFitsEqualTheSheetsOracles) {
  const struct {
    std::string model;
    double theta, phi, psi, rate;
  } with_difficulty[] = {
      {"NullModel", 1.685363, -0.769014, 0.159383, 83.9940},
      {"FuseChat-Gemma-2-9B-Instruct", 1.096187, -0.951293, 0.696900, 70.1167},
      {"vicuna-7b", -4.449287, -1.108158, 1.296975, 5.2741},
      {"gpt-3.5-turbo-1106_concise", -2.721064, -2.221987, 1.306091, 14.5580},
  };
  for (const auto& want : with_difficulty) {
    const LengthControlledFit found = fit(want.model, true, {.cross_validate = false});
    EXPECT_NEAR(found.weights.theta, want.theta, 1e-6) << want.model;
    EXPECT_NEAR(found.weights.phi, want.phi, 1e-6) << want.model;
    EXPECT_NEAR(found.weights.psi, want.psi, 1e-6) << want.model;
    EXPECT_NEAR(found.rate.win_rate, want.rate, 5.1e-5) << want.model;
    EXPECT_FALSE(found.cost.has_value());
  }
  const struct {
    std::string model;
    double theta, phi, rate;
  } length_only[] = {{"NullModel", 1.712517, -0.867912, 84.7162},
                     {"vicuna-7b", -2.280443, -1.950429, 9.2756}};
  for (const auto& want : length_only) {
    const LengthControlledFit found = fit(want.model, false, {.cross_validate = false});
    EXPECT_NEAR(found.weights.theta, want.theta, 1e-6) << want.model;
    EXPECT_NEAR(found.weights.phi, want.phi, 1e-6) << want.model;
    EXPECT_EQ(found.weights.psi, 0) << want.model;
    EXPECT_NEAR(found.rate.win_rate, want.rate, 5.1e-5) << want.model;
    EXPECT_NEAR(found.rate.standard_error, 0, 1e-12) << "one skill, one rate";
  }
}

TEST_F(AlpacaEval, PenalisedFitsEqualLiblinears) {
  // scikit-learn 1.9.1's LogisticRegression(l1_ratio=1, solver="liblinear", fit_intercept=False,
  // tol=1e-10) on labels doubled with weights q and 1 − q, for each C of logspace(-4, 4, 10), the
  // least mean held-out log-loss with row i in fold i mod 5. No gamed rows: their verdicts are not
  // among the data, so the published weights themselves cannot be found again.
  const struct {
    std::string model;
    double cost, phi, psi, theta, rate;
  } wanted[] = {
      {"NullModel", 21.54434690, -0.76621415, 0.15928210, 1.68318507, 83.965231},
      {"FuseChat-Gemma-2-9B-Instruct", 2.78255940, -0.94157093, 0.69318200, 1.09119179, 70.065845},
      {"vicuna-7b", 21.54434690, -1.10224997, 1.29229173, -4.43755888, 5.280397},
      {"gpt-3.5-turbo-1106_concise", 2.78255940, -2.18243593, 1.28291475, -2.68341902, 14.633714},
  };
  for (const auto& want : wanted) {
    const LengthControlledFit found = fit(want.model, true, {});
    ASSERT_TRUE(found.cost.has_value());
    EXPECT_NEAR(*found.cost, want.cost, 1e-8) << want.model;
    EXPECT_NEAR(found.weights.phi, want.phi, 1e-6) << want.model;
    EXPECT_NEAR(found.weights.psi, want.psi, 1e-6) << want.model;
    EXPECT_NEAR(found.weights.theta, want.theta, 1e-6) << want.model;
    EXPECT_NEAR(found.rate.win_rate, want.rate, 1e-5) << want.model;
    EXPECT_EQ(found.gamed_items, 0);
  }
}

TEST_F(AlpacaEval, ExtremeChangeFiresForTwoPublishedModels) {
  std::vector<std::string> extreme;
  for (const auto& [model, row] : leaderboard_) {
    if (is_extreme_change(published(model, "win_rate"),
                          published(model, "length_controlled_winrate"))) {
      extreme.push_back(model);
    }
  }
  EXPECT_EQ(extreme, (std::vector<std::string>{"Nanbeige2-8B-Chat", "internlm2-chat-20b-ExPO"}));
}

}  // namespace
}  // namespace cupel::rank
