#include "train/model/kernel_values.h"

#include "train/kernels/transpose.h"

namespace cupel::train {

at::Tensor turned(const at::Tensor& x) {
  if (!has_kernels(x) || x.scalar_type() != at::kBFloat16) {
    return x.t();
  }
  const at::Tensor dense = x.contiguous();
  const int64_t rows = x.size(0);
  const int64_t cols = x.size(1);
  const at::Tensor result = at::empty({cols, rows}, x.options());
  const auto* const from = static_cast<const uint16_t*>(dense.const_data_ptr());
  auto* const to = static_cast<uint16_t*>(result.mutable_data_ptr());
  tensor::for_each_part(cols, tensor::parts_of(rows * cols, 1 << 14),
                        [&](int64_t /*part*/, int64_t begin, int64_t end) {
                          kernels::transpose16(from, rows, cols, begin, end, to);
                        });
  return result;
}

}  // namespace cupel::train
