#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace cupel::train {

/// Rounds f32 numbers to bf16: up or down with probabilities that make the mean the number itself.
/// The draw of element i is a function of (key, i): Shapes: both the same. Finite numbers; ±∞ stay.
/// Source: Zamirai et al. 2020, "Revisiting BFloat16 Training", §3.
void round_stochastically(const at::Tensor& values, at::Tensor& rounded, uint64_t key);

}  // namespace cupel::train
