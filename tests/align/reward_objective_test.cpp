// Losses over a head's outputs at the last token of each answer, against answers computed one by
// one.
#include "align/objectives/reward_objective.h"

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

/// The fixture's model with a fresh head of that many numbers.
std::unique_ptr<train::Learner> reward_learner(ObjectiveFixture& fixture, int64_t outputs) {
  return ObjectiveFixture::make_learner(
      test::expect_value(train::with_outputs(fixture.learner().model(), outputs, 3)));
}

std::vector<at::Tensor> parameters_of(const train::Learner& learner) {
  std::vector<at::Tensor> tensors;
  for (const train::ParameterSet::Entry& entry : learner.trained().entries()) {
    tensors.push_back(entry.tensor);
  }
  return tensors;
}

/// What the head says of a whole text [K].
at::Tensor plain_outputs(train::Twin& twin, const train::Example& text) {
  const std::vector<int64_t> ids(text.ids.begin(), text.ids.end());
  const at::Tensor hidden = train::test::hidden_of(twin, ids);
  return at::linear(hidden.select(0, hidden.size(0) - 1), twin.head().weight);
}

void expect_matches(train::Learner& learner,
                    const DataSet& data,
                    RewardObjective& objective,
                    const at::Tensor& plain) {
  const std::vector<at::Tensor> parameters = parameters_of(learner);
  std::vector<at::Tensor> expected = tensor::gradients({plain}, parameters, {{}});
  for (size_t i = 0; i < expected.size(); ++i) {
    expected[i] = expected[i].defined() ? expected[i] : at::zeros_like(parameters[i]);
  }
  for (int64_t micro = 1; micro <= static_cast<int64_t>(data.groups.size()); micro *= 2) {
    const Computed found = test::compute(objective, parameters, test::one_step(data, micro));
    EXPECT_NEAR(found.result.loss, plain.item<double>(), kExact);
    test::expect_same(found.gradients, expected, kExact);
  }
}

TEST(RewardObjective, PairsWithMargins) {
  ObjectiveFixture fixture;
  const auto learner = reward_learner(fixture, 1);
  std::vector<ExampleGroup> groups;
  for (const auto& [prompt, chosen, rejected] :
       {std::tuple{5, 4, 7}, std::tuple{3, 6, 2}, std::tuple{1, 1, 5}, std::tuple{2, 3, 3}}) {
    groups.push_back(fixture.group(prompt, {chosen, rejected}));
    groups.back().margin = 0.25 * chosen;
  }
  const DataSet data = test::data_of(std::move(groups));
  const LossInfo& info = *test::expect_value(find_loss("bradley_terry"));
  LossOptions options(info.parameters);
  ASSERT_TRUE(options.set(info.name, "center_coefficient", 0.01).has_value());
  ASSERT_TRUE(check_reward_rows(info, options, data, {}).has_value());
  RewardObjective objective(info, options, *learner, data, {});
  at::Tensor plain = at::zeros({}, at::kDouble);
  for (const ExampleGroup& group : data.groups) {
    const at::Tensor w = plain_outputs(learner->twin(), group.answers[0]).select(0, 0);
    const at::Tensor l = plain_outputs(learner->twin(), group.answers[1]).select(0, 0);
    plain = plain - at::log_sigmoid(w - l - group.margin) / 4 + 0.01 * (w + l).square() / 4;
  }
  expect_matches(*learner, data, objective, plain);
}

TEST(RewardObjective, RankedAnswersTheBestFirst) {
  ObjectiveFixture fixture;
  const auto learner = reward_learner(fixture, 1);
  std::vector<ExampleGroup> groups;
  groups.push_back(fixture.group(4, {2, 5, 3}));
  groups.back().scores = {0.1, 0.9, 0.5};
  groups.push_back(fixture.group(3, {4, 1}));
  groups.back().scores = {0.3, 0.2};
  const DataSet data = test::data_of(std::move(groups));
  const LossInfo& info = *test::expect_value(find_loss("plackett_luce"));
  const LossOptions options(info.parameters);
  RewardObjective objective(info, options, *learner, data, {});
  at::Tensor plain = at::zeros({}, at::kDouble);
  const std::vector<std::vector<size_t>> order = {{1, 2, 0}, {0, 1}};
  for (size_t g = 0; g < order.size(); ++g) {
    std::vector<at::Tensor> s;
    for (const size_t answer : order[g]) {
      s.push_back(plain_outputs(learner->twin(), data.groups[g].answers[answer]).select(0, 0));
    }
    for (size_t i = 0; i + 1 < s.size(); ++i) {
      const std::vector<at::Tensor> rest(s.begin() + static_cast<ptrdiff_t>(i), s.end());
      plain = plain + (at::stack(rest, 0).logsumexp(0) - s[i]) / 2;
    }
  }
  expect_matches(*learner, data, objective, plain);
}

