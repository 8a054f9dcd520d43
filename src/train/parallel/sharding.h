#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"
#include "train/parallel/collective.h"

namespace cupel::train {

/// Which process holds the optimiser's state of each parameter and changes it: 0 … ranks − 1 for
/// each of `sizes`. The largest first, each to the process with the least so far, the lower rank of
/// equals: no process has more than 4/3 of the best possible largest share.
///
/// Source: Rajbhandari et al. 2020, "ZeRO", §5.1 (P_os); here whole parameters instead of equal
/// parts of the flat list, so that block-wise and factored states need no exceptions. Graham 1969,
/// "Bounds on multiprocessing timing anomalies", for the bound.
std::vector<int64_t> owners(std::span<const int64_t> sizes, int64_t ranks);

/// Gives every process the parameters as their owners have them, bit by bit, in buckets of 25 MB.
/// Parameters are written in place. With one process nothing happens.
/// Errors: those of the collective; kExhausted - no memory for a bucket.
Result<Ok> share_parameters(Collective& collective,
                            std::span<const at::Tensor> parameters,
                            std::span<const int64_t> owners,
                            std::string_view what);

}  // namespace cupel::train
