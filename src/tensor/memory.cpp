#include "tensor/memory.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <utility>

#include <sys/mman.h>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include "base/check.h"

namespace cupel::tensor {
namespace {

constexpr size_t kPooled = size_t{32} << 10U;  // smaller tensors stay with the C library
constexpr size_t kArena = size_t{256} << 20U;  // what is asked of the system at once, at least
constexpr size_t kRest = size_t{64}
                         << 10U;  // what is left of a block is one of its own from here on
constexpr size_t kHugePage = size_t{2} << 20U;
constexpr size_t kAlignment = 64;

/// Best fit over all arenas; neighbours that are free become one block. Blocks are of any multiple
/// of 64 bytes: pages as the unit would begin all tensors in the same cache sets.
class MemoryPool {
 public:
  void* allocate(size_t bytes) {
    const size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    const std::scoped_lock lock(mutex_);
    auto found = free_.lower_bound({size, nullptr});
    if (found == free_.end()) {
      add_arena(size);
      found = free_.lower_bound({size, nullptr});
    }
    const auto [have, begin] = *found;
    free_.erase(found);
    Block& block = blocks_.at(begin);
    block.free = false;
    if (have - size >= kRest) {
      block.size = size;
      blocks_.emplace(begin + size, Block{.size = have - size, .free = true});
      free_.emplace(have - size, begin + size);
    }
    used_ += block.size;
    return begin;
  }

  /// False where the memory is not of the pool.
  bool release(void* memory) {
    const std::scoped_lock lock(mutex_);
    const auto at = blocks_.find(static_cast<char*>(memory));
    if (at == blocks_.end()) {
      return false;
    }
    CUPEL_CHECK(!at->second.free, "memory of the pool is released once");
    used_ -= at->second.size;
    at->second.free = true;
    auto first = at;
    if (at != blocks_.begin() && joins(std::prev(at), at)) {
      first = std::prev(at);
      take_free(first);
      first->second.size += at->second.size;
      blocks_.erase(at);
    }
    if (const auto after = std::next(first); after != blocks_.end() && joins(first, after)) {
      take_free(after);
      first->second.size += after->second.size;
      blocks_.erase(after);
    }
    free_.emplace(first->second.size, first->first);
    return true;
  }

  PoolUse use() {
    const std::scoped_lock lock(mutex_);
    return {.held = held_, .used = used_};
  }

 private:
  struct Block {
    size_t size = 0;
    bool free = false;
    bool begins_arena = false;
  };
  using Blocks = std::map<char*, Block>;

  static bool joins(Blocks::iterator before, Blocks::iterator after) {
    return before->second.free && after->second.free && !after->second.begins_arena &&
           before->first + before->second.size == after->first;
  }
  void take_free(Blocks::iterator block) { free_.erase({block->second.size, block->first}); }

  void add_arena(size_t size) {
    const size_t wanted = std::max(kArena, (size + kHugePage - 1) / kHugePage * kHugePage);
    // One page more, so that it can begin on a huge one.
    void* const memory = mmap(nullptr, wanted + kHugePage, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      throw std::bad_alloc();
    }
    const auto address = reinterpret_cast<uintptr_t>(memory);
    char* const begin = static_cast<char*>(memory) + (kHugePage - address % kHugePage) % kHugePage;
#if defined(MADV_HUGEPAGE)
    madvise(begin, wanted, MADV_HUGEPAGE);  // a wish: small pages do as well
#endif
    blocks_.emplace(begin, Block{.size = wanted, .free = true, .begins_arena = true});
    free_.emplace(wanted, begin);
    held_ += wanted;
  }

  std::mutex mutex_;
  Blocks blocks_;
  std::set<std::pair<size_t, char*>> free_;
  size_t held_ = 0;
  size_t used_ = 0;
};

MemoryPool& pool() {
  static auto* const the_pool = new MemoryPool;  // outlives every tensor
  return *the_pool;
}

class PoolAllocator final : public c10::Allocator {
 public:
  explicit PoolAllocator(c10::Allocator* other) : other_(other) { instance() = this; }

  c10::DataPtr allocate(size_t bytes) override {
    if (bytes < kPooled) {
      return other_->allocate(bytes);
    }
    void* const memory = pool().allocate(bytes);
    return {memory, memory, &release, c10::Device(c10::DeviceType::CPU)};
  }
  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

 private:
  static PoolAllocator*& instance() {
    static PoolAllocator* one = nullptr;
    return one;
  }
  static void release(void* memory) {
    if (!pool().release(memory)) {
      instance()->other_->raw_deleter()(memory);
    }
  }

  c10::Allocator* other_;
};

}  // namespace

void pool_tensor_memory() {
  ::setenv("LRU_CACHE_CAPACITY", "64", 0);
  ::setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256", 0);
  static auto* const allocator = new PoolAllocator(c10::GetCPUAllocator());
  c10::SetCPUAllocator(allocator);
}

PoolUse pool_use() {
  return pool().use();
}

}  // namespace cupel::tensor
