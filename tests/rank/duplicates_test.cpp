#include "rank/duplicates.h"

#include <cmath>

#include "rank/methods/bradley_terry.h"
#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

TEST(DuplicateWeights, LetCopiesShareTheWeightOfOne) {
  // Prompt 0 three times, prompt 1 once, two unknown ones: 4 prompts in 6 rows, so 6/4 to share.
  const std::vector<int32_t> prompts = {0, 1, 0, -1, 0, -1};
  const DuplicateWeights result = duplicate_weights(prompts);
  EXPECT_EQ(result.distinct, 4);
  EXPECT_EQ(result.repeated_rows, 3);
  EXPECT_EQ(result.most_copies, 3);
  const std::vector<double> expected = {0.5, 1.5, 0.5, 1.5, 0.5, 1.5};
  ASSERT_EQ(result.weights.size(), 6U);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(result.weights[i], expected[i], 1e-15);
  }
  EXPECT_TRUE(duplicate_weights({}).weights.empty());
}

TEST(WithWeights, MakeAFloodOfOnePromptCountOnce) {
  // Ten different prompts go 7 : 3, one prompt asked 90 times always goes to y: as one vote in 11.
  BattleTable flooded;
  BattleTable once;
  std::vector<int32_t> prompts;
  for (BattleTable* table : {&flooded, &once}) {
    table->intern_model("x");
    table->intern_model("y");
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(table->add({.a = 0, .b = 1, .outcome = i < 7 ? kWinA : kWinB}).has_value());
    }
  }
  for (int i = 0; i < 10; ++i) {
    prompts.push_back(i);
  }
  ASSERT_TRUE(once.add({.a = 0, .b = 1, .outcome = kWinB}).has_value());
  for (int i = 0; i < 90; ++i) {
    ASSERT_TRUE(flooded.add({.a = 0, .b = 1, .outcome = kWinB}).has_value());
    prompts.push_back(10);
  }
  ASSERT_TRUE(flooded.set_weights(duplicate_weights(prompts).weights).has_value());
  const auto x = fit_bradley_terry(flooded, {.covariance = Covariance::kNone});
  const auto y = fit_bradley_terry(once, {.covariance = Covariance::kNone});
  ASSERT_TRUE(x.has_value() && y.has_value());
  EXPECT_NEAR(x->values[0], y->values[0], 1e-6);
  EXPECT_GT(x->values[0], 1000);
}

TEST(SetWeights, RefusesWeightsThatAreNone) {
  BattleTable table = test::sixteen_battles();
  EXPECT_EQ(table.set_weights(std::vector<double>(3, 1.0)).error().code, Code::kInvalidArgument);
  std::vector<double> factors(table.rows(), 1.0);
  factors[4] = 0;
  const auto refused = table.set_weights(factors);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("battle 5"), std::string::npos);
}

}  // namespace
}  // namespace cupel::rank
