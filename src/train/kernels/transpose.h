#pragma once

#include <cstdint>

namespace cupel::train::kernels {

/// Writes columns [begin, end) of a matrix of 16-bit numbers [rows, cols] as rows of [cols, rows].
/// oneDNN turns matrices round at a quarter of this speed, as long as a product itself takes
/// (measured).
void transpose16(
    const uint16_t* from, int64_t rows, int64_t cols, int64_t begin, int64_t end, uint16_t* to);

}  // namespace cupel::train::kernels
