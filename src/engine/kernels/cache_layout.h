#pragma once

#include <cstdint>

#include "engine/kernels/kernel_args.h"

namespace cupel::engine::kernels {
namespace {

// Where the elements of a cache page lie. Level files include this: no library code.

/// One kv head's part of a page.
struct HeadCache {
  void* keys;
  void* values;
  float* key_scales;    // [kPageRows]; integer caches only
  float* value_scales;  // [kPageRows]
};

/// f32: keys [H][kPageRows], values [kPageRows][H].
struct FloatCacheLayout {
  using Element = float;
  static constexpr bool kScales = false;
  static int64_t value_width(int64_t head_dim) { return head_dim; }
  static int64_t key_index(int64_t i, int64_t position) { return i * kPageRows + position; }
  static int64_t value_index(int64_t i, int64_t position, int64_t head_dim) {
    return position * head_dim + i;
  }
};

/// int16: pairs that one multiply-add sums up stand together. Keys [H / 2][kPageRows][2], values
/// [kPageRows / 2][H, rounded up to 16][2].
struct Int16CacheLayout {
  using Element = int16_t;
  static constexpr bool kScales = true;
  static int64_t value_width(int64_t head_dim) { return (head_dim + 15) / 16 * 16; }
  static int64_t key_index(int64_t i, int64_t position) {
    return (i / 2 * kPageRows + position) * 2 + i % 2;
  }
  static int64_t value_index(int64_t i, int64_t position, int64_t head_dim) {
    return (position / 2 * value_width(head_dim) + i) * 2 + position % 2;
  }
};

template <class Layout>
inline HeadCache head_cache(const KvPage& page, const AttentionShape& shape, int64_t kv_head) {
  using Element = typename Layout::Element;
  const int64_t keys = kPageRows * shape.head_dim;
  const int64_t values = kPageRows * Layout::value_width(shape.head_dim);
  HeadCache head = {static_cast<Element*>(page.keys) + kv_head * keys,
                    static_cast<Element*>(page.values) + kv_head * values, nullptr, nullptr};
  if constexpr (Layout::kScales) {
    head.key_scales = page.key_scales + kv_head * kPageRows;
    head.value_scales = page.value_scales + kv_head * kPageRows;
  }
  return head;
}

template <class Layout>
inline void copy_position(
    const HeadCache& from, int64_t from_at, const HeadCache& to, int64_t to_at, int64_t head_dim) {
  using Element = typename Layout::Element;
  const auto* from_keys = static_cast<const Element*>(from.keys);
  const auto* from_values = static_cast<const Element*>(from.values);
  auto* to_keys = static_cast<Element*>(to.keys);
  auto* to_values = static_cast<Element*>(to.values);
  for (int64_t i = 0; i < head_dim; ++i) {
    to_keys[Layout::key_index(i, to_at)] = from_keys[Layout::key_index(i, from_at)];
    to_values[Layout::value_index(i, to_at, head_dim)] =
        from_values[Layout::value_index(i, from_at, head_dim)];
  }
  if constexpr (Layout::kScales) {
    to.key_scales[to_at] = from.key_scales[from_at];
    to.value_scales[to_at] = from.value_scales[from_at];
  }
}

}  // namespace
}  // namespace cupel::engine::kernels
