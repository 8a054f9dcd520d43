#pragma once

#include <cstdint>

#include "base/rng.h"
#include "tensor/tensor.h"

namespace cupel::train::test {

/// Uniform in [-1, 1), f64: a function of the seed and the place.
inline at::Tensor random_tensor(at::IntArrayRef shape, uint64_t seed) {
  at::Tensor result = at::empty(shape, at::kDouble);
  for (int64_t i = 0; i < result.numel(); ++i) {
    result.mutable_data_ptr<double>()[i] = 2 * random_unit(seed, 0, static_cast<uint64_t>(i)) - 1;
  }
  return result;
}

/// The largest absolute difference.
inline double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.detach().to(at::kDouble) - b.detach().to(at::kDouble)).abs().max().item<double>();
}

}  // namespace cupel::train::test
