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
              {"wrpo needs the log-probs of a reference", "chosen"});
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

TEST(Refusals, RankedScoresThatAreNoOrder) {
  const auto scored = [](const std::vector<double>& scores) {
    return Json::object()
        .set("policy", Json::object().set("response", list({numbers({2, 1}), numbers({1, 2, 3})})))
        .set("scores", Json::object().set("response", list({numbers({5, 4}), numbers(scores)})));
  };
  expect_said(refusal("plackett_luce", scored({3, 2, 2})),
              {"plackett_luce: group 1: two answers have the score 2", "kwise_bradley_terry"});
  for (const char* const loss : {"plackett_luce", "kwise_bradley_terry"}) {
    expect_said(
        refusal(loss, scored({3, 1, 2})),
        {std::string(loss) + ": group 1: an answer has a higher score than the one before it (2)"});
    expect_said(refusal(loss, scored({3, 2})), {"scores.response", "a score of each output"});
  }
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
  expect_said(refusal("dpo", pair_p().set("margins", numbers({-0.5})), {{"margin_gamma", 1}}),
              {"group 0: chosen is rated below rejected (by 0.5)", "swap the two answers"});
  expect_said(
      refusal("simpo", pair_p().set("scores", list({numbers({0.2, 0.7})})), {{"margin_gamma", 1}}),
      {"group 0: chosen is rated below rejected (by 0.5)"});
}

TEST(Refusals, SeveralScoresWhereOneIsRead) {
  const Json answers = fixture(
      {{"chosen", {{-1}, {-2}}, {{-1.5}, {-1}}}, {"rejected", {{-1.2}, {-0.5}}, {{-1}, {-1}}}});
  const auto scored = [&](const Json& chosen) {
    return Json(answers).set(
        "scores", Json::object().set("chosen", chosen).set("rejected", numbers({0.3, 0.4})));
  };
  const double flat = value_of(evaluate("sppo", scored(numbers({0.7, 0.6}))));
  const Json lists = list({numbers({0.7}), numbers({0.6})});
  EXPECT_EQ(value_of(evaluate("sppo", scored(lists))), flat) << "lists of one are that one";
  expect_said(refusal("sppo", scored(list({numbers({0.7}), numbers({0.6, 0.1})}))),
              {"scores.chosen[1] has 2 numbers; sppo reads one score for each sequence"});
  expect_said(refusal("sppo", scored(list({list({Json()}), numbers({0.6})}))),
              {"chosen[0] has no score"});
  EXPECT_EQ(
      dump_json(*evaluate("ipo", scored(list({numbers({1, 2}), numbers({3})}))).find("ignored")),
      R"(["scores"])");
  const Json two = Json::object().set("response", list({numbers({-1, -1.5}), numbers({-2})}));
  const Json sampled = Json::object().set("policy", two).set("old", two).set("scores", two);
  for (const char* const loss : {"grpo", "rloo", "reinforce_pp"}) {
    expect_said(refusal(loss, sampled, {}), {"scores.response[0] has 2 numbers"});
  }
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

TEST(Refusals, ParametersThatAreNotReadBesideOthers) {
  const Json hinge = Json("hinge");
  for (const char* const name : {"label_smoothing", "length_alpha", "margin_gamma"}) {
    expect_said(refusal("simpo", pair_p(), {{"variant", hinge}, {name, 0.1}}),
                {std::string("simpo: ") + name + " is read only with variant sigmoid",
                 "variant is hinge", "leave one of the two out"});
  }
  expect_said(refusal("simpo", pair_p().set("margins", numbers({0.5})),
                      {{"label_smoothing", 0.1}, {"margin_gamma", 1}}),
              {"label_smoothing and margin_gamma both set the target probability"});
  const Json gold = fixture({yw(), yl(), ys("gold")});
  expect_said(refusal("tpo", gold, {{"gamma", 0.5}}),
              {"tpo: gamma is read only with contrast length, and contrast is sigmoid"});
  for (const char* const contrast : {"hinge", "ipo"}) {
    expect_said(refusal("tpo", gold, {{"contrast", contrast}, {"label_smoothing", 0.1}}),
                {"tpo: label_smoothing is read only with contrast sigmoid|length"});
  }
  const Json source = fixture({yw(), yl(), ys("source_chosen")});
  expect_said(refusal("wrpo", source, {{"gamma", 1}}),
              {"wrpo: gamma is read only with base simpo"});
  expect_said(refusal("wrpo", source, {{"base", "ipo"}, {"label_smoothing", 0.1}}),
              {"wrpo: label_smoothing is read only with base dpo|simpo, and base is ipo"});
  const Json rated = pair_p().set("margins", numbers({0.5}));
  expect_said(refusal("mappo", rated, {{"lambda", 0.1}}),
              {"mappo: lambda is read only with base cpo"});
  expect_said(refusal("mappo", rated, {{"gamma", 1}}),
              {"mappo: gamma is read only with base simpo"});
}

TEST(Refusals, LabelsWhereParametersSetTheTargetProbability) {
  const Json labelled = pair_p().set("labels", numbers({0.8}));
  const Json rated = Json(labelled).set("margins", numbers({0.5}));
  expect_said(refusal("dpo", rated, {{"margin_gamma", 2}}),
              {"dpo with margin_gamma = 2 reads no labels; leave them out"});
  expect_said(refusal("simpo", labelled, {{"variant", "hinge"}}),
              {"simpo with variant = hinge reads no labels"});
  expect_said(refusal("simpo", labelled, {{"label_smoothing", 0.1}}),
              {"simpo with label_smoothing = 0.1 reads no labels"});
  expect_said(refusal("mappo", rated, {{"base", "ipo"}}),
              {"mappo with base = ipo reads no labels"});
}

TEST(Refusals, AReferenceOfOneSideAlone) {
  Json half = fixture({{"chosen", {kPolicyW}, {kReferenceW}}, {"rejected", {kPolicyL}, {}}});
  expect_said(refusal("mappo", Json(half).set("margins", numbers({0.5}))),
              {"mappo needs the log-probs of a reference, and rejected has none"});
  half = fixture({{"chosen", {kPolicyW}, {kReferenceW}},
                  {"rejected", {kPolicyL}, {}},
                  {"source_chosen", {kPolicyS}, {}}});
  expect_said(refusal("wrpo", half), {"wrpo needs the log-probs of a reference, and rejected"});
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
              {"2 labels for 1 groups"});
  expect_said(refusal("dpo", pair_p().set("labels", numbers({1.5}))),
              {"labels[0] is 1.5", "[0, 1]"});
  expect_said(refusal("dpo", pair_p().set("ties", Json::array().push_back(true))),
              {"dpo knows no ties"});
  expect_said(refusal("ipo", pair_p().set("labels", numbers({0.5}))), {"ipo reads no labels"});
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
  const auto ignored = [](std::string_view loss, const Json& input, const Parameters& parameters) {
    return dump_json(*evaluate(loss, input, parameters).find("ignored"));
  };
  const Json scores = Json::object().set("chosen", numbers({0.9})).set("rejected", numbers({0.4}));
  const Json rated = pair_p().set("margins", numbers({0.5})).set("scores", scores);
  EXPECT_EQ(ignored("dpo", rated, {}), R"(["scores","margins"])");
  EXPECT_EQ(ignored("dpo", rated, {{"margin_gamma", 1}}), R"(["scores"])") << "margins come first";
  EXPECT_EQ(ignored("mappo", rated, {}), R"(["scores"])");
  EXPECT_EQ(ignored("mappo", rated, {{"score_transform", "sigmoid"}}), R"(["margins"])");
  EXPECT_EQ(ignored("mappo", rated, {{"base", "cpo"}}), R"(["scores","reference"])");
  const Json rewards =
      Json::object().set("policy", Json(scores)).set("scores", scores).set("margins", numbers({1}));
  EXPECT_EQ(ignored("bradley_terry", rewards, {}), R"(["scores"])");
  const Json more = evaluate("dpo", fixture({yw(), yl(), ys("gold")}));
  EXPECT_EQ(gradient_of(more, "gold"), std::vector<double>(4, 0.0))
      << "a role that a loss does not read";
}

