#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/runtime/rope_table.h"
#include "tensor/tensor.h"

namespace cupel::train {

/// The rotations of a batch's tokens under one rotary variant. Constants of the engine's own
/// tables: both rotate by the same numbers.
struct Rotation {
  at::Tensor cos;          ///< [T, 1, R/2] f32
  at::Tensor sin;          ///< the same
  int64_t rotary_dim = 0;  ///< R: dimensions of a head that rotate, from the front; 0 = none
  bool interleaved = false;
};

/// Where a token stands: its position, and whether LongRoPE's factors of long texts are its own.
struct TokenPlace {
  int64_t position = 0;
  bool long_factors = false;
};

/// `table` must reach all positions.
Rotation rotation_of(const engine::RopeDescription& rope,
                     const engine::RopeTable& table,
                     std::span<const TokenPlace> places,
                     at::Device device);

/// Rotates the heads: pairs (i, i + R/2), or (2i, 2i + 1) where interleaved, by their angles.
/// Shapes: x [T, N, H] → the same. Types: bf16 is computed in f32. Gradients flow to x.
at::Tensor rotate(const at::Tensor& x, const Rotation& rotation);

}  // namespace cupel::train
