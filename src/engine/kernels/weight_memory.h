#pragma once

#include <cstddef>
#include <memory>

#include "base/result.h"

namespace cupel::engine {

/// Memory for packed weights, ≥ 64-byte aligned, contents undefined. From 4 MiB on it stands on
/// huge pages where the system grants them: decoding walks through all weights for each token and
/// then misses the TLB less; loading meets a page fault per 2 MiB instead of per 4 KiB. So one
/// block for all matrices of a model beats one for each. Errors: kExhausted.
Result<std::shared_ptr<std::byte[]>> allocate_weights(size_t bytes);

}  // namespace cupel::engine
