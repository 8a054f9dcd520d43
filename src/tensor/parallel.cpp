#include "tensor/parallel.h"

#include <algorithm>

#include <omp.h>

namespace cupel::tensor {

int64_t parts_of(int64_t count, int64_t grain) {
  const int64_t most = omp_in_parallel() != 0 ? 1 : omp_get_max_threads();
  return std::clamp<int64_t>(count / std::max<int64_t>(grain, 1), 1, most);
}

void for_each_part(int64_t count,
                   int64_t parts,
                   FunctionRef<void(int64_t part, int64_t begin, int64_t end)> body) {
  // All threads come, though some find nothing to do: a team of another size would start new ones.
#pragma omp parallel for schedule(static, 1) if (parts > 1)
  for (int64_t part = 0; part < parts; ++part) {
    body(part, count * part / parts, count * (part + 1) / parts);
  }
}

}  // namespace cupel::tensor
