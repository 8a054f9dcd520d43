#include "engine/runtime/kv_pool.h"

#include <cstring>

#include "base/error.h"

namespace cupel::engine {

KvPool::KvPool(const ModelDescription& model, CacheType type, size_t max_bytes) {
  const size_t element = type == CacheType::kFloat32 ? sizeof(float) : sizeof(uint16_t);
  for (const LayerDescription& layer : model.layers) {
    const AttentionDescription& a = layer.attention;
    const size_t bytes = static_cast<size_t>(a.kv_heads * kPageRows * a.head_dim) * element;
    layout_.push_back({page_bytes_, bytes});
    page_bytes_ += 2 * bytes;
  }
  max_pages_ = max_bytes / page_bytes();
}

Result<int32_t> KvPool::allocate() {
  if (!free_.empty()) {
    const int32_t page = free_.back();
    free_.pop_back();
    pages_[static_cast<size_t>(page)].references = 1;
    return page;
  }
  if (pages_.size() >= max_pages_) {
    return exhausted("the key-value cache is full: {} pages of {} positions ({} MiB)", max_pages_,
                     kPageRows, max_pages_ * page_bytes() >> 20U);
  }
  // Zeroed: attention may read (and mask) rows of a page that were never written.
  pages_.push_back({std::make_unique<std::byte[]>(page_bytes_), 1});
  return static_cast<int32_t>(pages_.size() - 1);
}

void KvPool::release(int32_t page) {
  Page& p = pages_[static_cast<size_t>(page)];
  CUPEL_CHECK(p.references > 0);
  if (--p.references == 0) {
    free_.push_back(page);
  }
}

void KvPool::copy(int32_t from, int32_t to) {
  std::memcpy(pages_[static_cast<size_t>(to)].data.get(),
              pages_[static_cast<size_t>(from)].data.get(), page_bytes());
}

KvPage KvPool::layer(int32_t page, size_t layer) const {
  const LayerLayout& l = layout_[layer];
  std::byte* base = pages_[static_cast<size_t>(page)].data.get() + l.offset;
  return {.keys = base, .values = base + l.bytes};
}

}  // namespace cupel::engine
