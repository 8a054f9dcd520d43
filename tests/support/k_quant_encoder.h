#pragma once

#include <cstddef>
#include <span>

#include "engine/checkpoint/tensor_type.h"

namespace cupel::test {

/// As engine::quantize_row, and the K types that Cupel only reads (Q4_K, Q5_K, Q6_K): scales from
/// the extremes of each sub-block, no search. Aborts on other types.
void encode_row_for_tests(engine::TensorType type,
                          std::span<const float> values,
                          std::span<std::byte> out);

}  // namespace cupel::test
