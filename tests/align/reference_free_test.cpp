// Proves: system 70
// Proves: system 94
// Losses that need no reference, at the ends of their ranges.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "align/fixtures.h"

namespace cupel::align {
namespace {

TEST(Orpo, LogOddsKeepTheirDigitsFromCertainToImpossible) {
  // a − ln(1 − e^a), computed with 80 digits; −0.6931 and −0.6932 are on both sides of −ln 2.
  const std::vector<std::pair<double, double>> known = {
      {-1e-8, 18.4206807389523654470547}, {-1e-4, 9.2102903715595160215159},
      {-0.6931, 9.43633460007863591e-5},  {-0.6932, -1.056360903635623766e-4},
      {-5, -4.9932392505505114421741},    {-80, -80}};
  for (const auto& [mean, log_odds] : known) {
    // Of an even chance the log-odds are 0.
    const Json report =
        evaluate("orpo", fixture({{"chosen", {{mean}}, {}}, {"rejected", {{-std::log(2.0)}}, {}}}));
    // Near it two numbers of about 0.7 cancel.
    EXPECT_NEAR(metric_of(report, "log_odds_ratio"), log_odds,
                std::max(1e-12 * std::abs(log_odds), 5e-16))
        << mean;
    EXPECT_EQ(metric_of(report, "clamped"), 0) << mean;
    EXPECT_TRUE(std::isfinite(gradient_of(report, "chosen")[0])) << mean;
  }
}

TEST(Orpo, WithoutThePenaltyOverSequencesIsSftOverThem) {
  const std::vector<std::vector<double>> prompt = {{-2.0, -1.0}, {-0.3}};
  const std::vector<std::vector<double>> chosen = {{-0.5, -1.2, -0.3}, {-0.7}};
  const Json orpo = evaluate("orpo",
                             fixture({{"chosen", chosen, {}},
                                      {"rejected", {{-0.9}, {-0.4, -1.5}}, {}},
                                      {"prompt", prompt, {}}}),
                             {{"lambda", 0}, {"sft_scope", "sequence"}});
  const Json sft = evaluate("sft", fixture({{"completion", chosen, {}}, {"prompt", prompt, {}}}),
                            {{"prompt_loss_weight", 1}});
  EXPECT_EQ(value_of(orpo), value_of(sft));
  EXPECT_EQ(gradient_of(orpo, "prompt"), gradient_of(sft, "prompt"));
  EXPECT_EQ(gradient_of(orpo, "chosen"), gradient_of(sft, "completion"));
}

TEST(Simpo, OfEqualAnswersTheTargetMarginIsLeft) {
  const Json report =
      evaluate("simpo", fixture({{"chosen", {{-0.5, -1.2}}, {}}, {"rejected", {{-0.5, -1.2}}, {}}}),
               {{"beta", 2}, {"gamma_beta_ratio", 0.5}});
  EXPECT_NEAR(value_of(report), 1.31326168751822283405, 1e-15);  // −ln σ(−1)
}

}  // namespace
}  // namespace cupel::align
