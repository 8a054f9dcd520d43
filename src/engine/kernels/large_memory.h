#pragma once

#include <cstddef>
#include <memory>

#include "base/result.h"

namespace cupel::engine {

/// `bytes` of memory, ≥ 64-byte aligned, contents undefined, for free_large; nullptr where there is
/// none. From 4 MiB on it stands on huge pages where the system grants them: what walks through
/// much memory, or writes rows that lie far apart, then misses the TLB less, and the first touch
/// meets a page fault per 2 MiB instead of per 4 KiB.
void* allocate_large(size_t bytes);

void free_large(void* memory);

/// Memory for packed weights: one block for all matrices of a model beats one for each, since
/// decoding walks through all of them for each token. Errors: kExhausted.
Result<std::shared_ptr<std::byte[]>> allocate_weights(size_t bytes);

}  // namespace cupel::engine
