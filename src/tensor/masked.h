#pragma once

#include "tensor/tensor.h"

namespace cupel::tensor {

// Letters: B sequences, T tokens, V vocabulary.

/// The values where the mask is true, 0 elsewhere; gradients likewise, whatever stands there. Any
/// one shape.
at::Tensor masked(const at::Tensor& values, const at::Tensor& mask);

/// Sum over tokens where the mask is true; what stands elsewhere is not looked at, NaN neither.
/// Shapes: values [B,T], mask [B,T] bool, weights [B,T] or undefined (1) → [B]. Gradients flow to
/// values alone.
at::Tensor masked_sum(const at::Tensor& values, const at::Tensor& mask, const at::Tensor& weights);

/// Tokens where the mask is true, or the sum of their weights: [B,T] → [B], in the type of `like`.
at::Tensor masked_count(const at::Tensor& mask, const at::Tensor& weights, const at::Tensor& like);

/// log(1 − e^a) for a < 0, to the last digits on both sides of −ln 2: near 0 by expm1, below by
/// log1p. Gradient: −e^a/(1 − e^a), finite for every a < 0 that is not 0. Source: Mächler 2012,
/// "Accurately computing log(1 − exp(−|a|))".
at::Tensor log1mexp(const at::Tensor& a);

}  // namespace cupel::tensor
