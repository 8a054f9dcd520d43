#pragma once

#include <memory>

#include "engine/kernels/kernel_table.h"
#include "engine/kernels/operators.h"

namespace cupel::engine::kernels {

/// Operators over the plain functions of one level. Packing is the same at all levels.
std::unique_ptr<const Operators> make_table_operators(CpuLevel level, const KernelTable& table);

}  // namespace cupel::engine::kernels