TEST(Fixtures, NeedNoReferenceWhereNoneIsRead) {
  const Json three = fixture({yw(), yl(), {"explore", {kPolicyS}, {}}});
  EXPECT_NEAR(value_of(evaluate("xpo", three)), 0.65442710 + 0.01 * -2.19, 1e-8);
}

TEST(Fixtures, SmoothingAndLengthGoTogether) {
  // β(l̄w − l̄l) − γ = 2(−2/3 + 0.85) − 1 = −0.63333333; two tokens fewer: −0.2 more.
  const double z = 2 * (-2.0 / 3 + 0.85) - 1 - 0.2;
  const double expected = 0.9 * std::log1p(std::exp(-z)) + 0.1 * std::log1p(std::exp(z));
  EXPECT_NEAR(
      value_of(evaluate("simpo", pair_p(), {{"label_smoothing", 0.1}, {"length_alpha", 0.1}})),
      expected, 1e-12);
}

TEST(Fixtures, ParametersOfTheReportAreThoseThatAreRead) {
  const Json report = evaluate("simpo", pair_p(), {{"variant", "hinge"}, {"gamma", 1}});
  const Json again = pair_p().set("params", *report.find("params"));
  EXPECT_FALSE(report.find("params")->contains("label_smoothing"));
  EXPECT_EQ(value_of(evaluate("simpo", again)), value_of(report));
}

TEST(Fixtures, ParametersOfTheCommandComeAfterThoseOfTheFile) {
  const Json input = pair_p().set("params", Json::object().set("beta", 0.5));
  EXPECT_EQ(evaluate("dpo", input).find("params")->find("beta")->as_double(), 0.5);
  EXPECT_EQ(evaluate("dpo", input, {{"beta", 0.1}}).find("params")->find("beta")->as_double(), 0.1);
}

}  // namespace
}  // namespace cupel::align
