#pragma once

#include "engine/model/description.h"
#include "tensor/tensor.h"

namespace cupel::train {

/// activation(gate) · up, of which backward computes both factors again from gate and up.
///
/// Shapes: gate, up [T, F] → the same. `up` undefined: activation(gate) alone. Types: bf16 is
/// computed in f32 and rounded once on the CPU. Gradients flow to both.
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up, engine::GateKind kind);

/// Of gate and up side by side, [T, 2 F] → [T, F].
at::Tensor gated_halves(const at::Tensor& both, engine::GateKind kind);

/// The same by libtorch's operations, one by one: on other devices and in f64.
at::Tensor plain_gated(const at::Tensor& gate, const at::Tensor& up, engine::GateKind kind);

}  // namespace cupel::train
