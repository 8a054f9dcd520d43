#pragma once

#include <cstddef>

namespace cupel::tensor {

/// How many threads libtorch computes one operation with; what is computed in which order, and so
/// the last bits of sums, depend on it. Before the first operation, for the whole process.
void set_threads(size_t count);
size_t threads();

}  // namespace cupel::tensor
