#include "tensor/masked.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace cupel::tensor {
namespace {

at::Tensor row(const std::vector<double>& values) {
  at::Tensor tensor = at::empty({1, static_cast<int64_t>(values.size())}, at::kDouble);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<double>());
  return tensor;
}

TEST(MaskedSum, LooksAtNothingElse) {
  at::Tensor values = row({1, NAN, 4});
  values.set_requires_grad(true);
  const at::Tensor mask = row({1, 0, 1}).to(at::kBool);
  const at::Tensor sum = masked_sum(values, mask, {});
  EXPECT_EQ(sum.item<double>(), 5);
  sum.backward();
  EXPECT_EQ(values.grad().select(1, 0).item<double>(), 1);
  EXPECT_EQ(values.grad().select(1, 1).item<double>(), 0);
  at::Tensor weighted = row({1, 2, 4});
  weighted.set_requires_grad(true);
  const at::Tensor product = masked_sum(weighted, mask, row({0.5, NAN, 2}));
  EXPECT_EQ(product.item<double>(), 8.5);
  product.backward();
  EXPECT_EQ(weighted.grad().select(1, 1).item<double>(), 0);
  EXPECT_EQ(weighted.grad().select(1, 2).item<double>(), 2);
}

TEST(MaskedCount, CountsTokensOrTheirWeights) {
  const at::Tensor mask = row({1, 0, 1}).to(at::kBool);
  EXPECT_EQ(masked_count(mask, {}, row({})).item<double>(), 2);
  EXPECT_EQ(masked_count(mask, row({0.5, NAN, 2}), row({})).item<double>(), 2.5);
}

/// a, and log(1 − e^a) from 60-digit decimal arithmetic.
struct Exact {
  double a;
  double value;
};

TEST(Log1mexp, HoldsTwelveDigitsOnBothSidesOfTheBorder) {
  for (const Exact& exact : std::vector<Exact>{{-1e-08, -18.420680748952364},
                                               {-0.0001, -9.210390371559516},
                                               {-0.6931, -0.6931943633460008},
                                               {-0.6932, -0.6930943639096365},
                                               {-5.0, -0.006760749449488557},
                                               {-80.0, -1.8048513878454153e-35}}) {
    at::Tensor a = row({exact.a});
    a.set_requires_grad(true);
    const at::Tensor value = log1mexp(a);
    EXPECT_NEAR(value.item<double>() / exact.value, 1, 1e-12) << exact.a;
    value.sum().backward();
    const double slope = 1 / std::expm1(-exact.a);  // e^a / (1 − e^a)
    EXPECT_NEAR(a.grad().item<double>() / -slope, 1, 1e-9) << exact.a;
  }
}

}  // namespace
}  // namespace cupel::tensor
