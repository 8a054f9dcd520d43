#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/kernels/kernel_table.h"
#include "engine/kernels/operators.h"

namespace cupel::engine::kernels {

/// The tensor types that kernels read, by their index (Format).
std::span<const TensorType> kernel_types();
/// The kernels' index of a tensor type, or nothing when no kernel reads it.
std::optional<Format> format_of(TensorType type);

// See Operators. The layout is drawn in weight_layout.h.
Result<size_t> packed_bytes(TensorType type, int64_t rows, int64_t cols);
void pack_rows(const PackedMatrix& matrix,
               int64_t first,
               int64_t count,
               std::span<const std::byte> bytes);
Result<PackedMatrix> pack_matrix(TensorType type,
                                 int64_t rows,
                                 int64_t cols,
                                 std::span<const std::byte> bytes);
std::vector<std::byte> unpack_matrix(const PackedMatrix& matrix);
void dequantise_packed_row(const PackedMatrix& matrix, int64_t row, float* out);

}  // namespace cupel::engine::kernels
