#pragma once

#include <cstdint>

#include "tensor/tensor.h"
#include "train/optimiser/optimiser.h"

namespace cupel::train {

struct AdamWStep {
  int64_t step = 1;  ///< from 1
  double lr = 0;
  double decay = 0;
  const OptimiserOptions* options = nullptr;  ///< betas and epsilon
};

/// p −= lr·decay·p; m = β1 m + (1−β1) g; v = β2 v + (1−β2) g²; p −= lr·m̂/(√v̂ + ε), m̂ = m/(1−β1^t),
/// v̂ = v/(1−β2^t), by libtorch's fused kernel, which reads and writes every number once.
/// Shapes: all of the same; f32 or f64. `gradient` may be overwritten.
void fused_adamw(const at::Tensor& values,
                 const at::Tensor& gradient,
                 const at::Tensor& mean,
                 const at::Tensor& square,
                 const AdamWStep& step);

}  // namespace cupel::train
