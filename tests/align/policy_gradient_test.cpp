// The losses of online training on fixture F: its policy is the new one, the old one is given, r =
// (1, 0).
#include <cmath>

#include <gtest/gtest.h>

#include "align/fixtures.h"

namespace cupel::align {
namespace {

Json list(std::initializer_list<Json> items) {
  return Json(Json::Array(items));
}

Json responses(const Json& rows) {
  return Json::object().set("response", rows);
}

Json sampled_f() {
  return Json::object()
      .set("policy",
           responses(list({numbers({-0.5, -1.2, -0.3}), numbers({-0.9, -0.4, -1.5, -0.7, -1.1})})))
      .set("reference",
           responses(list({numbers({-0.7, -1.0, -0.6}), numbers({-0.8, -0.6, -1.1, -0.9, -1.0})})))
      .set("old",
           responses(list({numbers({-0.6, -1.0, -0.5}), numbers({-0.7, -0.5, -1.2, -0.8, -1.4})})))
      .set("scores", numbers({1, 0}));
}

double f(std::string_view loss, const Parameters& parameters = {}) {
  return value_of(evaluate(loss, sampled_f(), parameters));
}

TEST(Grpo, HoldsItsWorkedValuesUnderEveryReduction) {
  const Parameters fixed = {{"reduction", "fixed"}, {"max_length", 6}};
  EXPECT_NEAR(f("grpo"), -0.00194932, 1e-8);
  EXPECT_NEAR(f("grpo", {{"reduction", "token_mean"}}), 0.18161500, 1e-8);
  EXPECT_NEAR(f("grpo", fixed), 0.12107667, 1e-8);
  const auto with_kl = [](Parameters parameters) {
    parameters.emplace_back("beta", 0.04);
    return f("grpo", parameters);
  };
  EXPECT_NEAR(with_kl({}), -0.00085113, 1e-8);
  EXPECT_NEAR(with_kl({{"reduction", "token_mean"}}), 0.18271790, 1e-8);
  EXPECT_NEAR(with_kl(fixed), 0.12181193, 1e-8);
}

/// Four answers of one token, not yet moved from the old policy: the gradient of a token is −A/4.
std::vector<double> advantages(const std::string& loss, const Parameters& parameters = {}) {
  const Json rows = list({numbers({-1}), numbers({-1}), numbers({-1}), numbers({-1})});
  const Json input = Json::object()
                         .set("policy", responses(rows))
                         .set("old", responses(rows))
                         .set("scores", numbers({1, 0, 0.5, 0.3}));
  const Json report = evaluate(loss, input, parameters);
  std::vector<double> values;
  for (size_t row = 0; row < 4; ++row) {
    values.push_back(-4 * gradient_of(report, "response", row)[0]);
  }
  return values;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], 1e-8) << i;
  }
}

TEST(Grpo, ScalesAdvantagesAsAsked) {
  expect_near(advantages("grpo"), {1.30822387, -1.07036498, 0.11892944, -0.35678833});
  expect_near(advantages("grpo", {{"scale", "population_std"}}),
              {1.51096620, -1.23624508, 0.13736056, -0.41208169});
  expect_near(advantages("grpo", {{"scale", "none"}}), {0.55, -0.45, 0.05, -0.15});
}

TEST(Rloo, SubtractsTheMeanOfTheOthers) {
  expect_near(advantages("rloo"), {0.73333333, -0.6, 0.06666667, -0.2});
  EXPECT_NEAR(f("rloo"), -0.05258546, 1e-8);
}

TEST(Rloo, TakesTheKlOffTheScore) {
  // Σ log(old/ref): chosen −2.1 + 2.3 = 0.2, rejected −4.6 + 4.4 = −0.2; so A = ±(1 − 0.4β) of two
  // answers.
  EXPECT_NEAR(f("rloo", {{"beta", 0.5}}), 0.8 * f("rloo"), 1e-12);
}

TEST(Grpo, EqualScoresGiveExactlyNothing) {
  const Json level = sampled_f().set("scores", numbers({0.3, 0.3}));
  for (const char* const scale : {"std", "population_std", "none"}) {
    const Json report = evaluate("grpo", level, {{"scale", scale}});
    EXPECT_EQ(value_of(report), 0);
    EXPECT_EQ(metric_of(report, "frac_zero_std"), 1);
    EXPECT_EQ(gradient_of(report, "response", 1), std::vector<double>(5, 0.0));
  }
}

