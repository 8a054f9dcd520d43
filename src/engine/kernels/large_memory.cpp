#include "engine/kernels/large_memory.h"

#include <cstdlib>

#include <sys/mman.h>

#include "base/error.h"

namespace cupel::engine {
namespace {

constexpr size_t kHugePage = size_t{2} << 20U;

}  // namespace

void* allocate_large(size_t bytes) {
  const size_t alignment = bytes >= 2 * kHugePage ? kHugePage : 64;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory != nullptr && alignment == kHugePage) {
    // A wish: nothing is lost where it is not granted. Not for the last, partly used page.
    madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  }
  return memory;
}

void free_large(void* memory) {
  std::free(memory);
}

Result<std::shared_ptr<std::byte[]>> allocate_weights(size_t bytes) {
  void* memory = allocate_large(bytes);
  if (memory == nullptr) {
    return exhausted("no memory for {} bytes of weights", bytes);
  }
  return std::shared_ptr<std::byte[]>(static_cast<std::byte*>(memory), &free_large);
}

}  // namespace cupel::engine
