#include "tensor/threads.h"

#include <ATen/Parallel.h>

namespace cupel::tensor {

void set_threads(size_t count) {
  at::set_num_threads(static_cast<int>(count));
}

size_t threads() {
  return static_cast<size_t>(at::get_num_threads());
}

}  // namespace cupel::tensor
