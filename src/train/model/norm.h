#pragma once

#include "engine/model/description.h"
#include "tensor/tensor.h"

namespace cupel::train {

/// How a norm is computed, of all norms of a model.
struct NormSettings {
  engine::NormKind kind = engine::NormKind::kRms;
  double epsilon = 1e-5;  ///< added to the mean square
  bool plus_one = false;  ///< weights hold w - 1
};

/// Norm over the last dimension: x / √(mean(x²) + ε) · w, or of kLayer
/// (x - mean) / √(variance + ε) · w + b.
///
/// Shapes: x […, W]; weight [W], or […, W] that broadcasts; bias as weight, or undefined → as x.
/// Types:  bf16 is computed in f32 and rounded once; the result has the type of x.
/// Gradients flow to x, weight and bias.
at::Tensor norm(const at::Tensor& x,
                const at::Tensor& weight,
                const at::Tensor& bias,
                const NormSettings& settings);

}  // namespace cupel::train
