// What every loss of the registry owes, whatever it computes.
#include "align/losses/registry.h"

#include <algorithm>
#include <cmath>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "align/fixtures.h"
#include "align/losses/fixture.h"
#include "align/losses/run_loss.h"
#include "align/random_fixture.h"
#include "base/error.h"
#include "base/io.h"
#include "tensor/autograd.h"

namespace cupel::align {
namespace {

class EveryLoss : public testing::TestWithParam<LossVariant> {
 protected:
  [[nodiscard]] static const LossInfo& info() { return *GetParam().info; }
  [[nodiscard]] static Json report(const Json& input) {
    return evaluate(info().name, input, GetParam().parameters);
  }
  [[nodiscard]] static LossOptions options() {
    LossOptions options(info().parameters);
    for (const auto& [name, value] : GetParam().parameters) {
      EXPECT_TRUE(options.set(info().name, name, value).has_value());
    }
    return options;
  }
  [[nodiscard]] static Fixture batch_of(const Json& input, at::ScalarType type = at::kDouble) {
    auto read = read_fixture(info(), options(), input, type);
    EXPECT_TRUE(read.has_value()) << read.error().message;
    return std::move(*read);
  }
};

/// Ranked responses are taken out of the lists of the file: after these have changed, once more.
void refresh_responses(Fixture& fixture) {
  const FixtureLeaf& lists = fixture.leaves.front();
  fixture.batch[Role::kResponse].policy = lists.policy.masked_select(lists.mask).unsqueeze(1);
}

// Central differences in f64 with a step of 1e-5 are good to 1e-9 or so; of seed 2 the tokens have
// weights.
TEST_P(EveryLoss, GradientsAreThoseOfTheValue) {
  if (info().surrogate) {
    GTEST_SKIP() << "a factor is held constant; its own test has the gradient";
  }
  const double step = 1e-5;
  for (const uint64_t seed : {1, 2}) {
    const Json input = random_fixture(info(), options(), 3, seed);
    const Json gradients = *report(input).find("gradient");
    Fixture fixture = batch_of(input);
    for (const FixtureLeaf& leaf : fixture.leaves) {
      for (size_t row = 0; row < leaf.lengths.size(); ++row) {
        for (int64_t t = 0; t < leaf.lengths[row]; ++t) {
          const at::Tensor number =
              leaf.policy.detach().select(0, static_cast<int64_t>(row)).select(0, t);
          const double at_point = number.item<double>();
          const auto value_at = [&](double shift) {
            number.fill_(at_point + shift);
            if (info().form == LossForm::kRanked) {
              refresh_responses(fixture);
            }
            return mean_loss(*run_loss(info(), fixture.batch, options())).item<double>();
          };
          const double slope = (value_at(step) - value_at(-step)) / (2 * step);
          number.fill_(at_point);
          const double gradient = gradients.find(leaf.key)
                                      ->as_array()[row]
                                      .as_array()[static_cast<size_t>(t)]
                                      .as_double();
          // What KTO estimates from mismatched answers is a constant of the loss, though its value
          // depends on it.
          const double expected = leaf.key == "mismatched" ? 0 : slope;
          EXPECT_NEAR(gradient, expected, 1e-6 * std::max(1.0, std::abs(expected)))
              << leaf.key << row << " token " << t;
        }
      }
    }
  }
}

TEST_P(EveryLoss, AgreesWithItselfInSinglePrecision) {
  const Json input = random_fixture(info(), options(), 3, 4);
  const Json wide = report(input);
  const Json narrow =
      evaluate(info().name, input, GetParam().parameters, /*single_precision=*/true);
  EXPECT_NEAR(value_of(narrow), value_of(wide), 1e-5 * std::max(1.0, std::abs(value_of(wide))));
  for (const auto& [role, rows] : wide.find("gradient")->as_object()) {
    for (size_t row = 0; row < rows.size(); ++row) {
      const std::vector<double> expected = gradient_of(wide, role, row);
      const std::vector<double> found = gradient_of(narrow, role, row);
      for (size_t t = 0; t < expected.size(); ++t) {
        EXPECT_NEAR(found[t], expected[t], 1e-5 * std::max(1.0, std::abs(expected[t])));
      }
    }
  }
}

/// Three columns more, of NaN, where nothing counts.
at::Tensor widened(const at::Tensor& values, double fill) {
  return at::cat({values, at::full({values.size(0), 3}, fill, values.options())}, 1);
}

/// Sequences as they are, or with three columns more in which NaN stands and nothing counts;
/// policies are leaves anew.
LossBatch copied(const LossBatch& batch, bool wider) {
  LossBatch copy = batch;
  for (RoleBatch& role : copy.roles) {
    if (!role.present()) {
      continue;
    }
    role.policy = role.policy.detach().clone();
    if (wider) {
      for (at::Tensor* const values :
           {&role.policy, &role.reference, &role.old, &role.weights, &role.scores}) {
        if (values->defined() && values->dim() == 2) {
          *values = widened(*values, NAN);
        }
      }
      role.mask = at::cat({role.mask, at::zeros({role.mask.size(0), 3}, at::kBool)}, 1);
    }
    role.policy.set_requires_grad(true);
  }
  return copy;
}

TEST_P(EveryLoss, PaddingChangesNothing) {
  const Fixture fixture = batch_of(random_fixture(info(), options(), 3, 6));
  std::vector<LossBatch> batches = {copied(fixture.batch, false), copied(fixture.batch, true)};
  std::vector<double> values;
  for (const LossBatch& batch : batches) {
    const auto sums = run_loss(info(), batch, options());
    ASSERT_TRUE(sums.has_value()) << sums.error().message;
    const at::Tensor loss = mean_loss(*sums);
    values.push_back(loss.item<double>());
    loss.backward();
  }
  // A sum over more columns may add in another order, nothing else.
  EXPECT_NEAR(values[1], values[0], 1e-15 * std::max(1.0, std::abs(values[0])));
  for (size_t i = 0; i < kRoles; ++i) {
    const at::Tensor& policy = batches[0].roles[i].policy;
    if (policy.defined() && policy.grad().defined()) {
      const at::Tensor wide = batches[1].roles[i].policy.grad();
      const int64_t columns = policy.size(1);
      EXPECT_LT((wide.narrow(1, 0, columns) - policy.grad()).abs().max().item<double>(), 1e-12);
      EXPECT_EQ(wide.narrow(1, columns, 3).abs().max().item<double>(), 0)
          << role_name(static_cast<Role>(i));
    }
  }
}

Json reversed(const Json& list) {
  Json::Array items = list.as_array();
  std::reverse(items.begin(), items.end());
  return Json(std::move(items));
}

TEST_P(EveryLoss, OrderOfTheBatchChangesNothing) {
  if (info().form == LossForm::kRanked) {
    GTEST_SKIP() << "the order of a ranked group is its meaning";
  }
  const Json input = random_fixture(info(), options(), 4, 6);
  Json turned = Json::object();
  for (const auto& [key, value] : input.as_object()) {
    Json part = Json::object();
    if (value.is_array()) {
      part = reversed(value);
    } else {
      for (const auto& [role, rows] : value.as_object()) {
        part.set(role, reversed(rows));
      }
    }
    turned.set(key, std::move(part));
  }
  const Json first = report(input);
  const Json second = report(turned);
  EXPECT_NEAR(value_of(first), value_of(second), 1e-12 * std::abs(value_of(first)));
  for (const auto& [role, rows] : first.find("gradient")->as_object()) {
    for (size_t row = 0; row < rows.size(); ++row) {
      const std::vector<double> there = gradient_of(second, role, rows.size() - 1 - row);
      const std::vector<double> here = gradient_of(first, role, row);
      ASSERT_EQ(here.size(), there.size());
      for (size_t t = 0; t < here.size(); ++t) {
        EXPECT_NEAR(here[t], there[t], 1e-12);
      }
    }
  }
}

/// Rows `begin` … `begin + rows` of everything.
LossBatch part_of(const LossBatch& batch, int64_t begin, int64_t rows) {
  const auto cut = [&](at::Tensor& values) {
    if (values.defined()) {
      values = values.narrow(0, begin, rows);
    }
  };
  LossBatch part = batch;
  for (RoleBatch& role : part.roles) {
    for (at::Tensor* values :
         {&role.policy, &role.reference, &role.mask, &role.weights, &role.scores}) {
      cut(*values);
    }
  }
  for (at::Tensor* values : {&part.margins, &part.target_prob, &part.ties}) {
    cut(*values);
  }
  return part;
}

/// The gradient with respect to each policy of a fixture, zeros where there is none.
std::vector<at::Tensor> gradients_of(const at::Tensor& loss, const Fixture& fixture) {
  std::vector<at::Tensor> policies;
  for (const FixtureLeaf& leaf : fixture.leaves) {
    policies.push_back(leaf.policy);
  }
  std::vector<at::Tensor> gradients = tensor::gradients({loss}, policies, {{}});
  for (size_t i = 0; i < gradients.size(); ++i) {
    gradients[i] = gradients[i].defined() ? gradients[i] : at::zeros_like(policies[i]);
  }
  return gradients;
}

TEST_P(EveryLoss, MicroBatchesAddUpToTheWhole) {
  if (info().form == LossForm::kRanked || info().form == LossForm::kSampled) {
    GTEST_SKIP() << "a group is not cut";
  }
  Fixture fixture = batch_of(random_fixture(info(), options(), 5, 7));
  if (info().survey != nullptr) {
    fixture.batch.survey = info().survey(fixture.batch, options()).detach();
    EXPECT_EQ(fixture.batch.survey.size(1), info().survey_width);
  }
  const auto whole = run_loss(info(), fixture.batch, options());
  ASSERT_TRUE(whole.has_value());
  LossSums sums;
  for (const auto& [begin, rows] : {std::pair{0, 2}, std::pair{2, 1}, std::pair{3, 2}}) {
    LossBatch part = part_of(fixture.batch, begin, rows);
    part.survey_begin = begin;
    const auto added = run_loss(info(), part, options());
    ASSERT_TRUE(added.has_value()) << added.error().message;
    EXPECT_EQ(added->counts, loss_counts(info(), part, options()));
    sums.numerators.resize(added->numerators.size());
    sums.counts.resize(added->counts.size());
    for (size_t i = 0; i < added->numerators.size(); ++i) {
      sums.numerators[i] = sums.numerators[i].defined() ? sums.numerators[i] + added->numerators[i]
                                                        : added->numerators[i];
      sums.counts[i] += added->counts[i];
    }
  }
  EXPECT_NEAR(mean_loss(sums).item<double>(), mean_loss(*whole).item<double>(), 1e-12 * 100);
  const std::vector<at::Tensor> gradients = gradients_of(mean_loss(*whole), fixture);
  const std::vector<at::Tensor> summed = gradients_of(mean_loss(sums), fixture);
  for (size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_LT((summed[i] - gradients[i]).abs().max().item<double>(), 1e-10)
        << fixture.leaves[i].key;
  }
}

TEST_P(EveryLoss, ReferenceAndDataGetNoGradient) {
  Fixture fixture = batch_of(random_fixture(info(), options(), 3, 8));
  for (RoleBatch& role : fixture.batch.roles) {
    for (at::Tensor* values : {&role.reference, &role.old, &role.weights}) {
      if (values->defined()) {
        values->set_requires_grad(true);
      }
    }
  }
  const auto sums = run_loss(info(), fixture.batch, options());
  ASSERT_TRUE(sums.has_value());
  mean_loss(*sums).backward();
  for (const RoleBatch& role : fixture.batch.roles) {
    EXPECT_FALSE(role.reference.defined() && role.reference.grad().defined());
    EXPECT_FALSE(role.old.defined() && role.old.grad().defined());
  }
}

/// All log-probs of `high` roles near 0 and of the others far below, the reference the other way
/// round.
Json saturated(const LossInfo& info, const LossOptions& options, double size, bool chosen_up) {
  Json input = random_fixture(info, options, 2, 9);
  for (auto& [key, value] : input.as_object()) {
    if (key == "scores" && info.form == LossForm::kRanked) {
      value.set("response", Json::array()
                                .push_back(Json::array().push_back(2).push_back(1))
                                .push_back(Json::array().push_back(1).push_back(0)));
    }
    if (key != "policy" && key != "reference" && key != "old") {
      continue;
    }
    for (auto& [role, rows] : value.as_object()) {
      const bool up =
          (role == "chosen" || role == "source_chosen" || role == "response") == chosen_up;
      const bool low = (key == "policy") != up;
      for (Json& row : rows.as_array()) {
        row = Json::array().push_back(low ? -size : -0.5);
        if (info.form == LossForm::kRanked) {
          row.push_back(low ? -0.5 : -size);
        }
      }
    }
  }
  return input;
}

TEST_P(EveryLoss, StaysFiniteFarFromTheReference) {
  if (info().input == LossInput::kOutputs && info().form == LossForm::kSingle) {
    GTEST_SKIP() << "its outputs are as many as its ratings; process_reward has its own test";
  }
  for (const double size : {80.0, 1e4}) {
    for (const bool chosen_up : {true, false}) {
      for (const bool single : {false, true}) {
        const auto done = evaluate_loss({.loss = std::string(info().name),
                                         .fixture = saturated(info(), options(), size, chosen_up),
                                         .parameters = GetParam().parameters,
                                         .single_precision = single});
        EXPECT_TRUE(done.has_value())
            << size << " " << chosen_up << " " << single << ": " << done.error().message;
      }
    }
  }
}

TEST_P(EveryLoss, EqualAnswersAreNoSpecialCase) {
  Json input = random_fixture(info(), options(), 2, 13);
  for (const char* const part : {"policy", "reference"}) {
    for (auto& [key, value] : input.as_object()) {
      if (key == part && value.contains("rejected")) {
        value.set("rejected", *value.find("chosen"));
      }
    }
  }
  const Json done = report(input);
  EXPECT_TRUE(std::isfinite(value_of(done)));
  const double margin = metric_of(done, "rewards/margins");
  if (!std::isnan(margin) &&
      info().name != "wrpo") {  // there another model's answer is a part of chosen
    EXPECT_NEAR(margin, 0, 1e-15);
    EXPECT_EQ(metric_of(done, "rewards/accuracies"), 0) << "a tie is no win";
  }
}

TEST_P(EveryLoss, RefusesAnEmptySequenceAndNamesIt) {
  const Json input = random_fixture(info(), options(), 2, 11);
  const std::string role(roles_of(info()).front());
  for (const auto& [name, rows] : input.find("policy")->as_object()) {
    Json cut = input;
    for (auto& [key, value] : cut.as_object()) {
      const bool listed = key == "policy" || key == "reference" || key == "old" ||
                          (key == "scores" && info().input == LossInput::kOutputs &&
                           info().form == LossForm::kSingle);
      if (listed && value.contains(name)) {
        Json::Array emptied = value.find(name)->as_array();
        emptied[1] = Json::array();
        value.set(name, Json(std::move(emptied)));
      }
    }
    const std::string said = refusal(info().name, cut, GetParam().parameters);
    EXPECT_NE(said.find(name + "[1] is empty"), std::string::npos) << said;
  }
}

INSTANTIATE_TEST_SUITE_P(Registry,
                         EveryLoss,
                         testing::ValuesIn(all_variants()),
                         [](const auto& variant) { return variant.param.name; });

TEST(LossRegistry, DescribesEveryEntry) {
  std::set<std::string_view> names;
  std::string_view previous;
  for (const LossInfo& info : losses()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_LT(previous, info.name) << "registry.def is sorted";
    previous = info.name;
    EXPECT_TRUE(std::regex_match(std::string(info.name), std::regex("[a-z][a-z0-9_]*")))
        << info.name;
    EXPECT_FALSE(info.summary.empty() || info.formula.empty() || info.source.empty()) << info.name;
    for (const LossParameter& parameter : info.parameters) {
      EXPECT_FALSE(parameter.summary.empty()) << info.name << " " << parameter.name;
      LossOptions options(info.parameters);
      const bool unset = std::isnan(parameter.value);
      const Json value = parameter.words.empty() ? (unset ? Json() : Json(parameter.value))
                                                 : Json(parameter.text(parameter.value));
      EXPECT_TRUE(options.set(info.name, parameter.name, value).has_value())
          << "its default is in its range";
    }
  }
}

TEST(LossRegistry, FindsByEitherSpellingAndHintsAtTheNearest) {
  EXPECT_EQ((*find_loss("f-dpo-js"))->name, "f_dpo_js");
  const auto wrong = find_loss("simp");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, Code::kInvalidArgument);
  EXPECT_NE(wrong.error().message.find("did you mean \"simpo\"?"), std::string::npos)
      << wrong.error().message;
}

// Every hint must lead to a loss and to parameters that there are.
TEST(LossRegistry, KnowsTheNamesOfOtherTrainers) {
  const auto said = [](std::string_view name) {
    const auto found = find_loss(name);
    EXPECT_FALSE(found.has_value()) << name;
    return found.has_value() ? std::string() : found.error().message;
  };
  EXPECT_EQ(said("sigmoid"), "no loss \"sigmoid\"; TRL's \"sigmoid\" is dpo here");
  EXPECT_EQ(
      said("aot-unpaired"),
      "no loss \"aot-unpaired\"; TRL's \"aot_unpaired\" is aot with variant = \"unpaired\" here");
  for (const char* const name : {"aot_pair",    "bco",           "exo",
                                 "nca",         "apo",           "reverse_kl",
                                 "forward_kl",  "js_divergence", "alpha_divergence",
                                 "rso",         "slic_hf",       "r_dpo",
                                 "ilr_dpo",     "mmpo",          "tpo_l",
                                 "tpo_hinge",   "tpo_ipo",       "ln_gpo",
                                 "gspo",        "dapo",          "dr_grpo",
                                 "reinforce++", "nash",          "reward"}) {
    const std::string message = said(name);
    std::smatch match;
    ASSERT_TRUE(std::regex_search(
        message, match, std::regex("is ([a-z_]+)[^\"]*?(?: with ([a-z_]+))?( = .*)? here")))
        << message;
    const auto found = find_loss(match[1].str());
    ASSERT_TRUE(found.has_value()) << message;
    if (match[2].matched) {
      EXPECT_TRUE(LossOptions((*found)->parameters).declares(match[2].str())) << message;
    }
  }
}

TEST(LossRegistry, KnowsTheParametersOfOtherTrainers) {
  const auto said = [](std::string_view loss, std::string_view name) {
    LossOptions options((*find_loss(loss))->parameters);
    const auto set = options.set(loss, name, 0.5);
    EXPECT_FALSE(set.has_value()) << name;
    return set.has_value() ? std::string() : set.error().message;
  };
  EXPECT_TRUE(said("kto", "desirable_weight")
                  .starts_with("kto has no parameter \"desirable_weight\"; TRL's "
                               "\"desirable_weight\" is lambda_d here; it has: beta"));
  for (const auto& [loss, name, here] : std::vector<std::array<std::string_view, 3>>{
           {"kto", "undesirable_weight", "lambda_u"},
           {"simpo", "simpo_gamma", "gamma"},
           {"simpo", "cpo_alpha", "sft_weight"},
           {"cpo", "cpo_alpha", "lambda"},
           {"tpo", "tpo_l_gamma", "gamma"},
           {"tpo", "tpo_alpha", "alpha"},
           {"rpo", "rpo_alpha", "alpha"},
           {"ld_dpo", "ld_alpha", "alpha"},
           {"f_dpo_alpha", "f_alpha_divergence_coef", "alpha"},
           {"discopop", "discopop_tau", "tau"},
           {"bradley_terry", "center_rewards_coefficient", "center_coefficient"},
           {"grpo", "epsilon", "clip"},
           {"ppo", "cliprange", "clip"},
           {"rloo", "kl_coef", "beta"},
           {"grpo", "scale_rewards", "scale"},
           {"grpo", "importance_sampling_level", "ratio"},
           {"grpo", "max_completion_length", "max_length"},
           {"orpo", "beta", "lambda"},
           {"ipo", "tau", "beta"},
           {"grpo", "loss_type", "reduction"}}) {
    const std::string message = said(loss, name);
    EXPECT_NE(message.find(format("is {} here", here)), std::string::npos) << message;
    EXPECT_TRUE(LossOptions((*find_loss(loss))->parameters).declares(here)) << message;
  }
  EXPECT_NE(said("dpo", "label_smoothing").find("is the loss cdpo"), std::string::npos);
  EXPECT_EQ(said("dpo", "desirable_weight").find("here"), std::string::npos);
}

TEST(LossRegistry, PageIsCurrent) {
  const auto page = read_file("docs/losses.md");
  ASSERT_TRUE(page.has_value()) << page.error().message;
  EXPECT_TRUE(*page == losses_page())
      << "it is made anew by: cupel loss --list --format markdown > docs/losses.md";
}

}  // namespace
}  // namespace cupel::align
