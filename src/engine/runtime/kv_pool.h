#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/kernels/operators.h"
#include "engine/model/description.h"

namespace cupel::engine {

/// Memory of the key-value cache: pages of kPageRows positions over all layers, shared by count.
///
/// Not thread-safe: one engine thread owns a pool and all its sequences. Pages are allocated when
/// first asked for and kept for reuse; never more than `max_bytes`. The system gives a page's
/// memory as it is written, so that room for a long answer costs little until the answer is long.
class KvPool {
 public:
  KvPool(const ModelDescription& model, CacheType type, size_t max_bytes);

  /// A page with reference count 1, contents undefined. Errors: kExhausted when the limit is
  /// reached. Throws std::bad_alloc where the system has no memory; nothing has changed then.
  Result<int32_t> allocate();
  void retain(int32_t page) { ++pages_[static_cast<size_t>(page)].references; }
  void release(int32_t page);
  [[nodiscard]] bool shared(int32_t page) const {
    return pages_[static_cast<size_t>(page)].references > 1;
  }
  /// Copies all layers of a page.
  void copy(int32_t from, int32_t to);
  [[nodiscard]] KvPage layer(int32_t page, size_t layer) const;

  [[nodiscard]] size_t layers() const { return layout_.size(); }
  [[nodiscard]] size_t page_bytes() const { return page_bytes_; }
  [[nodiscard]] size_t capacity_pages() const { return max_pages_; }
  [[nodiscard]] size_t used_pages() const { return pages_.size() - free_.size(); }

 private:
  struct FreeMemory {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  struct Page {
    std::unique_ptr<std::byte[], FreeMemory> data;
    int32_t references = 0;
  };
  struct LayerLayout {
    size_t offset;  // of the keys, in bytes from the page's start; the other parts follow
    KvPageBytes bytes;
  };
  std::vector<LayerLayout> layout_;
  size_t page_bytes_ = 0;
  size_t max_pages_ = 0;
  std::vector<Page> pages_;
  std::vector<int32_t> free_;  // with room for all pages: to give one back cannot fail
};

}  // namespace cupel::engine
