// The formula of every loss worked on fixture P (fixtures.h), natural logs: values and the
// derivative by one token.
#include <gtest/gtest.h>

#include "align/fixtures.h"

namespace cupel::align {
namespace {

/// What a row of the sheet says: the value, and the derivative by one token of a role (the same for
/// all its tokens).
struct Row {
  std::string name;
  std::string loss;
  Json input;
  Parameters parameters;
  double value = 0;
  std::vector<std::pair<std::string, double>> gradient;
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

class FormulaSheet : public testing::TestWithParam<Row> {};

void check_row(const Row& row, bool single_precision, double tolerance) {
  const Json report = evaluate(row.loss, row.input, row.parameters, single_precision);
  EXPECT_NEAR(value_of(report), row.value, tolerance * std::max(1.0, std::abs(row.value)));
  for (const auto& [role, expected] : row.gradient) {
    const std::vector<double> gradient = gradient_of(report, role);
    ASSERT_FALSE(gradient.empty()) << role;
    for (const double token : gradient) {
      EXPECT_NEAR(token, expected, tolerance * std::max(1.0, std::abs(expected))) << role;
    }
  }
}

TEST_P(FormulaSheet, HoldsInF64) {
  check_row(GetParam(), false, 1e-8);
}

TEST_P(FormulaSheet, HoldsInF32) {
  check_row(GetParam(), true, 1e-5);
}

Json with_scores(double chosen, double rejected) {
  return pair_p().set(
      "scores",
      Json::object().set("chosen", numbers({chosen})).set("rejected", numbers({rejected})));
}

Json single_p(double score) {
  return fixture({yw()}).set("scores", Json::object().set("chosen", numbers({score})));
}

Json triple(std::string_view role) {
  return fixture({yw(), yl(), ys(role)});
}

/// Both sides of a pair: chosen, rejected.
std::vector<std::pair<std::string, double>> wl(double chosen, double rejected) {
  return {{"chosen", chosen}, {"rejected", rejected}};
}

std::vector<std::pair<std::string, double>> wls(double chosen,
                                                double rejected,
                                                std::string third,
                                                double by) {
  return {{"chosen", chosen}, {"rejected", rejected}, {std::move(third), by}};
}

std::vector<Row> rows() {
  const Json p = pair_p();
  return {
      {"dpo", "dpo", p, {}, 0.65442710, wl(-0.04802603, 0.04802603)},
      {"cdpo", "cdpo", p, {{"label_smoothing", 0.1}}, 0.66232710, wl(-0.03802603, 0.03802603)},
      {"robust", "robust", p, {{"label_smoothing", 0.1}}, 0.64455210, wl(-0.06052603, 0.06052603)},
      {"ipo_sum", "ipo", p, {}, 17.72410000, wl(-8.42, 8.42)},
      {"ipo_mean", "ipo", p, {{"log_ratio", "mean"}}, 22.90579600, wl(-3.19066667, 1.91440000)},
      {"hinge", "hinge", p, {}, 0.92100000, wl(-0.1, 0.1)},
      {"slic", "slic", p, {{"delta", 3}, {"lambda", 0.1}}, 0.95, wl(-1.1, 1.0)},
      {"kto_desirable",
       "kto",
       fixture({yw()}),
       {{"z0", 0.02}},
       0.49000133,
       {{"chosen", -0.02499000}}},
      {"kto_undesirable",
       "kto",
       fixture({yl()}),
       {{"z0", 0.02}},
       0.49025124,
       {{"rejected", 0.02499050}}},
      {"kto_batch", "kto", p, {{"z0", 0.02}}, 0.49012628, wl(-0.02499000 / 2, 0.02499050 / 2)},
      {"kto_z0_below_0", "kto", p, {{"z0", -0.26}, {"lambda_u", 1.33}}, 0.57110022, {}},
      {"exo_pair",
       "exo_pair",
       p,
       {{"label_smoothing", 1e-3}},
       2.62567272,
       wl(-0.17042782, 0.17042782)},
      {"nca_pair", "nca_pair", p, {}, 1.36696064, wl(-0.02342523, 0.02453755)},
      {"bco_pair", "bco_pair", p, {}, 1.34718596, wl(-0.04895015, 0.04907511)},
      {"apo_zero", "apo_zero", p, {}, 0.98025260, wl(-0.02498898, 0.02499145)},
      {"apo_down", "apo_down", p, {}, 0.99075872, wl(0.00002794, 0.02496103)},
      {"discopop", "discopop", p, {{"tau", 0.05}}, 0.87799127, wl(-0.00845694, 0.00845694)},
      {"sigmoid_norm", "sigmoid_norm", p, {}, 0.68250442, wl(-0.01648834, 0.00989300)},
      {"aot_of_one_pair", "aot", p, {}, 0.65442710, wl(-0.04802603, 0.04802603)},
      {"f_dpo_forward_kl", "f_dpo_forward_kl", p, {}, 0.65439407, wl(-0.03155422, 0.06952646)},
      {"f_dpo_js", "f_dpo_js", p, {}, 0.67383112, wl(-0.01943916, 0.02899616)},
      {"f_dpo_alpha", "f_dpo_alpha", p, {{"alpha", 0.5}}, 0.65465437, wl(-0.03893871, 0.05780001)},
      {"ld_dpo", "ld_dpo", p, {{"alpha", 0.5}}, 0.65683152, {{"chosen", -0.04815084}}},
      {"rpo", "rpo", p, {{"alpha", 1}}, 1.32109377, wl(-0.38135936, 0.04802603)},
      {"sft", "sft", p, {}, 0.66666667, wl(-0.33333333, 0)},
      {"cpo", "cpo", p, {{"lambda", 0}}, 0.58696200, wl(-0.04439861, 0.04439861)},
      {"simpo", "simpo", p, {{"beta", 2}, {"gamma", 1}}, 1.05913651, wl(-0.43549660, 0.26129796)},
      {"orpo", "orpo", p, {{"lambda", 0.1}}, 0.72016681, wl(-0.36171709, 0.01447231)},
      {"asft", "asft", p, {{"lambda", 1}}, 1.89092730, wl(-0.66666667, 0.14929308)},
      {"asft_light", "asft", p, {{"lambda", 0.1}}, 0.78909273, wl(-0.36666667, 0.01492931)},
      {"asft_alignment", "asft", p, {{"sft_term", "off"}}, 1.22426063, {}},
      {"asft_tempered",
       "asft",
       p,
       {{"sft_term", "off"}, {"temper_beta", 0.5}},
       1.30253210,
       wl(-0.16896410, 0.08095115)},
      {"sppo_hard", "sppo_hard", p, {}, 42.41330000, wl(-9.16, 9.26)},
      {"sppo", "sppo", with_scores(0.7, 0.3), {}, 2.57665000, wl(-1.58, 1.63)},
      {"sppo_paper_beta", "sppo", with_scores(0.7, 0.3), {{"beta", 0.001}}, 39842.15665, {}},
      {"gpo", "gpo", with_scores(0.4, -0.3), {}, 9.86665000, wl(-3.58, 2.63)},
      {"gpo_mean",
       "gpo",
       with_scores(0.4, -0.3),
       {{"log_ratio", "mean"}},
       11.73053800,
       wl(-1.28666667, 0.58520000)},
      {"dpo_shift_75", "dpo_shift", p, {{"f", 0.75}}, 0.65888019, wl(-0.04825696, 0.03619272)},
      {"dpo_shift_95", "dpo_shift", p, {{"f", 0.95}}, 0.65531601, wl(-0.04807221, 0.04566860)},
      {"mappo_50",
       "mappo",
       pair_p().set("margins", numbers({0.5})),
       {},
       0.66335464,
       wl(-0.04848796, 0.02424398)},
      {"mappo_04",
       "mappo",
       pair_p().set("margins", numbers({0.04})),
       {},
       0.67164348,
       wl(-0.04891317, 0.00195653)},
      {"mappo_scores",
       "mappo",
       with_scores(0.95, 0.45),
       {},
       0.66335464,
       wl(-0.04848796, 0.02424398)},
      {"mappo_simpo",
       "mappo",
       pair_p().set("margins", numbers({0.5})),
       {{"base", "simpo"}, {"beta", 2}, {"gamma", 1}},
       1.68780782,
       {}},
      {"mappo_ipo",
       "mappo",
       pair_p().set("margins", numbers({0.5})),
       {{"base", "ipo"}},
       19.31602500,
       {}},
      {"mappo_cpo",
       "mappo",
       pair_p().set("margins", numbers({0.5})),
       {{"base", "cpo"}, {"lambda", 0.2}},
       1.08691671,
       {}},
      {"todo_pair", "todo", p, {{"alpha", 0.5}}, 0.92564060, wl(-0.06037225, 0.06037225)},
      {"todo_tie",
       "todo",
       pair_p().set("ties", Json::array().push_back(true)),
       {{"alpha", 0.5}},
       1.40829546,
       wl(0.00371148, -0.00371148)},
      {"wrpo",
       "wrpo",
       triple("source_chosen"),
       {{"alpha", 0.1}},
       0.65553236,
       wls(-0.04327510, 0.04808344, "source_chosen", -0.00480834)},
      {"wrpo_half", "wrpo", triple("source_chosen"), {{"alpha", 0.5}}, 0.65996660, {}},
      {"selm",
       "selm",
       triple("explore"),
       {{"alpha", 0.5}},
       0.66392710,
       wls(-0.04802603, 0.04802603, "explore", 0.05)},
      {"selm_paper", "selm", triple("explore"), {{"alpha", 0.001}, {"beta", 0.01}}, 0.68920688, {}},
      {"tpo",
       "tpo",
       triple("gold"),
       {{"alpha", 1}},
       1.13446200,
       wls(-0.04439861, 0.04439861, "gold", -0.25)},
      {"tpo_script", "tpo", triple("gold"), {{"alpha", 0.9}, {"beta", 0.2}}, 0.98599895, {}},
      {"tpo_length",
       "tpo",
       triple("gold"),
       {{"contrast", "length"}, {"beta", 2}, {"gamma", 0.5}},
       1.30953443,
       wls(-0.35552269, 0.21331362, "gold", -0.25)},
      {"xpo",
       "xpo",
       fixture({yw(), ys("rejected"), ys("explore")}),
       {{"alpha", 0.01}},
       0.65981330,
       {}},
      {"xpo_rejected_is_the_sample",
       "xpo",
       fixture({yw(), ys("rejected")}),
       {{"alpha", 0.01}},
       0.65981330,
       {}},
  };
}

INSTANTIATE_TEST_SUITE_P(All, FormulaSheet, testing::ValuesIn(rows()), [](const auto& row) {
  return row.param.name;
});

TEST(FormulaSheetTokens, LdDpoDiscountsTheTailOfTheLongerAnswer) {
  const Json report = evaluate("ld_dpo", pair_p(), {{"alpha", 0.5}});
  const std::vector<double> expected = {0.04815084, 0.04815084, 0.04815084, 0.02407542, 0.02407542};
  const std::vector<double> gradient = gradient_of(report, "rejected");
  ASSERT_EQ(gradient.size(), expected.size());
  for (size_t t = 0; t < expected.size(); ++t) {
    EXPECT_NEAR(gradient[t], expected[t], 1e-8);
  }
}

TEST(FormulaSheetTokens, NashMdPenalisesEveryTokenByItsOwnDrift) {
  const Json report = evaluate("nash_md", single_p(0.6), {{"beta", 0.125}});
  EXPECT_NEAR(value_of(report), 0.22685000, 1e-8);
  const std::vector<double> expected = {-0.06, -0.14, -0.0475};
  const std::vector<double> gradient = gradient_of(report, "chosen");
  ASSERT_EQ(gradient.size(), expected.size());
  for (size_t t = 0; t < expected.size(); ++t) {
    EXPECT_NEAR(gradient[t], expected[t], 1e-8);
  }
}

TEST(FormulaSheetBatch, MeanIsOverPairs) {
  const Json two = fixture({{"chosen", {kPolicyW, kPolicyS}, {kReferenceW, kReferenceS}},
                            {"rejected", {kPolicyL, kPolicyL}, {kReferenceL, kReferenceL}}});
  EXPECT_NEAR(value_of(evaluate("dpo", two)), (0.65442710 + 0.66553913) / 2, 1e-8);
}

}  // namespace
}  // namespace cupel::align
