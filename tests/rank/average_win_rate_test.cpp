#include "rank/methods/average_win_rate.h"

#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

// The rank-statistics sheet, table S.
TEST(AverageWinRates, MatchTheSheet) {
  const auto rates = average_win_rates(test::sixteen_battles());
  ASSERT_TRUE(rates.has_value());
  const double expected[] = {0.187500, 0.500000, 0.437500, 0.770833, 0.638889};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR((*rates)[i], expected[i], 6e-7) << i;
  }
}

TEST(AverageWinRates, MatchEvalicasGoldenFiles) {
  CUPEL_SKIP_WITHOUT_VOTES();
  test::expect_golden("average_win_rate",
                      [](const BattleTable& table) { return *average_win_rates(table); });
}

TEST(AverageWinRates, MatchTheSheetOnLlmfao) {
  CUPEL_SKIP_WITHOUT_VOTES();
  const BattleTable table = test::published_votes("llmfao.csv");
  const auto rates = average_win_rates(table);
  ASSERT_TRUE(rates.has_value());
  const auto rate = [&](const char* model) {
    return (*rates)[static_cast<size_t>(table.models().find(model).value())];
  };
  EXPECT_NEAR(rate("GPT 4"), 0.758757, 6e-7);
  EXPECT_NEAR(rate("LLaMA-2-Chat (70B)"), 0.731576, 6e-7);
}

TEST(AverageWinRates, CountEachOpponentOnce) {
  // x won 9 of 10 against y and lost its only battle with z: (0.9 + 0)/2.
  BattleTable table;
  for (const char* name : {"x", "y", "z"}) {
    table.intern_model(name);
  }
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = kWinA, .count = 9}).has_value());
  ASSERT_TRUE(table.add({.a = 1, .b = 0, .outcome = kWinA}).has_value());
  ASSERT_TRUE(table.add({.a = 2, .b = 0, .outcome = kWinA}).has_value());
  EXPECT_DOUBLE_EQ((*average_win_rates(table))[0], 0.45);
}

TEST(AverageWinRates, NameAModelWithoutBattles) {
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", kWinA).has_value());
  table.intern_model("idle");
  const auto rates = average_win_rates(table);
  ASSERT_FALSE(rates.has_value());
  EXPECT_EQ(rates.error().code, Code::kFailedPrecondition);
  EXPECT_NE(rates.error().message.find("\"idle\""), std::string::npos);
}

}  // namespace
}  // namespace cupel::rank
