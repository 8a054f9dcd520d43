#include "train/optimiser/optimiser.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "train/optimiser/block_codes.h"
#include "train/optimiser/gradient_norm.h"
#include "train/optimiser/stochastic_rounding.h"

namespace cupel::train {
namespace {

at::Tensor tensor_of(const std::vector<double>& values, at::ScalarType type = at::kDouble) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kDouble);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<double>());
  return tensor.to(type);
}

at::Tensor random_tensor(at::IntArrayRef shape, Rng& rng, at::ScalarType type = at::kDouble) {
  at::Tensor tensor = at::empty(shape, at::kDouble);
  auto* data = tensor.mutable_data_ptr<double>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    data[i] = rng.normal();
  }
  return tensor.to(type);
}

std::unique_ptr<Optimiser> made(std::string_view name,
                                std::vector<TrainedParameter> parameters,
                                const OptimiserOptions& options = {}) {
  auto optimiser = make_optimiser(name, std::move(parameters), options);
  EXPECT_TRUE(optimiser.has_value()) << optimiser.error().message;
  return std::move(*optimiser);
}

double largest_gap(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

/// The update rule written out, number by number.
struct PlainAdamW {
  std::vector<double> p, m, v;
  int64_t t = 0;

  void step_in_kernel_order(
      const std::vector<double>& g, double lr, double b1, double b2, double eps, double wd) {
    ++t;
    const double step_size = lr / (1 - std::pow(b1, static_cast<double>(t)));
    const double root2 = std::sqrt(1 - std::pow(b2, static_cast<double>(t)));
    for (size_t i = 0; i < p.size(); ++i) {
      p[i] = p[i] * (1 - lr * wd);
      m[i] = m[i] + (1 - b1) * (g[i] - m[i]);
      v[i] = v[i] * b2 + (1 - b2) * g[i] * g[i];
      p[i] = p[i] - step_size * m[i] / (std::sqrt(v[i]) / root2 + eps);
    }
  }

  void step(const std::vector<double>& g, double lr, double b1, double b2, double eps, double wd) {
    ++t;
    const double c1 = 1 - std::pow(b1, static_cast<double>(t));
    const double c2 = 1 - std::pow(b2, static_cast<double>(t));
    for (size_t i = 0; i < p.size(); ++i) {
      p[i] -= lr * wd * p[i];
      m[i] = b1 * m[i] + (1 - b1) * g[i];
      v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
      p[i] -= lr * (m[i] / c1) / (std::sqrt(v[i] / c2) + eps);
    }
  }
};

TEST(AdamW, ThreeStepsByHand) {
  const at::Tensor p = tensor_of({1});
  const auto adam = made("adamw", {{.name = "p", .tensor = p, .decays = true}},
                         {.weight_decay = 0.1, .beta1 = 0.9, .beta2 = 0.95});
  const double expected[] = {0.890000002, 0.85426306, 0.78084593};
  const double gradients[] = {0.5, -0.25, 1};
  for (int i = 0; i < 3; ++i) {
    const at::Tensor g = tensor_of({gradients[i]});
    adam->step(std::vector{g}, 0.1);
    EXPECT_NEAR(p.item<double>(), expected[i], 1e-8) << "step " << i;
  }
  EXPECT_EQ(adam->steps(), 3);
}

// Of libtorch's own operations one by one, as its unfused optimiser has them; of the fused kernel's
// order of operations number by number; and of the rule as it is printed.
TEST(AdamW, FiftyStepsAreThoseOfTheUnfusedUpdate) {
  Rng rng(7);
  const double b1 = 0.9;
  const double b2 = 0.95;
  const double wd = 0.1;
  const double eps = 1e-8;
  const at::Tensor start = random_tensor({7, 13}, rng);
  const at::Tensor p = start.clone();
  const at::Tensor other = random_tensor({5}, rng);
  const at::Tensor q = start.clone();
  at::Tensor m = at::zeros_like(q);
  at::Tensor v = at::zeros_like(q);
  const std::vector<double> first(start.const_data_ptr<double>(),
                                  start.const_data_ptr<double>() + start.numel());
  PlainAdamW plain{.p = first, .m = std::vector<double>(first.size()), .v = {}};
  plain.v = plain.m;
  PlainAdamW ordered = plain;
  const auto adam = made("adamw",
                         {{.name = "other", .tensor = other, .lr_scale = 0.5},
                          {.name = "p", .tensor = p, .decays = true}},
                         {.weight_decay = wd, .beta1 = b1, .beta2 = b2, .epsilon = eps});
  for (int t = 1; t <= 50; ++t) {
    const double lr = 0.01 * random_unit(3, 0, static_cast<uint64_t>(t));
    const at::Tensor g = random_tensor({7, 13}, rng);
    const std::vector<double> numbers(g.const_data_ptr<double>(),
                                      g.const_data_ptr<double>() + g.numel());
    plain.step(numbers, lr, b1, b2, eps, wd);
    ordered.step_in_kernel_order(numbers, lr, b1, b2, eps, wd);
    q.mul_(1 - lr * wd);
    m.lerp_(g, 1 - b1);
    v.mul_(b2).addcmul_(g, g, 1 - b2);
    const at::Tensor root = (v.sqrt() / std::sqrt(1 - std::pow(b2, t))).add_(eps);
    q.addcdiv_(m, root, -lr / (1 - std::pow(b1, t)));
    adam->step(std::vector{random_tensor({5}, rng), g.clone()}, lr);
  }
  EXPECT_LT(largest_gap(p.view(-1), tensor_of(ordered.p)), 1.2e-16) << "one unit in the last place";
  // One operation rounds where the kernel does not: a last bit of numbers near 1.
  EXPECT_LT(largest_gap(p, q), 1e-15);
  EXPECT_LT(largest_gap(p.view(-1), tensor_of(plain.p)), 1e-14);
}

TEST(AdamW, ParameterWithoutGradientStays) {
  const at::Tensor p = tensor_of({1, 2});
  const auto adam =
      made("adamw", {{.name = "p", .tensor = p, .decays = true}}, {.weight_decay = 0.1});
  adam->step(std::vector{at::Tensor()}, 0.1);
  EXPECT_EQ(largest_gap(p, tensor_of({1, 2})), 0);
}

TEST(AdamW, DecayAndLearningRateAreByParameter) {
  const at::Tensor a = tensor_of({1});
  const at::Tensor b = tensor_of({1});
  const at::Tensor c = tensor_of({1});
  const auto adam = made("adamw",
                         {{.name = "a", .tensor = a, .decays = true},
                          {.name = "b", .tensor = b},
                          {.name = "c", .tensor = c, .lr_scale = 0.5}},
                         {.weight_decay = 0.1});
  const at::Tensor g = tensor_of({1});
  adam->step(std::vector{g.clone(), g.clone(), g.clone()}, 0.1);
  EXPECT_NEAR(a.item<double>(), 0.89, 1e-8);  // 1 - 0.01 - 0.1
  EXPECT_NEAR(b.item<double>(), 0.9, 1e-8);
  EXPECT_NEAR(c.item<double>(), 0.95, 1e-8);
}

TEST(Sgd, MomentumByHand) {
  const at::Tensor p = tensor_of({1});
  const auto sgd = made("sgd", {{.name = "p", .tensor = p}}, {.momentum = 0.5});
  sgd->step(std::vector{tensor_of({1})}, 0.1);
  EXPECT_NEAR(p.item<double>(), 0.9, 1e-15);
  sgd->step(std::vector{tensor_of({1})}, 0.1);  // velocity 1.5
  EXPECT_NEAR(p.item<double>(), 0.75, 1e-15);
}

// v̂ = R Cᵀ / mean(R) with R = (2.5, 12.5), C = (5, 10).
TEST(Adafactor, FirstStepByHand) {
  const at::Tensor p = at::zeros({2, 2}, at::kDouble);
  const auto adafactor = made("adafactor", {{.name = "p", .tensor = p}});
  adafactor->step(std::vector{tensor_of({1, 2, 3, 4}).view({2, 2})}, 1);
  const at::Tensor u = tensor_of({0.77460, 1.09545, 1.03923, 0.97980});
  EXPECT_LT(largest_gap(p.view(-1), -u), 5e-6);
  for (const NamedTensor& entry : adafactor->state()) {
    const at::Tensor expected =
        entry.name == "p.rows" ? tensor_of({2.5, 12.5}) : tensor_of({5, 10});
    EXPECT_LT(largest_gap(entry.tensor, expected), 1e-12) << entry.name;
  }
}

// Of a parameter with root mean square 2 the first relative step is min(1e-2, 1)·2.
TEST(Adafactor, RelativeStepFollowsTheParameter) {
  const at::Tensor p = tensor_of({2, 2, 2});
  const auto adafactor = made("adafactor", {{.name = "p", .tensor = p}}, {.relative_lr = true});
  adafactor->step(std::vector{tensor_of({5, 5, 5})}, 1);
  EXPECT_LT(largest_gap(p, tensor_of({1.98, 1.98, 1.98})), 1e-12);
}

TEST(DynamicMap, HasThePublishedNumbers) {
  const std::vector<float> with_sign = dynamic_map(true);
  const std::vector<float> unsigned_map = dynamic_map(false);
  ASSERT_EQ(with_sign.size(), 256U);
  ASSERT_EQ(unsigned_map.size(), 256U);
  EXPECT_FLOAT_EQ(with_sign.front(), -0.99296875F);
  EXPECT_FLOAT_EQ(with_sign.back(), 1);
  EXPECT_FLOAT_EQ(unsigned_map.front(), 0);
  const auto least = [](const std::vector<float>& map) {
    return *std::upper_bound(map.begin(), map.end(), 0.0F);
  };
  EXPECT_FLOAT_EQ(least(with_sign), 5.5e-7F);
  EXPECT_FLOAT_EQ(least(unsigned_map), 3.25e-7F);
}

TEST(BlockCodes, EachNumberBecomesItsNearestCode) {
  Rng rng(3);
  const at::Tensor values = random_tensor({512}, rng, at::kFloat);
  BlockCodes codes(500, true, values);
  codes.encode_(values.clone(), 0);
  const at::Tensor decoded = codes.decode(0, 2);
  const std::vector<float> map = dynamic_map(true);
  for (int64_t i = 0; i < 512; ++i) {
    const float scale = codes.scales[i / 256].item<float>();
    float best = std::numeric_limits<float>::infinity();
    for (const float code : map) {
      best = std::min(best, std::fabs(code * scale - values[i].item<float>()));
    }
    EXPECT_LE(std::fabs(decoded[i].item<float>() - values[i].item<float>()), best * 1.0001F + 1e-9F)
        << i;
  }
}

// So small that after 100 steps much is still to be learnt: near the end differences are relative
// to nothing.
constexpr double kLr = 2e-4;

/// Loss of a two-layer network that learns a fixed one, after `steps` steps.
double loss_after(std::string_view name, int steps, int64_t* state_bytes) {
  Rng rng(11);
  const at::Tensor x = random_tensor({64, 96}, rng, at::kFloat);
  const at::Tensor wanted = at::tanh(at::mm(x, random_tensor({96, 64}, rng, at::kFloat) * 0.1));
  const at::Tensor a = (random_tensor({96, 128}, rng, at::kFloat) * 0.1).set_requires_grad(true);
  const at::Tensor b = (random_tensor({128, 64}, rng, at::kFloat) * 0.1).set_requires_grad(true);
  const auto adam = made(name, {{.name = "a", .tensor = a, .full_state = false},
                                {.name = "b", .tensor = b, .full_state = false}});
  double loss = 0;
  for (int i = 0; i < steps; ++i) {
    const at::Tensor error = (at::mm(at::tanh(at::mm(x, a)), b) - wanted).square().mean();
    error.backward();
    loss = error.item<double>();
    adam->step(std::vector{a.grad(), b.grad()}, kLr);
    a.mutable_grad().reset();
    b.mutable_grad().reset();
  }
  *state_bytes = adam->state_bytes();
  return loss;
}

TEST(AdamW8Bit, LearnsAsWellInAQuarterOfTheMemory) {
  int64_t bytes = 0;
  int64_t bytes_8bit = 0;
  const double loss_at_first = loss_after("adamw", 1, &bytes);
  const double loss = loss_after("adamw", 100, &bytes);
  const double loss_8bit = loss_after("adamw_8bit", 100, &bytes_8bit);
  EXPECT_LT(loss, 0.6 * loss_at_first);
  EXPECT_NEAR(loss_8bit / loss, 1, 0.02) << loss << " and " << loss_8bit;
  EXPECT_LE(static_cast<double>(bytes_8bit), 0.27 * static_cast<double>(bytes));
}

TEST(StochasticRounding, KeepsTheMean) {
  const double value = 1 + 1.0 / 512;  // a quarter of the way between two bf16 numbers
  const at::Tensor values = at::full({10000}, value, at::kFloat);
  at::Tensor rounded = at::empty({10000}, at::kBFloat16);
  round_stochastically(values, rounded, 42);
  EXPECT_NEAR(rounded.to(at::kDouble).mean().item<double>(), value, 1e-4);
  EXPECT_EQ(values.to(at::kBFloat16).to(at::kDouble).mean().item<double>(), 1) << "the nearest";
  at::Tensor again = at::empty({10000}, at::kBFloat16);
  round_stochastically(values, again, 42);
  EXPECT_EQ(largest_gap(rounded, again), 0);
  round_stochastically(-values, again, 42);
  EXPECT_EQ(largest_gap(rounded, -again), 0);
}

TEST(StochasticRounding, StepsBelowTheSpacingAddUp) {
  const at::Tensor p = at::full({4096}, 1, at::kBFloat16);
  const auto sgd = made("sgd", {{.name = "p", .tensor = p}});
  for (int i = 0; i < 64; ++i) {
    sgd->step(std::vector{at::full({4096}, -1, at::kBFloat16)}, 1e-3);  // spacing: 1/128
  }
  EXPECT_NEAR(p.to(at::kDouble).mean().item<double>(), 1.064, 1e-3);
}

class EveryOptimiser : public ::testing::TestWithParam<std::string> {};

// Half of the steps, then the state into a new object: the same as all steps at once.
TEST_P(EveryOptimiser, GoesOnExactlyFromItsState) {
  const auto gradient = [](int step, at::IntArrayRef shape) {
    Rng rng(5, static_cast<uint64_t>(step));
    return random_tensor(shape, rng, at::kFloat);
  };
  Rng rng(9);
  const at::Tensor a = random_tensor({100, 60}, rng, at::kFloat);
  const at::Tensor b = random_tensor({10}, rng, at::kFloat);
  const auto parameters = [](const at::Tensor& x, const at::Tensor& y) {
    return std::vector<TrainedParameter>{
        {.name = "a", .tensor = x, .decays = true, .full_state = false},
        {.name = "b", .tensor = y}};
  };
  const OptimiserOptions options = {.weight_decay = 0.1, .momentum = 0.9};
  const at::Tensor a2 = a.clone();
  const at::Tensor b2 = b.clone();
  const auto whole = made(GetParam(), parameters(a, b), options);
  const auto first = made(GetParam(), parameters(a2, b2), options);
  for (int i = 0; i < 8; ++i) {
    whole->step(std::vector{gradient(i, {100, 60}), gradient(i + 100, {10})}, 0.01);
  }
  for (int i = 0; i < 4; ++i) {
    first->step(std::vector{gradient(i, {100, 60}), gradient(i + 100, {10})}, 0.01);
  }
  std::vector<NamedTensor> saved;
  for (const NamedTensor& entry : first->state()) {
    saved.push_back({entry.name, entry.tensor.clone()});
  }
  const auto second = made(GetParam(), parameters(a2, b2), options);
  const auto restored = second->restore(first->steps(), saved);
  ASSERT_TRUE(restored.has_value()) << restored.error().message;
  for (int i = 4; i < 8; ++i) {
    second->step(std::vector{gradient(i, {100, 60}), gradient(i + 100, {10})}, 0.01);
  }
  EXPECT_EQ(largest_gap(a, a2), 0);
  EXPECT_EQ(largest_gap(b, b2), 0);
  EXPECT_EQ(second->steps(), 8);
}

TEST_P(EveryOptimiser, RefusesAStateOfAnotherModel) {
  const auto one =
      made(GetParam(), {{.name = "a", .tensor = at::zeros({3, 3})}}, {.momentum = 0.9});
  std::vector<NamedTensor> state = one->state();
  state.pop_back();
  const auto restored = one->restore(1, state);
  ASSERT_FALSE(restored.has_value());
  EXPECT_EQ(restored.error().code, Code::kCorruptData);
  EXPECT_NE(restored.error().message.find("a."), std::string::npos) << restored.error().message;
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const OptimiserInfo& info : optimisers()) {
    names.emplace_back(info.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Registry,
                         EveryOptimiser,
                         ::testing::ValuesIn(all_names()),
                         [](const auto& test) { return test.param; });

TEST(Optimisers, UnknownNameHasTheNearest) {
  const auto found = find_optimiser("adamv");
  ASSERT_FALSE(found.has_value());
  EXPECT_NE(found.error().message.find("did you mean \"adamw\"?"), std::string::npos)
      << found.error().message;
  EXPECT_TRUE(find_optimiser("adamw-8bit").has_value());
}

TEST(Optimisers, OptionsOutsideTheirRange) {
  const auto made_with = make_optimiser("adamw", {}, {.beta2 = 1});
  ASSERT_FALSE(made_with.has_value());
  EXPECT_NE(made_with.error().message.find("beta2"), std::string::npos);
}

TEST(GradientNorm, IsOfAllTensorsAndClips) {
  const at::Tensor a = tensor_of({3, 0});
  const at::Tensor b = tensor_of({4});
  const std::vector<at::Tensor> gradients = {a, at::Tensor(), b};
  EXPECT_NEAR(gradient_norm(gradients), 5, 1e-15);
  clip_gradients_(gradients, 5, 10);
  EXPECT_EQ(a[0].item<double>(), 3);
  clip_gradients_(gradients, 5, 1);
  EXPECT_NEAR(a[0].item<double>(), 0.6, 1e-6);
  EXPECT_NEAR(b[0].item<double>(), 0.8, 1e-6);
  b.fill_(std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(std::isnan(gradient_norm(gradients)));
}

}  // namespace
}  // namespace cupel::train
