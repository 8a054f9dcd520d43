#include "engine/runtime/kv_pool.h"

#include <cstring>
#include <new>
#include <utility>

#include "base/error.h"

namespace cupel::engine {

KvPool::KvPool(const ModelDescription& model, CacheType type, size_t max_bytes) {
  for (const LayerDescription& layer : model.layers) {
    const AttentionDescription& a = layer.attention;
    const KvPageBytes bytes = kv_page_bytes(type, a.kv_heads, a.head_dim);
    layout_.push_back({page_bytes_, bytes});
    page_bytes_ += static_cast<size_t>(bytes.keys + bytes.values + 2 * bytes.scales);
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
  if (free_.capacity() <= pages_.size()) {
    free_.reserve(2 * pages_.size() + 1);
  }
  // Zeroed, by the system where it can: attention may read (and mask) rows that were never written.
  Page page;
  page.data.reset(static_cast<std::byte*>(std::calloc(1, page_bytes_)));
  page.references = 1;
  if (page.data == nullptr) {
    throw std::bad_alloc();
  }
  pages_.push_back(std::move(page));
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
  std::byte* keys = pages_[static_cast<size_t>(page)].data.get() + l.offset;
  std::byte* values = keys + l.bytes.keys;
  std::byte* key_scales = values + l.bytes.values;
  KvPage view = {.keys = keys, .values = values};
  if (l.bytes.scales > 0) {
    view.key_scales = reinterpret_cast<float*>(key_scales);
    view.value_scales = reinterpret_cast<float*>(key_scales + l.bytes.scales);
  }
  return view;
}

}  // namespace cupel::engine
