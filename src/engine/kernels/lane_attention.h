#pragma once

#include "engine/kernels/float_attention.h"
#include "engine/kernels/int16_attention.h"

namespace cupel::engine::kernels {
namespace {

template <class Layout>
inline void store_codes(const HeadCache& head,
                        int64_t position,
                        int64_t head_dim,
                        const typename Layout::Element* key,
                        const typename Layout::Element* value) {
  auto* keys = static_cast<typename Layout::Element*>(head.keys);
  auto* values = static_cast<typename Layout::Element*>(head.values);
  for (int64_t i = 0; i < head_dim; ++i) {
    keys[Layout::key_index(i, position)] = key[i];
    values[Layout::value_index(i, position, head_dim)] = value[i];
  }
}

inline void store_kv_int16(const HeadCache& head,
                           int64_t position,
                           int64_t head_dim,
                           const float* key,
                           const float* value) {
  auto* codes = static_cast<int16_t*>(thread_scratch(kScratchSums, 4 * head_dim));
  const int levels = key_levels(head_dim);
  head.key_scales[position] = quantise_vector(key, head_dim, levels, codes);
  head.value_scales[position] = quantise_vector(value, head_dim, kValueLevels, codes + head_dim);
  store_codes<Int16CacheLayout>(head, position, head_dim, codes, codes + head_dim);
}

void store_kv(const float* keys,
              const float* values,
              const AttentionShape& shape,
              const KvPage& page,
              int64_t offset) {
  const int64_t width = shape.head_dim;
  for (int64_t head = 0; head < shape.kv_heads; ++head) {
    const float* key = keys + head * width;
    const float* value = values + head * width;
    if (shape.cache == CacheType::kFloat32) {
      store_codes<FloatCacheLayout>(head_cache<FloatCacheLayout>(page, shape, head), offset, width,
                                    key, value);
    } else {
      store_kv_int16(head_cache<Int16CacheLayout>(page, shape, head), offset, width, key, value);
    }
  }
}

void attention(const AttentionTask& task) {
  if (task.shape.cache == CacheType::kFloat32) {
    attention_over<FloatCache>(task);
  } else {
    attention_over<Int16Cache>(task);
  }
}

void merge_attention(const AttentionTask& task, int64_t parts) {
  if (task.shape.cache == CacheType::kFloat32) {
    merge_parts<FloatCache>(task, parts);
  } else {
    merge_parts<Int16Cache>(task, parts);
  }
}

}  // namespace
}  // namespace cupel::engine::kernels
