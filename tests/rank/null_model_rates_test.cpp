// Proves: system 4
// What a constant answer scored on AlpacaEval 2 by its published verdicts (shared data, read in
// place): the null-model sheet, Done means 4.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "rank/alpaca_eval_files.h"
#include "support/test_paths.h"

namespace cupel::rank {
namespace {

TEST(NullModelRates, LengthControlRaisesThemByNinePoints) {
  const std::string verdicts = test::shared_data("alpaca_eval/annotations/NullModel.csv");
  const std::string weights = test::shared_data("alpaca_eval/glm_weights.csv");
  const std::string gamma = test::shared_data("../specs/judge/alpaca-instruction-difficulty.csv");
  CUPEL_SKIP_UNLESS(verdicts,
                    "AlpacaEval's verdicts absent: the sheet's numbers were not compared");
  CUPEL_SKIP_UNLESS(gamma, "γ of the instructions absent: the raised rate was not shown");
  const auto items = read_alpaca_annotations(verdicts);
  const auto table = read_length_controlled_weights(weights);
  const auto difficulties = read_instruction_difficulties(gamma);
  ASSERT_TRUE(items.has_value() && table.has_value() && difficulties.has_value());
  ASSERT_EQ(items->size(), 805U);
  EXPECT_TRUE(std::all_of(items->begin(), items->end(), [](const PreferenceItem& item) {
    return item.model_length == 872;
  })) << "one answer to every instruction";
  const auto rate = win_rate(*items);
  ASSERT_TRUE(rate.has_value());
  EXPECT_NEAR(rate->win_rate, 76.919792, 5e-7);
  EXPECT_NEAR(rate->standard_error, 0.909010, 5e-7);
  EXPECT_NEAR(rate->discrete_win_rate, 100.0 * 676 / 805, 1e-10);
  std::vector<double> values;
  for (const auto& [instruction, difficulty] : *difficulties) {
    values.push_back(difficulty);
  }
  const auto controlled = length_controlled_rate(table->at("NullModel"), values);
  ASSERT_TRUE(controlled.has_value());
  EXPECT_NEAR(controlled->win_rate, 86.3250, 5e-5) << "published: 86.4578, from other weights";
  EXPECT_GE(controlled->win_rate - rate->win_rate, 9);
}

}  // namespace
}  // namespace cupel::rank