// 0.1 + 0.1 + 0.1 is not 3 · 0.1 in f64: what is left must not be scaled to a whole advantage.
TEST(OnlineLosses, EqualScoresGiveExactlyNothingWhereTheirMeanIsRounded) {
  const Json rows = list({numbers({-1}), numbers({-1.2}), numbers({-0.7})});
  const Json old = list({numbers({-1.1}), numbers({-1}), numbers({-0.9})});
  const Json level = Json::object()
                         .set("policy", responses(rows))
                         .set("old", responses(old))
                         .set("scores", numbers({0.1, 0.1, 0.1}));
  const auto expect_nothing = [&](const Json& report) {
    EXPECT_EQ(value_of(report), 0);
    for (size_t row = 0; row < 3; ++row) {
      EXPECT_EQ(gradient_of(report, "response", row)[0], 0) << row;
    }
  };
  for (const char* const scale : {"std", "population_std", "none"}) {
    const Json report = evaluate("grpo", level, {{"scale", scale}});
    expect_nothing(report);
    EXPECT_EQ(metric_of(report, "frac_zero_std"), 1);
  }
  expect_nothing(evaluate("rloo", level));
}

TEST(Grpo, SequenceRatioIsTheSameForAllTokens) {
  // Mean log-ratios 0.1/3 and 0: ratios 1.03389511 and 1, as GSPO has them; A = ±0.70700680.
  EXPECT_NEAR(f("grpo", {{"ratio", "sequence"}}), -(1.03389511 - 1) * 0.70700680 / 2, 1e-8);
}

TEST(Grpo, ComparesWithinThePromptAlone) {
  const Json rows = list({numbers({-1}), numbers({-1}), numbers({-1}), numbers({-1})});
  const Json input = Json::object()
                         .set("policy", responses(rows))
                         .set("old", responses(rows))
                         .set("scores", numbers({1, 0, 7, 7}))
                         .set("groups", numbers({0, 0, 1, 1}));
  const Json report = evaluate("grpo", input, {{"scale", "none"}});
  EXPECT_NEAR(gradient_of(report, "response", 0)[0], -0.5 / 4, 1e-12);
  EXPECT_EQ(gradient_of(report, "response", 2)[0], 0);
}

TEST(ReinforcePlusPlus, NormalisesRewardToGoOverAllTokens) {
  EXPECT_NEAR(f("reinforce_pp", {{"beta", 0.01}}), -0.00272962, 1e-8);
}

TEST(Ppo, ClipsTheRatioOfEachToken) {
  const auto loss = [](const std::vector<double>& advantage) {
    return evaluate("ppo", Json::object()
                               .set("policy", responses(list({numbers({-0.4, -1.5, -0.3})})))
                               .set("old", responses(list({numbers({-0.5, -1.2, -0.3})})))
                               .set("scores", responses(list({numbers(advantage)}))));
  };
  const Json whitened = loss({1.08525273, -0.20105756, -0.88419517});
  EXPECT_NEAR(value_of(whitened), -0.05144951, 1e-8);
  EXPECT_NEAR(metric_of(whitened, "clip_fraction"), 1.0 / 3, 1e-12);
  EXPECT_NEAR(value_of(loss({0.73221250, 0.57075, 0.485})), -0.57234732, 1e-8);
}

TEST(OnlineLosses, RefuseWhatIsMissing) {
  const auto said = [](const std::string& loss, Json input, const Parameters& parameters,
                       std::string_view part) {
    const std::string message = refusal(loss, input, parameters);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  Json input = sampled_f();
  input.erase("reference");
  EXPECT_TRUE(std::isfinite(value_of(evaluate("grpo", input))));
  said("grpo", input, {{"beta", 0.04}}, "grpo with beta = 0.04 needs the log-probs of a reference");
  said("grpo", input, {{"reduction", "fixed"}}, "the reduction fixed needs max_length");
  said("grpo", Json(input).set("groups", numbers({0, 1})), {}, "group 0 has 1 responses");
  said("grpo", Json(input).set("groups", numbers({0, 2})), {}, "groups[1] is 2");
  said("rloo", Json(input).set("scores", list({1, Json()})), {}, "response[1] has no score");
  input.erase("old");
  said("ppo", input, {}, "needs the log-probs of the policy that sampled (old)");
}

}  // namespace
}  // namespace cupel::align