TEST(RewardObjective, EqualScoresAreTiesWhateverTheirOrder) {
  ObjectiveFixture fixture;
  const auto learner = reward_learner(fixture, 1);
  std::vector<ExampleGroup> groups;
  groups.push_back(fixture.group(4, {2, 5, 3}));
  groups.back().scores = {0.5, 0.9, 0.5};
  groups.push_back(fixture.group(3, {4, 1}));  // no scores: as it stands
  const DataSet data = test::data_of(std::move(groups));
  const LossInfo& info = *test::expect_value(find_loss("kwise_bradley_terry"));
  const LossOptions options(info.parameters);
  ASSERT_TRUE(check_reward_rows(info, options, data, {}).has_value());
  RewardObjective objective(info, options, *learner, data, {});
  const auto output = [&](size_t group, size_t answer) {
    return plain_outputs(learner->twin(), data.groups[group].answers[answer]).select(0, 0);
  };
  const auto nll = [](const at::Tensor& z) { return -at::log_sigmoid(z); };
  const at::Tensor tie = output(0, 0) - output(0, 2);
  const at::Tensor first = (nll(output(0, 1) - output(0, 0)) + nll(output(0, 1) - output(0, 2)) +
                            (nll(tie) + nll(-tie)) / 2) /
                           3;
  const at::Tensor second = nll(output(1, 0) - output(1, 1));
  expect_matches(*learner, data, objective, (first + second) / 2);
}

TEST(RewardObjective, RatingsOfAttributesWhereThereAreSome) {
  ObjectiveFixture fixture;
  const auto learner = reward_learner(fixture, 2);
  std::vector<ExampleGroup> groups;
  groups.push_back(fixture.group(4, {3}));
  groups.back().ratings = {{"clear", 3}, {"kind", 1}};
  groups.push_back(fixture.group(2, {5}));
  groups.back().ratings = {{"kind", 4}, {"other", 9}};
  const DataSet data = test::data_of(std::move(groups));
  const std::vector<std::string> attributes = {"clear", "kind"};
  const LossInfo& info = *test::expect_value(find_loss("reward_regression"));
  const LossOptions options(info.parameters);
  ASSERT_TRUE(check_reward_rows(info, options, data, attributes).has_value());
  RewardObjective objective(info, options, *learner, data, attributes);
  const at::Tensor a = plain_outputs(learner->twin(), data.groups[0].answers[0]);
  const at::Tensor b = plain_outputs(learner->twin(), data.groups[1].answers[0]);
  const at::Tensor plain = ((a.select(0, 0) - 3).square() + (a.select(0, 1) - 1).square() +
                            (b.select(0, 1) - 4).square()) /
                           3;
  expect_matches(*learner, data, objective, plain);
}

TEST(RewardObjective, RowsThatDoNotFitAreNamed) {
  ObjectiveFixture fixture;
  std::vector<ExampleGroup> groups;
  groups.push_back(fixture.group(4, {3}));
  groups.back().id = "row 9";
  const DataSet data = test::data_of(std::move(groups));
  const LossInfo& regression = *test::expect_value(find_loss("reward_regression"));
  const LossInfo& pairs = *test::expect_value(find_loss("bradley_terry"));
  const auto message = [&](const LossInfo& info, const std::vector<std::string>& attributes) {
    const auto checked = check_reward_rows(info, LossOptions(info.parameters), data, attributes);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(message(regression, {"clear"}), "row row 9 has no rating of reward.attributes (clear)");
  EXPECT_TRUE(message(regression, {}).starts_with("reward_regression learns ratings; name"));
  EXPECT_TRUE(message(pairs, {"clear"}).starts_with("reward.attributes is for"));
  EXPECT_TRUE(message(pairs, {}).starts_with("row row 9: bradley_terry learns from pairs"));
}

TEST(RewardObjective, RankedRowsWithScoresThatAreNoOrderAreNamed) {
  ObjectiveFixture fixture;
  const auto refused = [&](std::string_view loss, const std::vector<double>& scores) {
    std::vector<ExampleGroup> groups;
    groups.push_back(fixture.group(4, {3, 2}));
    groups.push_back(fixture.group(4, {3, 2, 2}));
    groups.back().id = "row 9";
    groups.back().scores = scores;
    const LossInfo& info = *test::expect_value(find_loss(loss));
    const DataSet data = test::data_of(std::move(groups));
    const auto checked = check_reward_rows(info, LossOptions(info.parameters), data, {});
    return checked ? std::string() : checked.error().message;
  };
  const double none = std::nan("");
  for (const char* const loss : {"plackett_luce", "kwise_bradley_terry"}) {
    EXPECT_EQ(refused(loss, {none, none, none}), "");
    EXPECT_EQ(refused(loss, {0.1, 0.3, 0.2}), "");
    EXPECT_TRUE(refused(loss, {0.1, none, 0.2}).starts_with("row row 9: 2 of its 3 answers have"))
        << refused(loss, {0.1, none, 0.2});
  }
  EXPECT_EQ(refused("kwise_bradley_terry", {0.1, 0.3, 0.1}), "");
  EXPECT_TRUE(refused("plackett_luce", {0.1, 0.3, 0.1})
                  .starts_with("plackett_luce: row row 9: two answers have the score 0.1"));
}

}  // namespace
}  // namespace cupel::align
