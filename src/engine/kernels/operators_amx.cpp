#include "engine/kernels/kernel_table.h"

namespace cupel::engine::kernels {

const KernelTable& amx_kernels() {
  static const KernelTable table = [] {
    KernelTable t = avx512_kernels();
    for (int format = 0; format < kFormatCount; ++format) {
      t.linear_int8[format] = amx_linear_int8(static_cast<Format>(format));
    }
    t.linear_bf16 = &amx_linear_bf16;
    return t;
  }();
  return table;
}

}  // namespace cupel::engine::kernels
