#include "engine/kernels/lanes_scalar.h"
// The operators below are written over the Lanes of the level included above.
#include "engine/kernels/lane_table.h"

namespace cupel::engine::kernels {

const KernelTable& scalar_kernels() {
  static const KernelTable table = make_table(&scalar_linear_int8);
  return table;
}

}  // namespace cupel::engine::kernels
