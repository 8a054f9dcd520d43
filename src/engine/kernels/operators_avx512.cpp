#include "engine/kernels/lanes_avx512.h"
// The operators below are written over the Lanes of the level included above.
#include "engine/kernels/lane_table.h"

namespace cupel::engine::kernels {

const KernelTable& avx512_kernels() {
  static const KernelTable table = make_table(&avx512_linear_int8);
  return table;
}

}  // namespace cupel::engine::kernels
