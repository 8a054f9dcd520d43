#pragma once

#include <cstdint>

#include "base/function_ref.h"

namespace cupel::tensor {

/// How many parts `for_each_part` makes: at most one for each thread, each of at least `grain`
/// items; one where libtorch's threads are at work already.
int64_t parts_of(int64_t count, int64_t grain);

/// Splits [0, count) into `parts` ranges of equal size, on libtorch's own threads: a second pool
/// would fight with it for the processors. Which item is in which part depends on the numbers
/// alone.
void for_each_part(int64_t count,
                   int64_t parts,
                   FunctionRef<void(int64_t part, int64_t begin, int64_t end)> body);

}  // namespace cupel::tensor
