#include "train/kernels/kernels.h"

namespace cupel::train::kernels {

const KernelTable& kernels_of(engine::CpuLevel level) {
#if defined(__x86_64__)
  if (level >= engine::CpuLevel::kAvx512) {
    return avx512_kernels();
  }
  if (level == engine::CpuLevel::kAvx2) {
    return avx2_kernels();
  }
#endif
  return scalar_kernels();
}

const KernelTable& kernels() {
  static const KernelTable& best = kernels_of(engine::best_cpu_level());
  return best;
}

}  // namespace cupel::train::kernels
