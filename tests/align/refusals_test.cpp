// What a user gets wrong, and the line that says how to mend it.
#include <gtest/gtest.h>

#include "align/fixtures.h"

namespace cupel::align {
namespace {

void expect_said(const std::string& said, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) {
    EXPECT_NE(said.find(part), std::string::npos) << part << " in: " << said;
  }
}

Json with_policy(std::string_view role, Json rows) {
  Json input = pair_p();
  for (auto& [key, value] : input.as_object()) {
    if (key == "policy") {
      value.set(role, rows);
    }
  }
  return input;
}

Json list(std::initializer_list<Json> items) {
  return Json(Json::Array(items));
}

TEST(Refusals, ReferenceThatIsNeededAndAbsent) {
  Json input = pair_p();
  input.erase("reference");
  expect_said(refusal("dpo", input), {"dpo needs the log-probs of a reference", "chosen"});
  expect_said(refusal("wrpo", fixture({{"chosen", {{-1}}, {}},
                                       {"rejected", {{-1}}, {}},
                                       {"source_chosen", {{-1}}, {}}})),
              {"wrpo with base dpo needs the log-probs of a reference"});
  EXPECT_TRUE(std::isfinite(value_of(evaluate("simpo", input))));
}

TEST(Refusals, RolesThatAreMissing) {
  expect_said(refusal("dpo", fixture({yw()})), {"dpo needs the role rejected"});
  expect_said(refusal("selm", pair_p()), {"selm needs the role explore"});
  expect_said(refusal("wrpo", pair_p()), {"wrpo needs the role source_chosen"});
  expect_said(refusal("tpo", pair_p()), {"alpha is 1", "gold is missing"});
  expect_said(refusal("orpo", pair_p(), {{"sft_scope", "sequence"}}), {"prompt is missing"});
  expect_said(refusal("sft", pair_p(), {{"prompt_loss_weight", 0.5}}), {"prompt is missing"});
  expect_said(refusal("kwise_bradley_terry",
                      Json::object().set("policy", Json::object().set("chosen", numbers({1})))),
              {"needs the role response"});
  expect_said(refusal("kto", fixture({ys("gold")})),
              {"kto needs chosen (desirable) or rejected (undesirable)"});
}

TEST(Refusals, KtoWithoutAReferencePoint) {
  expect_said(refusal("kto", pair_p()), {"z0", "mismatched"});
  expect_said(refusal("kto", fixture({yw(), yl(), ys("mismatched")})),
              {"mismatched has one sequence"});
  expect_said(refusal("kto", fixture({yw("completion")}), {{"z0", 0}}), {"kto needs \"labels\""});
  expect_said(
      refusal("kto", fixture({yw("completion")}).set("labels", numbers({0.5})), {{"z0", 0}}),
      {"labels[0] is 0.5", "true (desirable) or false"});
  expect_said(
      refusal("kto", pair_p().set("labels", Json::array().push_back(false).push_back(false)),
              {{"z0", 0}}),
      {"labels[0] contradicts its role"});
}

TEST(Refusals, FewerThanTwoRankedResponses) {
  const Json lists = list({numbers({1, 2, 3}), numbers({1})});
  expect_said(
      refusal("plackett_luce", Json::object().set("policy", Json::object().set("response", lists))),
      {"group 1 has 1 responses", "needs two"});
}

TEST(Refusals, EmptySequences) {
  expect_said(refusal("dpo", fixture({{"chosen", {{-1}, {}}, {{-1}, {}}},
                                      {"rejected", {{-1}, {-1}}, {{-1}, {-1}}}})),
              {"policy.chosen[1] is empty", "at least one token"});
  expect_said(refusal("dpo", fixture({{"chosen", {}, {}}, {"rejected", {{-1}}, {{-1}}}})),
              {"needs the role chosen"});
}

TEST(Refusals, ScoresThatAreMissingOrNoNumbers) {
  expect_said(refusal("sppo", pair_p()), {"sppo needs scores", "chosen"});
  const Json null_score = pair_p().set(
      "scores", Json::object().set("chosen", list({Json()})).set("rejected", numbers({0.3})));
  expect_said(refusal("sppo", null_score), {"chosen[0] has no score"});
  expect_said(refusal("sppo", pair_p().set("scores", list({numbers({0.7, 1.3})}))),
              {"rejected", "[0, 1]"});
  expect_said(refusal("mappo", pair_p()),
              {"mappo needs scores of chosen and rejected, or margins"});
  expect_said(refusal("mappo", pair_p().set("margins", numbers({-0.1}))),
              {"[0, 1]", "order the pair by its scores"});
  expect_said(refusal("dpo", pair_p(), {{"margin_gamma", 1}}),
              {"margin_gamma needs margins, or scores"});
}

TEST(Refusals, ParametersOutOfRange) {
  expect_said(refusal("robust", pair_p(), {{"label_smoothing", 0.5}}),
              {"robust: label_smoothing is 0.5", "[0, 0.5)"});
  expect_said(refusal("exo_pair", pair_p(), {{"label_smoothing", 0}}),
              {"exo_pair: label_smoothing is 0", "(0, 0.5)"});
  expect_said(refusal("dpo", pair_p(), {{"beta", 0}}), {"dpo: beta is 0", "(0, ∞)"});
  expect_said(refusal("dpo", pair_p(), {{"beta", -1}}), {"dpo: beta is -1"});
  expect_said(refusal("dpo", pair_p(), {{"beta", "high"}}),
              {"dpo: beta is \"high\"", "a number in (0, ∞)"});
  expect_said(refusal("ld_dpo", pair_p(), {{"alpha", 1.1}}), {"[0, 1]"});
  expect_said(refusal("dpo_shift", pair_p(), {{"f", 1.05}}), {"(0, 1]"});
  expect_said(refusal("dpo_shift", pair_p(), {{"f", 0}}), {"(0, 1]"});
  expect_said(refusal("simpo", pair_p(), {{"gamma_beta_ratio", -0.1}}), {"[0, ∞)"});
  expect_said(refusal("orpo", pair_p(), {{"lambda", -0.1}}), {"[0, ∞)"});
  expect_said(refusal("ipo", pair_p(), {{"log_ratio", "median"}}),
              {"ipo: log_ratio is \"median\"", "sum|mean"});
  expect_said(refusal("todo", pair_p().set("ties", Json::array().push_back(true)), {{"alpha", 0}}),
              {"alpha is 0", "ties[0] is true"});
}

TEST(Refusals, ParametersThatDoNotExist) {
  expect_said(refusal("dpo", pair_p(), {{"betta", 1}}),
              {"dpo has no parameter \"betta\"", "did you mean \"beta\"?"});
  expect_said(refusal("dpo", pair_p().set("params", Json::object().set("label_smoothing", 0.1))),
              {"dpo has no parameter \"label_smoothing\"", "it has: beta"});
  expect_said(refusal("dpo", pair_p().set("params", numbers({0.1}))), {"\"params\" is array"});
  expect_said(refusal("dppo", pair_p()), {"no loss \"dppo\"", "did you mean \"dpo\"?"});
}

TEST(Refusals, FilesOfAnotherForm) {
  expect_said(refusal("dpo", numbers({1})), {"one JSON object"});
  expect_said(refusal("dpo", Json::object()), {"\"policy\" is missing"});
  expect_said(refusal("dpo", pair_p().set("polcy", 1)),
              {"unknown key \"polcy\"", "did you mean \"policy\"?"});
  expect_said(refusal("dpo", with_policy("chosn", numbers({}))),
              {"unknown role \"chosn\"", "did you mean \"chosen\"?"});
  expect_said(refusal("dpo", with_policy("chosen", numbers({-1, -2}))),
              {"policy.chosen[0] is number", "one inner list of numbers per sequence"});
  expect_said(refusal("dpo", with_policy("chosen", list({list({"a"})}))),
              {"policy.chosen[0][0] is string"});
  expect_said(refusal("dpo", with_policy("chosen", list({list({Json(true)})}))),
              {"policy.chosen[0][0] is boolean"});
  expect_said(refusal("dpo", with_policy("chosen", list({list({Json()})}))),
              {"policy.chosen[0][0] is null"});
  Json extra = pair_p();
  for (auto& [key, value] : extra.as_object()) {
    if (key == "reference") {
      value.set("gold", list({numbers({-1})}));
    }
  }
  expect_said(refusal("dpo", extra), {"\"reference\" has a role \"gold\" that \"policy\" has not"});
}

TEST(Refusals, SequencesThatDoNotFit) {
  expect_said(refusal("dpo", with_policy("chosen", list({numbers({-1})}))),
              {"reference.chosen[0] has 3 numbers for 1 tokens"});
  expect_said(refusal("dpo", with_policy("chosen", list({numbers(kPolicyW), numbers(kPolicyW)}))),
              {"reference.chosen has 1 sequences, and policy has 2"});
  const Json uneven = fixture({{"chosen", {kPolicyW, kPolicyW}, {}}, {"rejected", {kPolicyL}, {}}});
  expect_said(refusal("simpo", uneven), {"1 sequences of rejected beside 2 of chosen"});
  expect_said(refusal("dpo", pair_p().set("labels", numbers({0.5, 0.5}))),
              {"2 target probabilities for 1 groups"});
  expect_said(refusal("dpo", pair_p().set("labels", numbers({1.5}))),
              {"target probabilities[0] is 1.5", "[0, 1]"});
  expect_said(refusal("dpo", pair_p().set("ties", Json::array().push_back(true))),
              {"dpo knows no ties"});
  expect_said(refusal("ipo", pair_p().set("labels", numbers({0.5}))),
              {"ipo reads no target probabilities"});
  expect_said(refusal("ipo", pair_p().set("margins", numbers({0.5}))), {"ipo reads no margins"});
  expect_said(refusal("bradley_terry", pair_p()), {"3 outputs a sequence; a reward is one"});
}

TEST(Refusals, WeightsThatLeaveNothing) {
  const auto weighted = [](std::vector<double> weights) {
    return pair_p().set("weights", Json::object().set("chosen", list({numbers(weights)})));
  };
  expect_said(refusal("dpo", weighted({0, 0, 0})),
              {"chosen[0]: weights must be >= 0, and not all of them 0"});
  expect_said(refusal("dpo", weighted({1, -1, 2})), {"chosen[0]: weights must be >= 0"});
  EXPECT_TRUE(std::isfinite(value_of(evaluate("dpo", weighted({0, 1, 0})))));
}

TEST(Refusals, LabelsOfSteps) {
  Json input =
      Json::object().set("policy", Json::object().set("completion", list({numbers({1, 2})})));
  expect_said(refusal("process_reward", input), {"process_reward needs scores"});
  expect_said(
      refusal("process_reward",
              Json(input).set("scores", Json::object().set("completion", list({list({1, 2})})))),
      {"neither 0 nor 1"});
  expect_said(refusal("reward_regression",
                      Json(input).set("scores", Json::object().set("completion", numbers({1})))),
              {"a score for each output"});
}

TEST(Fixtures, NameWhatTheyHoldInVain) {
  const Json report = evaluate("simpo", pair_p());
  ASSERT_EQ(report.find("ignored")->size(), 1U);
  EXPECT_EQ(report.find("ignored")->as_array()[0].as_string(), "reference");
  const Json more = evaluate("dpo", fixture({yw(), yl(), ys("gold")}));
  EXPECT_EQ(gradient_of(more, "gold"), std::vector<double>(4, 0.0))
      << "a role that a loss does not read";
}

TEST(Fixtures, ParametersOfTheCommandComeAfterThoseOfTheFile) {
  const Json input = pair_p().set("params", Json::object().set("beta", 0.5));
  EXPECT_EQ(evaluate("dpo", input).find("params")->find("beta")->as_double(), 0.5);
  EXPECT_EQ(evaluate("dpo", input, {{"beta", 0.1}}).find("params")->find("beta")->as_double(), 0.1);
}

}  // namespace
}  // namespace cupel::align
