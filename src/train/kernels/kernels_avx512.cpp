#include "engine/kernels/lanes_avx512.h"
// The kernels below are written over the Lanes of the level included above.
#include "train/kernels/lane_table.h"

namespace cupel::train::kernels {

const KernelTable& avx512_kernels() {
  static const KernelTable table = make_table();
  return table;
}

}  // namespace cupel::train::kernels
