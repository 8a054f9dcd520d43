#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "engine/checkpoint/tensor_type.h"

namespace cupel::test {

/// Writes config.json and model.safetensors of a fixture of bench/oracles/families_oracle.py into
/// `folder`: its "config", and its "tensors" filled with the numbers that the script computes from
/// their names: first rounded to the type `rounded`, then stored as `stored` (F32, F16, BF16 or an
/// 8-bit float); and its "files" {name: content}, where it has some (encoders_oracle.py).
Result<Ok> write_seeded_checkpoint(const Json& fixture,
                                   const std::string& folder,
                                   engine::TensorType rounded = engine::TensorType::kF32,
                                   engine::TensorType stored = engine::TensorType::kF32);

}  // namespace cupel::test
