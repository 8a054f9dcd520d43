// Copies of parameters in the type of products follow every way in which parameters change.
#include "train/model/cast_weights.h"

#include <array>

#include <gtest/gtest.h>

#include "tensor/autograd.h"
#include "train/optimiser/optimiser.h"

namespace cupel::train {
namespace {

at::Tensor ramp(int64_t rows) {
  return at::arange(rows * 32, at::kFloat).view({rows, 32}) / 100 + 1;
}

void expect_current(CastWeights& casts, const at::Tensor& parameter) {
  const at::Tensor& copy = casts.get(parameter, at::kBFloat16);
  EXPECT_EQ(copy.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(copy.equal(parameter.detach().to(at::kBFloat16)));
}

TEST(CastWeights, AreMadeOnceUntilTheParameterChanges) {
  CastWeights casts;
  const at::Tensor parameter = ramp(2).set_requires_grad(true);
  const void* const first = casts.get(parameter, at::kBFloat16).const_data_ptr();
  EXPECT_EQ(casts.get(parameter, at::kBFloat16).const_data_ptr(), first);
  const tensor::RecordingGuard off(false);
  parameter.add_(1);
  EXPECT_EQ(casts.get(parameter, at::kBFloat16).const_data_ptr(), first);  // the same memory
  expect_current(casts, parameter);
  parameter.detach().mul_(3);
  expect_current(casts, parameter);
  parameter.narrow(0, 1, 1).copy_(at::zeros({1, 32}));
  expect_current(casts, parameter);
  EXPECT_TRUE(casts.get(parameter, at::kDouble).equal(parameter.to(at::kDouble)));
}

// An optimiser that wrote past libtorch's count would train on old weights.
TEST(CastWeights, FollowEveryOptimiser) {
  for (const OptimiserInfo& info : optimisers()) {
    CastWeights casts;
    const at::Tensor parameter = ramp(200).set_requires_grad(true);
    const at::Tensor before = parameter.detach().clone();
    expect_current(casts, parameter);
    auto optimiser = info.make({{.name = "w", .tensor = parameter, .decays = true}}, {});
    ASSERT_TRUE(optimiser.has_value()) << info.name;
    for (int step = 0; step < 2; ++step) {
      const std::array<at::Tensor, 1> gradients = {ramp(200)};
      (*optimiser)->step(gradients, 0.5);
      ASSERT_FALSE(parameter.equal(before)) << info.name;
      expect_current(casts, parameter);
    }
  }
}

}  // namespace
}  // namespace cupel::train
