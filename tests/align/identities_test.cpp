// Proves: system 70
// Proves: system 94
// Proves: system 96
// Worked values beside the table, and what losses owe to each other.
#include <cmath>

#include <gtest/gtest.h>

#include "align/fixtures.h"
#include "base/rng.h"

namespace cupel::align {
namespace {

/// Fixture F: chosen of 3 tokens and rejected of 5; sums −2.0, −4.6 and −2.3, −4.4; log-ratios 0.3
/// and −0.2.
Json pair_f() {
  return fixture(
      {{"chosen", {{-0.5, -1.2, -0.3}}, {{-0.7, -1.0, -0.6}}},
       {"rejected", {{-0.9, -0.4, -1.5, -0.7, -1.1}}, {{-0.8, -0.6, -1.1, -0.9, -1.0}}}});
}

Json swapped_f() {
  return fixture({{"chosen", {{-0.9, -0.4, -1.5, -0.7, -1.1}}, {{-0.8, -0.6, -1.1, -0.9, -1.0}}},
                  {"rejected", {{-0.5, -1.2, -0.3}}, {{-0.7, -1.0, -0.6}}}});
}

Json list(std::initializer_list<Json> items) {
  return Json(Json::Array(items));
}

double f(std::string_view loss, const Parameters& parameters = {}) {
  return value_of(evaluate(loss, pair_f(), parameters));
}

void expect_gradients(const Json& first, const Json& second, double tolerance) {
  for (const char* const role : {"chosen", "rejected"}) {
    const std::vector<double> a = gradient_of(first, role);
    const std::vector<double> b = gradient_of(second, role);
    ASSERT_EQ(a.size(), b.size());
    for (size_t t = 0; t < a.size(); ++t) {
      EXPECT_NEAR(a[t], b[t], tolerance) << role << t;
    }
  }
}

TEST(FixtureF, DpoFamily) {
  EXPECT_NEAR(f("dpo"), 0.66845965, 1e-8);
  EXPECT_NEAR(gradient_of(evaluate("dpo", pair_f()), "chosen")[0], -0.04875026, 1e-8);
  EXPECT_NEAR(f("cdpo"), 0.67345965, 1e-8);
  EXPECT_NEAR(f("robust"), 0.66220965, 1e-8);
  EXPECT_NEAR(f("sigmoid_norm"), 0.68617168, 1e-8);
  EXPECT_NEAR(f("sigmoid_norm", {{"beta", 10}}), 0.22041741, 1e-8);
  EXPECT_NEAR(f("ipo", {{"log_ratio", "mean"}}), 23.6196, 1e-8);
}

TEST(FixtureF, SimpoAndItsVariants) {
  const Parameters base = {{"beta", 2}, {"gamma_beta_ratio", 0.5}};
  const auto with = [&](std::string name, Json value) {
    Parameters all = base;
    all.emplace_back(std::move(name), std::move(value));
    return f("simpo", all);
  };
  EXPECT_NEAR(f("simpo", base), 0.96993248, 1e-8);
  const Json report = evaluate("simpo", pair_f(), base);
  EXPECT_NEAR(gradient_of(report, "chosen")[1], -0.41392758, 1e-8);
  EXPECT_NEAR(gradient_of(report, "rejected")[4], 0.24835655, 1e-8);
  EXPECT_NEAR(f("simpo", {{"beta", 2.5}, {"gamma_beta_ratio", 0.55}}), 1.13121876, 1e-8);
  EXPECT_NEAR(f("simpo", {{"beta", 10}, {"gamma_beta_ratio", 0.3}}), 0.95345925, 1e-8);
  EXPECT_NEAR(with("label_smoothing", 0.1), 0.92059915, 1e-8);
  EXPECT_NEAR(with("variant", "hinge"), 1.49333333, 1e-8);
  EXPECT_NEAR(with("sft_weight", 0.1), 1.03659915, 1e-8);
  EXPECT_NEAR(f("simpo", {{"beta", 2}, {"gamma", 1}}), f("simpo", base), 1e-15)
      << "gamma is the ratio times beta";
}

TEST(Simpo, DoesNotSeeLengthButDpoDoes) {
  const auto doubled = [](std::vector<double> tokens) {
    const size_t length = tokens.size();
    for (size_t t = 0; t < length; ++t) {
      tokens.push_back(tokens[t]);
    }
    return tokens;
  };
  const Json once = pair_p();
  const Json twice = fixture({{"chosen", {doubled(kPolicyW)}, {doubled(kReferenceW)}},
                              {"rejected", {kPolicyL}, {kReferenceL}}});
  EXPECT_NEAR(value_of(evaluate("simpo", once)), value_of(evaluate("simpo", twice)), 1e-12);
  EXPECT_GT(std::abs(value_of(evaluate("dpo", once)) - value_of(evaluate("dpo", twice))), 1e-3);
}

TEST(FixtureF, OrpoWithAndWithoutThePrompt) {
  EXPECT_NEAR(f("orpo"), 0.71539781, 1e-8);
  EXPECT_NEAR(f("orpo", {{"lambda", 1}}), 1.15397810, 1e-8);
  const Json report = evaluate("orpo", pair_f());
  EXPECT_NEAR(metric_of(report, "log_odds_ratio"), 0.46532096, 1e-8);
  EXPECT_NEAR(metric_of(report, "odds_ratio_loss"), 0.48731144, 1e-8);
  EXPECT_NEAR(gradient_of(report, "chosen")[2], -0.35975736, 1e-8);
  EXPECT_NEAR(gradient_of(report, "rejected")[2], 0.01282582, 1e-8);
  Json prompted = pair_f();
  for (auto& [key, value] : prompted.as_object()) {
    if (key == "policy") {
      value.set("prompt", list({numbers({-2.0, -1.0})}));
    }
  }
  const Json sequence = evaluate("orpo", prompted, {{"sft_scope", "sequence"}});
  EXPECT_NEAR(value_of(sequence), 1.04873114, 1e-8);
  EXPECT_NEAR(gradient_of(sequence, "prompt")[0], -0.2, 1e-12) << "one of five tokens of the NLL";
  EXPECT_NEAR(value_of(evaluate("orpo", prompted)), 0.71539781, 1e-8)
      << "unasked, the prompt does not count";
}

TEST(Orpo, WithoutThePenaltyIsSft) {
  const Json orpo = evaluate("orpo", pair_f(), {{"lambda", 0}});
  const Json sft = evaluate("sft", pair_f());
  EXPECT_EQ(value_of(orpo), value_of(sft));
  EXPECT_EQ(gradient_of(orpo, "chosen"), gradient_of(sft, "chosen"));
}

TEST(Orpo, TakesACertainAnswerAsAlmostCertainAndSaysSo) {
  const Json certain = fixture({{"chosen", {{0.0, 0.0}}, {}}, {"rejected", {{-1.0}}, {}}});
  const Json report = evaluate("orpo", certain);
  EXPECT_EQ(metric_of(report, "clamped"), 1);
  // l̄ = −1e-7: o = −1e-7 − ln(1 − e^(−1e-7)) = 16.118, and that of −1 is −0.541.
  EXPECT_NEAR(metric_of(report, "log_odds_ratio"), 16.118 + 0.541, 1e-3);
}

TEST(FixtureF, LdDpoMatchesItsTailWeights) {
  EXPECT_NEAR(f("ld_dpo", {{"alpha", 1}}), 0.66845965, 1e-8);
  EXPECT_NEAR(f("ld_dpo", {{"alpha", 0.5}}), 0.66602526, 1e-8);
  EXPECT_NEAR(f("ld_dpo", {{"alpha", 0.3}}), 0.66505325, 1e-8);
  EXPECT_NEAR(f("ld_dpo", {{"alpha", 0}}), 0.66359711, 1e-8);
  const std::vector<double> gradient =
      gradient_of(evaluate("ld_dpo", pair_f(), {{"alpha", 0}}), "rejected");
  EXPECT_EQ(gradient[3], 0);
  EXPECT_EQ(gradient[4], 0);
  // The other branch: here chosen is the longer one.
  const std::vector<double> other =
      gradient_of(evaluate("ld_dpo", swapped_f(), {{"alpha", 0.25}}), "chosen");
  EXPECT_NEAR(other[3], 0.25 * other[2], 1e-15);
  EXPECT_EQ(value_of(evaluate("ld_dpo", pair_f(), {{"alpha", 1}})), f("dpo"));
}

TEST(FixtureF, TokenWeightsCarryGuidance) {
  // f = 1 ± α·r̂ with r̂ = β·log(guide/ref) of a guide [−0.4, −1.1, −0.5], [−1.0, −0.5, −1.6, −0.6,
  // −1.3], α = 0.5.
  Json guided = pair_f();
  guided.set("weights", Json::object()
                            .set("chosen", list({numbers({1.015, 0.995, 1.005})}))
                            .set("rejected", list({numbers({1.01, 0.995, 1.025, 0.985, 1.015})})));
  const Json report = evaluate("dpo", guided);
  EXPECT_NEAR(value_of(report), 0.66738775, 1e-8);
  const std::vector<double> chosen = gradient_of(report, "chosen");
  const std::vector<double> rejected = gradient_of(report, "rejected");
  EXPECT_NEAR(chosen[0], -0.04942573, 1e-8);
  EXPECT_NEAR(chosen[1], -0.04845182, 1e-8);
  EXPECT_NEAR(rejected[2], 0.04991268, 1e-8);
  EXPECT_NEAR(rejected[3], 0.04796487, 1e-8);
}

TEST(FixtureF, MarginsBecomeTargetProbabilities) {
  const auto mmpo = [](double gamma, double gap, double beta) {
    return value_of(evaluate("dpo", pair_f().set("margins", numbers({gap})),
                             {{"margin_gamma", gamma}, {"beta", beta}}));
  };
  EXPECT_NEAR(mmpo(2.2, 1, 0.1), 0.67344717, 1e-8);
  EXPECT_NEAR(mmpo(0.3, 1, 0.1), 0.68973752, 1e-8);
  EXPECT_NEAR(mmpo(1.1, 0.5, 0.1), 0.68675287, 1e-8);
  EXPECT_NEAR(mmpo(2.2, 0, 0.1), 0.69345965, 1e-8);
  EXPECT_NEAR(mmpo(2.2, 1, 0.01), 0.69114906, 1e-8);
  const Json scored = pair_f().set(
      "scores", Json::object().set("chosen", numbers({7})).set("rejected", numbers({6})));
  EXPECT_NEAR(value_of(evaluate("dpo", scored, {{"margin_gamma", 2.2}})), 0.67344717, 1e-8);
  EXPECT_NEAR(value_of(evaluate("dpo", scored)), 0.66845965, 1e-8) << "unasked, scores do nothing";
}

TEST(FixtureF, LengthShiftsTheLogit) {
  EXPECT_NEAR(f("dpo", {{"length_alpha", 0.02}}), 0.68815968, 1e-8);
  EXPECT_NEAR(value_of(evaluate("dpo", swapped_f(), {{"length_alpha", 0.02}})), 0.69815968, 1e-8);
  // The shorter chosen answer is pushed more, the longer one less.
  const auto push = [](const Json& input, double alpha) {
    return -gradient_of(evaluate("dpo", input, {{"length_alpha", alpha}}), "chosen")[0] / 0.1;
  };
  EXPECT_NEAR(push(pair_f(), 0.02), 0.49750002, 1e-8);
  EXPECT_NEAR(push(swapped_f(), 0.02), 0.50249998, 1e-8);
  EXPECT_NEAR(push(swapped_f(), 0), 0.51249740, 1e-8);
}

TEST(SoftLabels, AreLabelSmoothing) {
  const Json report = evaluate("dpo", pair_f().set("labels", numbers({0.9})));
  const Json cdpo = evaluate("cdpo", pair_f());
  EXPECT_NEAR(value_of(report), value_of(cdpo), 1e-15);
  expect_gradients(report, cdpo, 1e-15);
  // Swapped answers and the other probability are the same statement.
  EXPECT_NEAR(value_of(evaluate("dpo", swapped_f().set("labels", numbers({0.1})))), value_of(cdpo),
              1e-15);
}

TEST(SameLoss, UnderTwoNames) {
  const auto same = [](const Json& first, const Json& second) {
    EXPECT_EQ(value_of(first), value_of(second));
    expect_gradients(first, second, 0);
  };
  const Json dpo = evaluate("dpo", pair_p());
  const Json three = fixture({yw(), yl(), ys("explore"), ys("source_chosen"), ys("gold")});
  same(evaluate("dpo_shift", pair_p(), {{"f", 1}}), dpo);
  same(evaluate("mappo", pair_p().set("margins", numbers({1}))), dpo);
  same(evaluate("wrpo", three, {{"alpha", 0}}), dpo);
  same(evaluate("selm", three, {{"alpha", 0}}), dpo);
  same(evaluate("rpo", pair_p(), {{"alpha", 0}}), dpo);
  same(evaluate("todo", pair_p(), {{"alpha", 0}}), dpo);
  same(evaluate("tpo", pair_p(), {{"alpha", 0}}), evaluate("cpo", pair_p(), {{"lambda", 0}}));
  const Parameters length = {{"contrast", "length"}, {"alpha", 0}, {"beta", 2}, {"gamma", 1}};
  same(evaluate("tpo", pair_p(), length), evaluate("simpo", pair_p(), {{"beta", 2}, {"gamma", 1}}));
}

TEST(Mappo, IsDpoShiftWithAFactorForEachPair) {
  Rng rng(1);
  for (int i = 0; i < 200; ++i) {
    const double gap = 0.01 + 0.98 * rng.unit();
    const Json input =
        fixture({{"chosen", {{-3 * rng.unit(), -2 * rng.unit()}}, {{-3 * rng.unit(), -rng.unit()}}},
                 {"rejected", {{-4 * rng.unit()}}, {{-4 * rng.unit()}}}});
    Json scored = input;
    EXPECT_NEAR(value_of(evaluate("mappo", scored.set("margins", numbers({gap})))),
                value_of(evaluate("dpo_shift", input, {{"f", gap}})), 1e-15);
  }
}

TEST(Tpo, AveragesGoldByTokenOrByRow) {
  const Json input = fixture({{"chosen", {kPolicyW, kPolicyW}, {}},
                              {"rejected", {kPolicyL, kPolicyL}, {}},
                              {"gold", {{-0.58, -0.24, -0.91, -0.46}, {-2}}, {}}});
  const double contrast = value_of(evaluate("tpo", input, {{"alpha", 0}}));
  EXPECT_NEAR(value_of(evaluate("tpo", input)) - contrast, 0.838, 1e-12);
  EXPECT_NEAR(value_of(evaluate("tpo", input, {{"gold_reduction", "row"}})) - contrast, 1.27375,
              1e-12);
}

TEST(Todo, TiesHaveNoSide) {
  const Json ties = Json::array().push_back(true);
  const Json first = evaluate("todo", pair_f().set("ties", ties));
  const Json second = evaluate("todo", swapped_f().set("ties", ties));
  EXPECT_NEAR(value_of(first), value_of(second), 1e-15);
  EXPECT_NEAR(gradient_of(first, "chosen")[0], gradient_of(second, "rejected")[0], 1e-15);
  const Json level = fixture({{"chosen", {{-1}}, {{-1}}}, {"rejected", {{-1}}, {{-1}}}});
  const Json least = evaluate("todo", Json(level).set("ties", ties));
  EXPECT_NEAR(value_of(least), std::log((std::exp(0.5) + 1) / (std::exp(0.5) - 1)), 1e-12);
  EXPECT_NEAR(gradient_of(least, "chosen")[0], 0, 1e-15);
}

TEST(Todo, StaysFiniteForThinTiesFarAway) {
  for (const double policy : {-1e5, -1.0}) {
    const Json far =
        fixture({{"chosen", {{policy}}, {{-1e5 - 1 - policy}}}, {"rejected", {{-1}}, {{-1}}}});
    for (const double alpha : {1e-6, 0.5, 800.0}) {
      const Json report = evaluate("todo", Json(far).set("ties", Json::array().push_back(true)),
                                   {{"alpha", alpha}});
      EXPECT_TRUE(std::isfinite(value_of(report))) << policy << " " << alpha;
    }
  }
}

TEST(Asft, IsTheCrossEntropyOfItsAnswersAndAboveOrpo) {
  Rng rng(2);
  for (int i = 0; i < 1000; ++i) {
    const double w = -3 * rng.unit() - 1e-3;
    const double l = -3 * rng.unit() - 1e-3;
    const double lambda = rng.unit();
    const Json input = fixture({{"chosen", {{w, w}}, {}}, {"rejected", {{l, l, l}}, {}}});
    const double asft = value_of(evaluate("asft", input, {{"lambda", lambda}}));
    EXPECT_NEAR(asft, -(1 + lambda) * w - lambda * std::log1p(-std::exp(l)), 1e-10);
    EXPECT_LE(value_of(evaluate("orpo", input, {{"lambda", lambda}})), asft + 1e-12);
  }
}

TEST(Asft, LeavesAnUnlikelyAnswerAlone) {
  const Json input = fixture({{"chosen", {{-1}}, {}}, {"rejected", {{-50}}, {}}});
  EXPECT_LT(std::abs(gradient_of(evaluate("asft", input), "rejected")[0]), 1e-20);
}

TEST(Sft, WeighsThePromptAsInstructionModellingDoes) {
  const Json input = fixture({{"completion", {{-0.3, -0.1}}, {}}, {"prompt", {{-2.0, -1.0}}, {}}});
  EXPECT_NEAR(value_of(evaluate("sft", input)), 0.2, 1e-12);
  EXPECT_NEAR(value_of(evaluate("sft", input, {{"prompt_loss_weight", 1}})), 0.85, 1e-12);
  const Json tenth = evaluate("sft", input, {{"prompt_loss_weight", 0.1}});
  EXPECT_NEAR(value_of(tenth), 0.31818182, 1e-8);
  EXPECT_NEAR(gradient_of(tenth, "prompt")[0], -0.1 / 2.2, 1e-12);
  EXPECT_NEAR(metric_of(tenth, "nll/prompt"), 1.5, 1e-12);
  EXPECT_NEAR(metric_of(tenth, "nll/completion"), 0.2, 1e-12);
}

TEST(Sft, AveragesOverAllTokensOfTheBatch) {
  const Json input = fixture({{"completion", {std::vector<double>(10, -1.0), {-2.0}}, {}}});
  EXPECT_NEAR(value_of(evaluate("sft", input)), 12.0 / 11, 1e-12);
  EXPECT_NEAR(value_of(evaluate("sft", input, {{"reduction", "row"}})), 1.5, 1e-12);
}

TEST(Kto, TakesItsReferencePointFromMismatchedAnswers) {
  // Of the mismatched ones log(π/ref) is 0.3 and −0.1: z0 = 0.1.
  const Json input = fixture({yw(), yl(), {"mismatched", {{-0.7}, {-1.1}}, {{-1.0}, {-1.0}}}});
  const Json report = evaluate("kto", input);
  EXPECT_NEAR(metric_of(report, "kl"), 0.1, 1e-12);
  EXPECT_NEAR(value_of(report), value_of(evaluate("kto", pair_p(), {{"z0", 0.1}})), 1e-12);
  EXPECT_EQ(gradient_of(report, "mismatched", 1)[0], 0);
}

TEST(Kto, ReadsLabelledCompletionsInAnyOrder) {
  const Json labelled = fixture({{"completion", {kPolicyL, kPolicyW}, {kReferenceL, kReferenceW}}})
                            .set("labels", Json::array().push_back(false).push_back(true));
  const Json report = evaluate("kto", labelled, {{"z0", 0.02}});
  EXPECT_NEAR(value_of(report), 0.49012628, 1e-8);
  EXPECT_NEAR(gradient_of(report, "completion", 0)[0], 0.02499050 / 2, 1e-8);
  EXPECT_NEAR(gradient_of(report, "completion", 1)[0], -0.02499000 / 2, 1e-8);
}

TEST(Aot, ComparesTheSortedAnswersOfABatch) {
  const Json input = fixture({{"chosen", {kPolicyW, kPolicyS}, {kReferenceW, kReferenceS}},
                              {"rejected", {kPolicyL, kPolicyL}, {kReferenceL, kReferenceL}}});
  // Gaps of the policy 2.25 and 2.06, of the reference 1.46 and 1.50: sorted differences 0.60 and
  // 0.75.
  const auto nll = [](double z) { return std::log1p(std::exp(-z)); };
  EXPECT_NEAR(value_of(evaluate("aot", input)), (nll(0.060) + nll(0.075)) / 2, 1e-12);
  // Unpaired: log-ratios 0.42, 0.19 and −0.37 twice.
  EXPECT_NEAR(value_of(evaluate("aot", input, {{"variant", "unpaired"}})),
              (nll(0.056) + nll(0.079)) / 2, 1e-12);
}

Json rewards(double chosen, double rejected) {
  return Json::object().set(
      "policy",
      Json::object().set("chosen", numbers({chosen})).set("rejected", numbers({rejected})));
}

TEST(BradleyTerry, HoldsItsWorkedValues) {
  const Json input = rewards(1.7, 0.9);
  EXPECT_NEAR(value_of(evaluate("bradley_terry", input)), 0.37110067, 1e-8);
  EXPECT_NEAR(value_of(evaluate("bradley_terry", Json(input).set("margins", numbers({0.5})))),
              0.55435524, 1e-8);
  EXPECT_NEAR(value_of(evaluate("bradley_terry", input, {{"center_coefficient", 0.01}})),
              0.43870067, 1e-8);
  EXPECT_NEAR(value_of(evaluate("bradley_terry", Json(input).set("labels", numbers({0.5})))),
              0.77110067, 1e-8);
  EXPECT_NEAR(
      value_of(evaluate("bradley_terry", Json(rewards(2, 2)).set("labels", numbers({0.5})))),
      std::log(2), 1e-12);
  const Json rated = Json(input).set(
      "scores", Json::object().set("chosen", numbers({5})).set("rejected", numbers({4})));
  EXPECT_NEAR(value_of(evaluate("bradley_terry", rated, {{"margin_gamma", 2.2}})), 0.45090106,
              1e-8);
  // Where no ratings are meant, rewards may be called scores.
  const Json scored = Json::object().set("scores", *input.find("policy"));
  EXPECT_NEAR(value_of(evaluate("bradley_terry", scored)), 0.37110067, 1e-8);
  const Json report = evaluate("bradley_terry", input);
  EXPECT_NEAR(gradient_of(report, "chosen")[0], -1 / (1 + std::exp(0.8)), 1e-12);
  EXPECT_NEAR(metric_of(report, "rewards/margins"), 0.8, 1e-12);
}

Json ranked() {
  return Json::object().set("policy", Json::object().set("response", numbers({1.2, 0.5, -0.1})));
}

TEST(RankedRewards, HoldTheirWorkedValues) {
  EXPECT_NEAR(value_of(evaluate("kwise_bradley_terry", ranked())), 0.36056082, 1e-8);
  EXPECT_NEAR(value_of(evaluate("plackett_luce", ranked())), 1.00796856, 1e-8);
  const Json two = Json::object().set(
      "policy",
      Json::object().set("response", list({numbers({1.2, 0.5, -0.1}), numbers({1.7, 0.9})})));
  EXPECT_NEAR(value_of(evaluate("kwise_bradley_terry", two)), (0.36056082 + 0.37110067) / 2, 1e-8);
  EXPECT_NEAR(value_of(evaluate("plackett_luce", two)), (1.00796856 + 0.37110067) / 2, 1e-8)
      << "of two answers it is Bradley-Terry";
  const Json report = evaluate("kwise_bradley_terry", two);
  EXPECT_EQ(gradient_of(report, "response", 0).size(), 3U);
  EXPECT_NEAR(gradient_of(report, "response", 1)[0], -0.5 / (1 + std::exp(0.8)), 1e-12);
}

TEST(RankedRewards, ATieIsHalfAWinForEachSide) {
  const Json input = ranked().set("scores", numbers({2, 1, 1}));
  const auto nll = [](double z) { return std::log1p(std::exp(-z)); };
  const double tie = (nll(0.6) + nll(-0.6)) / 2;
  const Json report = evaluate("kwise_bradley_terry", input);
  EXPECT_NEAR(value_of(report), (nll(0.7) + nll(1.3) + tie) / 3, 1e-12);
  const auto sigmoid = [](double z) { return 1 / (1 + std::exp(-z)); };
  EXPECT_NEAR(gradient_of(report, "response")[2], (sigmoid(-1.3) + 0.5 - sigmoid(0.6)) / 3, 1e-12);
  const Json other = Json::object()
                         .set("policy", Json::object().set("response", numbers({1.2, -0.1, 0.5})))
                         .set("scores", numbers({2, 1, 1}));
  EXPECT_NEAR(value_of(evaluate("kwise_bradley_terry", other)), value_of(report), 1e-12)
      << "which of them stands first says nothing";
  EXPECT_EQ(value_of(evaluate("plackett_luce", ranked().set("scores", numbers({3, 2, 1})))),
            value_of(evaluate("plackett_luce", ranked())));
}

TEST(ProcessReward, AveragesOverLabelledSteps) {
  const auto logit = [](double p) { return std::log(p / (1 - p)); };
  Json input = Json::object().set(
      "policy",
      Json::object().set("completion", list({numbers({logit(0.9), 7, logit(0.8), logit(0.6)})})));
  input.set("scores", Json::object().set("completion", list({list({1, Json(), 1, 0})})));
  const Json report = evaluate("process_reward", input);
  EXPECT_NEAR(value_of(report), 0.41493160, 1e-8);
  EXPECT_EQ(gradient_of(report, "completion")[1], 0);
  Json far =
      Json::object().set("policy", Json::object().set("completion", list({numbers({1e4, -1e4})})));
  far.set("scores", Json::object().set("completion", list({list({0, 1})})));
  EXPECT_NEAR(value_of(evaluate("process_reward", far)), 1e4, 1e-8);
}

TEST(RewardRegression, LeavesMissingRatingsOut) {
  Json input = Json::object().set(
      "policy", Json::object().set("completion", list({numbers({1, 2, 3}), numbers({0, 0, 1})})));
  input.set("scores", Json::object().set("completion",
                                         list({list({2, Json(), 3}), list({Json(), Json(), 3})})));
  const Json report = evaluate("reward_regression", input);
  EXPECT_NEAR(value_of(report), (1.0 + 0 + 4) / 3, 1e-12);
  EXPECT_NEAR(gradient_of(report, "completion", 1)[2], 2 * (1 - 3) / 3.0, 1e-12);
  EXPECT_EQ(gradient_of(report, "completion", 0)[1], 0);
}

}  // namespace
}  // namespace cupel::align
