// Losses over a batch with shared prompts against the same losses over texts computed one by one.
#include <functional>
#include <optional>

#include "align/losses/registry.h"
#include "align/losses/run_loss.h"
#include "align/objective_fixture.h"

namespace cupel::align {
namespace {

using test::Computed;
using test::ObjectiveFixture;
using train::DataSet;
using train::ExampleGroup;

constexpr double kExact = 1e-10;

/// Rows for a loss of that form.
DataSet rows_for(const LossInfo& info, ObjectiveFixture& fixture) {
  std::vector<ExampleGroup> groups;
  if (info.form == LossForm::kUnpaired) {
    for (int i = 0; i < 4; ++i) {
      groups.push_back(fixture.group(4 + i, {3 + i % 3}));
      groups.back().label = i % 2;
    }
    return test::data_of(std::move(groups));
  }
  for (const auto& [prompt, chosen, rejected] :
       {std::tuple{5, 4, 7}, std::tuple{3, 6, 2}, std::tuple{8, 1, 5}, std::tuple{2, 3, 3}}) {
    groups.push_back(fixture.group(prompt, {chosen, rejected}));
    groups.back().tie = info.form == LossForm::kTernary && chosen == 1;
    if (info.reads.scores != Use::kNo) {
      groups.back().scores = {0.7, 0.2};
    }
    if (info.reads.margins == Use::kMust) {
      groups.back().margin = 0.5;
    }
  }
  return test::data_of(std::move(groups));
}

/// Whether rows of files can have what the loss reads.
bool learns_from_rows(const LossInfo& info) {
  return info.input == LossInput::kTokenLogps && info.form != LossForm::kSampled &&
         info.form != LossForm::kSingle && info.reads.roles.empty() && info.name != "tpo" &&
         info.reads.old != Use::kMust;
}

/// Rows of log-probs as a role, padded.
RoleBatch role_of(const std::vector<at::Tensor>& policy, const std::vector<at::Tensor>& reference) {
  int64_t longest = 0;
  for (const at::Tensor& row : policy) {
    longest = std::max(longest, row.size(0));
  }
  const auto padded = [&](const at::Tensor& row) {
    return at::cat({row, at::zeros({longest - row.size(0)}, row.options())});
  };
  std::vector<at::Tensor> rows;
  std::vector<at::Tensor> references;
  std::vector<at::Tensor> masks;
  for (size_t i = 0; i < policy.size(); ++i) {
    rows.push_back(padded(policy[i]));
    references.push_back(padded(reference[i]));
    masks.push_back(padded(at::ones_like(policy[i].detach())).to(at::kBool));
  }
  RoleBatch role;
  role.policy = at::stack(rows, 0);
  role.reference = at::stack(references, 0);
  role.mask = at::stack(masks, 0);
  return role;
}

/// The loss by the plain way.
at::Tensor plain_loss(const LossInfo& info,
                      const LossOptions& options,
                      const DataSet& data,
                      train::Twin& policy,
                      train::Twin& reference) {
  std::array<std::vector<at::Tensor>, kRoles> logps;
  std::array<std::vector<at::Tensor>, kRoles> references;
  std::array<std::vector<double>, kRoles> scores;
  LossBatch batch;
  const auto add = [&](Role role, const train::Example& text, double score) {
    const auto index = static_cast<size_t>(role);
    logps[index].push_back(test::plain_logps(policy, text));
    references[index].push_back(test::plain_logps(reference, text).detach());
    scores[index].push_back(score);
  };
  std::vector<double> margins;
  std::vector<double> ties;
  for (size_t i = 0; i < data.groups.size(); ++i) {
    const ExampleGroup& group = data.groups[i];
    margins.push_back(group.margin);
    ties.push_back(group.tie ? 1 : 0);
    if (info.form == LossForm::kUnpaired) {
      add(group.label == 1 ? Role::kChosen : Role::kRejected, group.answers[0], 0);
      const ExampleGroup& other = data.groups[(i + data.groups.size() - 1) % data.groups.size()];
      train::Example mixed = group.answers[0];
      mixed.ids.resize(static_cast<size_t>(group.prompt_tokens));
      mixed.weights.resize(mixed.ids.size());
      const train::Example& answer = other.answers[0];
      mixed.ids.insert(mixed.ids.end(), answer.ids.begin() + other.prompt_tokens, answer.ids.end());
      mixed.weights.resize(mixed.ids.size(), 1.0F);
      add(Role::kMismatched, mixed, 0);
    } else {
      add(Role::kChosen, group.answers[0], group.scores.empty() ? 0 : group.scores[0]);
      add(Role::kRejected, group.answers[1], group.scores.empty() ? 0 : group.scores[1]);
    }
  }
  for (size_t i = 0; i < kRoles; ++i) {
    if (!logps[i].empty()) {
      batch.roles[i] = role_of(logps[i], references[i]);
      batch.roles[i].scores =
          info.reads.scores != Use::kNo ? train::double_tensor(scores[i]) : at::Tensor();
    }
  }
  if (info.reads.margins == Use::kMust) {
    batch.margins = train::double_tensor(margins);
  }
  if (info.form == LossForm::kTernary) {
    batch.ties = train::double_tensor(ties).to(at::kBool);
  }
  return mean_loss(test::expect_value(run_loss(info, batch, options)));
}

class PreferenceLosses : public testing::TestWithParam<const LossInfo*> {};

TEST_P(PreferenceLosses, SharedPromptsAndSplitStepsChangeNothing) {
  const LossInfo& info = *GetParam();
  ObjectiveFixture fixture;
  const auto reference = fixture.moved_learner(0.02);
  const DataSet data = rows_for(info, fixture);
  const LossOptions options(info.parameters);
  ASSERT_TRUE(check_rows(info, options, data, true).has_value());
  auto objective = test::expect_value(PreferenceObjective::create(
      info, options, fixture.learner(), data, {.cached = nullptr, .live = &reference->twin()}));
  const std::vector<at::Tensor> parameters = fixture.parameters();

  const Computed whole = test::compute(objective, parameters, test::one_step(data, 4));
  const at::Tensor plain =
      plain_loss(info, options, data, fixture.learner().twin(), reference->twin());
  EXPECT_NEAR(whole.result.loss, plain.item<double>(), kExact);
  std::vector<at::Tensor> expected = tensor::gradients({plain}, parameters, {{}});
  for (size_t i = 0; i < expected.size(); ++i) {
    expected[i] = expected[i].defined() ? expected[i] : at::zeros_like(parameters[i]);
  }
  // Of sums over answers the gradients are in the hundreds.
  double scale = 1;
  for (const at::Tensor& gradient : expected) {
    scale = std::max(scale, gradient.abs().max().item<double>());
  }
  test::expect_same(whole.gradients, expected, kExact * scale);

  for (const int64_t micro : {1, 2}) {
    const Computed split = test::compute(objective, parameters, test::one_step(data, micro));
    EXPECT_NEAR(split.result.loss, whole.result.loss, kExact);
    test::expect_same(split.gradients, whole.gradients, kExact * scale);
    ASSERT_EQ(split.result.metrics.size(), whole.result.metrics.size());
    for (const train::MetricSum& metric : whole.result.metrics) {
      for (const train::MetricSum& other : split.result.metrics) {
        if (other.name == metric.name && other.name != "kl") {
          EXPECT_NEAR(other.sum, metric.sum, 1e-8) << metric.name;
          EXPECT_EQ(other.count, metric.count) << metric.name;
        }
      }
    }
  }
}

std::vector<const LossInfo*> losses_of_rows() {
  std::vector<const LossInfo*> result;
  for (const LossInfo& info : losses()) {
    if (learns_from_rows(info)) {
      result.push_back(&info);
    }
  }
  return result;
}
INSTANTIATE_TEST_SUITE_P(All,
                         PreferenceLosses,
                         testing::ValuesIn(losses_of_rows()),
                         [](const auto& one) { return std::string(one.param->name); });

TEST(PreferenceObjective, CachedReferenceIsTheLiveOne) {
  const LossInfo& info = *test::expect_value(find_loss("dpo"));
  ObjectiveFixture fixture;
  const auto reference = fixture.moved_learner(0.02);
  const DataSet data = rows_for(info, fixture);
  const LossOptions options(info.parameters);
  const auto cached = test::expect_value(ReferenceLogps::compute(
      reference->twin(), data, {.cache = {}, .model_fingerprint = "m", .batch_tokens = 16}));
  auto from_cache = test::expect_value(PreferenceObjective::create(
      info, options, fixture.learner(), data, {.cached = &cached, .live = nullptr}));
  auto live = test::expect_value(PreferenceObjective::create(
      info, options, fixture.learner(), data, {.cached = nullptr, .live = &reference->twin()}));
  const auto plan = test::one_step(data, 4);
  const Computed a = test::compute(from_cache, fixture.parameters(), plan);
  const Computed b = test::compute(live, fixture.parameters(), plan);
  EXPECT_NEAR(a.result.loss, b.result.loss, 1e-6);  // the cache is f32
  test::expect_same(a.gradients, b.gradients, 1e-6);
}

TEST(PreferenceObjective, OrpoLearnsThePromptWhereItIsAsked) {
  const LossInfo& info = *test::expect_value(find_loss("orpo"));
  ObjectiveFixture fixture;
  const DataSet data = rows_for(info, fixture);
  LossOptions options(info.parameters);
  ASSERT_TRUE(options.set("orpo", "sft_scope", "sequence").has_value());
  ASSERT_TRUE(options.set("orpo", "lambda", 0.0).has_value());
  auto objective =
      test::expect_value(PreferenceObjective::create(info, options, fixture.learner(), data, {}));
  const Computed found = test::compute(objective, fixture.parameters(), test::one_step(data, 2));
  at::Tensor sum = at::zeros({}, at::kDouble);
  double count = 0;
  for (const ExampleGroup& group : data.groups) {
    train::Example whole = group.answers[0];
    std::fill(whole.weights.begin(), whole.weights.end(), 1.0F);
    const at::Tensor logps = test::plain_logps(fixture.learner().twin(), whole);
    sum = sum - logps.sum();
    count += static_cast<double>(logps.size(0));
  }
  EXPECT_NEAR(found.result.loss, sum.item<double>() / count, kExact);
}

TEST(PreferenceObjective, OneRowAtTheEndOfAnEpochHasAPartner) {
  const LossInfo& info = *test::expect_value(find_loss("kto"));
  ObjectiveFixture fixture;
  const auto reference = fixture.moved_learner(0.02);
  const DataSet data = rows_for(info, fixture);
  auto objective = test::expect_value(
      PreferenceObjective::create(info, LossOptions(info.parameters), fixture.learner(), data,
                                  {.cached = nullptr, .live = &reference->twin()}));
  train::StepPlan plan = test::one_step(data, 1);
  plan.bins.resize(1);
  plan.micro_batches.resize(1);
  plan.bin_of.resize(1);
  const Computed found = test::compute(objective, fixture.parameters(), plan);
  EXPECT_TRUE(std::isfinite(found.result.loss));
}

// What policy and reference differ by must be what was learnt, not what was drawn.
TEST(PreferenceObjective, IsComputedWithoutDropout) {
  const LossInfo& info = *test::expect_value(find_loss("dpo"));
  ObjectiveFixture fixture;
  const auto reference = fixture.moved_learner(0.02);
  const DataSet data = rows_for(info, fixture);
  std::vector<Computed> found;
  for (const double dropout : {0.0, 0.5}) {
    train::Model model = fixture.learner().model();
    model.parameters = model.parameters.clone();
    const auto learner = test::expect_value(train::Learner::create(
        std::move(model), {.lora = train::LoraOptions{.rank = 2, .dropout = dropout, .seed = 5},
                           .twin = {.compute = at::kDouble}}));
    std::vector<at::Tensor> parameters;
    for (const train::ParameterSet::Entry& entry : learner->trained().entries()) {
      parameters.push_back(entry.tensor);
    }
    auto objective = test::expect_value(
        PreferenceObjective::create(info, LossOptions(info.parameters), *learner, data,
                                    {.cached = nullptr, .live = &reference->twin()}));
    found.push_back(test::compute(objective, parameters, test::one_step(data, 2)));
  }
  EXPECT_EQ(found[1].result.loss, found[0].result.loss);
  test::expect_same(found[1].gradients, found[0].gradients, 0);
  double largest = 0;
  for (const at::Tensor& gradient : found[0].gradients) {
    largest = std::max(largest, gradient.abs().max().item<double>());
  }
  EXPECT_GT(largest, 1e-6) << "the adapters learn";
}

struct Refusal {
  std::string_view loss;
  void (*spoil)(ExampleGroup& group);
  std::string_view message;
};

TEST(CheckRows, NamesTheRowThatDoesNotFit) {
  ObjectiveFixture fixture;
  const std::vector<Refusal> refusals = {
      {"dpo", [](ExampleGroup& g) { g.answers.pop_back(); },
       "row row 4: dpo learns from pairs (prompt, chosen, rejected); this row has 1 answer"},
      {"kto", [](ExampleGroup& g) { g.label = -1; },
       "row row 4: kto learns from rows with one completion and a label; this row has 2 answers"},
      {"dpo", [](ExampleGroup& g) { g.tie = true; }, "row row 4 is a tie; dpo learns from pairs"},
      {"dpo", [](ExampleGroup& g) { g.weight = 2; }, "row row 4: weights of rows are for"},
      {"sppo",
       [](ExampleGroup& g) {
         g.scores = {1, std::nan("")};
       },
       "row row 4 has no score"},
      {"wrpo", [](ExampleGroup&) {}, "wrpo needs answers in the role source_chosen"},
      {"tpo", [](ExampleGroup&) {}, "tpo"},
      {"ppo", [](ExampleGroup&) {}, "ppo learns from answers that the policy samples"},
  };
  for (const Refusal& refusal : refusals) {
    const LossInfo& info = *test::expect_value(find_loss(refusal.loss));
    ObjectiveFixture fresh;
    std::vector<ExampleGroup> groups;
    groups.push_back(fresh.group(4, {3, 2}));
    groups.back().scores = {0.6, 0.4};
    groups.push_back(fresh.group(4, {3, 2}));
    groups.back().scores = {0.6, 0.4};
    if (refusal.loss == "kto") {
      groups.front().answers.pop_back();
      groups.front().label = 1;
    }
    groups.back().id = "row 4";
    refusal.spoil(groups.back());
    const auto checked =
        check_rows(info, LossOptions(info.parameters), test::data_of(std::move(groups)), true);
    ASSERT_FALSE(checked.has_value()) << refusal.message;
    EXPECT_TRUE(checked.error().message.starts_with(refusal.message)) << checked.error().message;
  }
}

TEST(CheckRows, NamesAPairThatItsRatingsContradict) {
  ObjectiveFixture fixture;
  std::vector<ExampleGroup> groups;
  const std::vector<std::vector<double>> rated = {{0.9, 0.4}, {0.5, 0.5}, {0.2, 0.6}};
  for (const std::vector<double>& scores : rated) {
    groups.push_back(fixture.group(4, {3, 2}));
    groups.back().scores = scores;
  }
  groups.back().id = "pairs.jsonl:3";
  const DataSet data = test::data_of(std::move(groups));
  const auto refused = [&](std::string_view loss, const std::optional<double>& gamma) {
    const LossInfo& info = *test::expect_value(find_loss(loss));
    LossOptions options(info.parameters);
    if (gamma) {
      EXPECT_TRUE(options.set(loss, "margin_gamma", *gamma).has_value());
    }
    const auto checked = check_rows(info, options, data, true);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(refused("dpo", {}), "");
  EXPECT_TRUE(refused("dpo", 2.2).starts_with("row pairs.jsonl:3: chosen is rated below rejected"));
  EXPECT_TRUE(refused("mappo", {}).starts_with("mappo: row pairs.jsonl:3: the gap of its scores"));
}

/// More pairs than are checked at once; `rate` gives ratings to each, by its number.
std::string said_of_many(std::string_view loss,
                         const std::optional<double>& gamma,
                         const std::function<void(ExampleGroup&, int)>& rate) {
  ObjectiveFixture fixture;
  std::vector<ExampleGroup> groups;
  for (int i = 0; i < 520; ++i) {
    groups.push_back(fixture.group(2, {1, 1}));
    groups.back().id = std::to_string(i);
    rate(groups.back(), i);
  }
  const LossInfo& info = *test::expect_value(find_loss(loss));
  LossOptions options(info.parameters);
  if (gamma) {
    EXPECT_TRUE(options.set(loss, "margin_gamma", *gamma).has_value());
  }
  const auto checked = check_rows(info, options, test::data_of(std::move(groups)), true);
  return checked ? std::string() : checked.error().message;
}

TEST(CheckRows, LooksForRatingsInTheWholeFile) {
  const auto late_margins = [](ExampleGroup& group, int i) {
    group.margin = i < 512 ? std::nan("") : 1;
  };
  const auto late_scores = [](ExampleGroup& group, int i) {
    group.scores = {i < 512 ? std::nan("") : 0.9, i < 512 ? std::nan("") : 0.4};
  };
  EXPECT_EQ(said_of_many("dpo", 1, late_margins),
            "row 0 has no margin, and other rows have; dpo needs it of all or of none");
  EXPECT_EQ(said_of_many("dpo", 1, late_scores),
            "row 0 has no score, and other rows have; dpo needs it of all or of none");
  EXPECT_TRUE(said_of_many("sppo", {}, late_scores).starts_with("row 0 has no score"));
}

TEST(CheckRows, LeavesRatingsAloneThatNothingReads) {
  const auto some = [](ExampleGroup& group, int i) {
    group.margin = i % 2 == 0 ? std::nan("") : 1;
    group.scores = {i % 3 == 0 ? std::nan("") : 0.9, 0.4};
  };
  for (const char* const loss : {"dpo", "simpo", "ipo"}) {
    EXPECT_EQ(said_of_many(loss, {}, some), "") << loss;
  }
  const auto all_margins = [](ExampleGroup& group, int i) {
    group.margin = 1;
    group.scores = {i % 3 == 0 ? std::nan("") : 0.9, 0.4};
  };
  EXPECT_EQ(said_of_many("dpo", 1, all_margins), "") << "margins come first";
}

}  // namespace
}  // namespace cupel::align
