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

/// The parameters of a norm.
struct NormParameters {
  at::Tensor weight;  ///< [W], or […, W] that broadcasts; undefined where the description has none
  at::Tensor bias;    ///< as weight, or undefined
};

/// Norm over the last dimension: x / √(mean(x²) + ε) · w, or of kLayer
/// (x - mean) / √(variance + ε) · w + b.
///
/// Shapes: x […, W] → the same in `type`.
/// Types:  bf16 is computed in f32 and rounded once.
/// Gradients flow to x, weight and bias.
at::Tensor norm(const at::Tensor& x,
                const NormParameters& parameters,
                const NormSettings& settings,
                at::ScalarType type);

/// What a layer adds, and the norm of the sum.
struct AddedNorm {
  at::Tensor sum;     ///< x + addend, as x
  at::Tensor normed;  ///< in `type`
};
/// The same in one pass over memory, with x + addend kept. `addend`: as x, of any floating type; or
/// undefined: the sum is x.
AddedNorm added_norm(const at::Tensor& x,
                     const at::Tensor& addend,
                     const NormParameters& parameters,
                     const NormSettings& settings,
                     at::ScalarType type);

/// The same by libtorch's operations, one by one: on other devices than the CPU, in f64, of weights
/// that broadcast; and what tests compare with.
at::Tensor plain_norm(const at::Tensor& x,
                      const NormParameters& parameters,
                      const NormSettings& settings,
                      at::ScalarType type);

}  // namespace cupel::train
