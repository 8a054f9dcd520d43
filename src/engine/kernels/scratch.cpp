#include <cstdlib>
#include <memory>
#include <new>

#include "engine/kernels/kernel_table.h"

namespace cupel::engine::kernels {
namespace {

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};

struct Slot {
  std::unique_ptr<void, FreeMemory> memory;
  int64_t bytes = 0;
};

}  // namespace

void* thread_scratch(int slot, int64_t bytes) {
  thread_local Slot slots[kScratchSlots];
  Slot& s = slots[slot];
  if (s.bytes < bytes) {
    const int64_t rounded = (bytes + bytes / 4 + 63) / 64 * 64;
    s.memory.reset();
    s.bytes = 0;
    s.memory.reset(std::aligned_alloc(64, static_cast<size_t>(rounded)));
    if (s.memory == nullptr) {
      throw std::bad_alloc();  // as the batch step's own buffers (Scratch) do
    }
    s.bytes = rounded;
  }
  return s.memory.get();
}

}  // namespace cupel::engine::kernels
