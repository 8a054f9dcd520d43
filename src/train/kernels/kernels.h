#pragma once

#include "engine/kernels/operators.h"
#include "train/kernels/kernel_table.h"

namespace cupel::train::kernels {

/// The kernels of a CPU level that this machine has (engine::available_cpu_levels).
const KernelTable& kernels_of(engine::CpuLevel level);
/// Those of the best one.
const KernelTable& kernels();

}  // namespace cupel::train::kernels
