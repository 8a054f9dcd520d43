#pragma once

#include <span>

#include "tensor/tensor.h"

namespace cupel::train {

/// √ of the sum of all squares of gradients, undefined ones aside; NaN or ∞ when one of them is.
/// Sums are f32 per tensor (f64 of f64) and f64 over tensors, in order: the same on every run.
double gradient_norm(std::span<const at::Tensor> gradients);

/// Scales gradients of that norm so that it is at most `max_norm` > 0: by max_norm / (norm + 1e-6),
/// as libtorch does. Nothing happens below.
void clip_gradients_(std::span<const at::Tensor> gradients, double norm, double max_norm);

}  // namespace cupel::train
