#pragma once

#include "engine/kernels/kernel_args.h"

namespace cupel::engine {

/// Fills `buffer.by_column` from the rows' lists: after all rows were quantised, before a product.
void sort_outliers(const ActivationBuffer& buffer);

}  // namespace cupel::engine
