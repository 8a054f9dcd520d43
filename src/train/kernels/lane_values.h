#pragma once

#include "engine/kernels/lane_math.h"
#include "train/kernels/kernel_table.h"

namespace cupel::train::kernels {
namespace {

// Numbers of either kind over the Lanes of a level, which must be declared before this file is
// included.

using engine::kernels::exp_lanes;
using engine::kernels::Lanes;
using engine::kernels::load_part;
using engine::kernels::store_part;

inline Lanes filled(float x) {
  return Lanes::broadcast(x);
}

inline float widened(uint16_t x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16U;
  float value = 0;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

/// Sixteen numbers from `place` on, of which `count` are there; the rest is `fill`.
[[gnu::always_inline]] inline Lanes load(const Values& values,
                                         int64_t place,
                                         int64_t count,
                                         float fill = 0) {
  if (values.number == Number::kFloat32) {
    return load_part(static_cast<const float*>(values.data) + place, count, fill);
  }
  const auto* p = static_cast<const uint16_t*>(values.data) + place;
  if (count >= 16) {
    return Lanes::load_bf16(p);
  }
  float part[16];
  for (int64_t i = 0; i < 16; ++i) {
    part[i] = i < count ? widened(p[i]) : fill;
  }
  return Lanes::load(part);
}

[[gnu::always_inline]] inline void store(const Results& results,
                                         int64_t place,
                                         int64_t count,
                                         Lanes x) {
  if (results.number == Number::kFloat32) {
    store_part(static_cast<float*>(results.data) + place, count, x);
    return;
  }
  auto* p = static_cast<uint16_t*>(results.data) + place;
  if (count >= 16) {
    Lanes::store_bf16(p, x);
    return;
  }
  uint16_t part[16];
  Lanes::store_bf16(part, x);
  for (int64_t i = 0; i < count; ++i) {
    p[i] = part[i];
  }
}

/// What is stored, as it comes back: rounded to the number's type.
[[gnu::always_inline]] inline Lanes rounded(Number number, Lanes x) {
  if (number == Number::kFloat32) {
    return x;
  }
  uint16_t part[16];
  Lanes::store_bf16(part, x);
  return Lanes::load_bf16(part);
}

}  // namespace
}  // namespace cupel::train::kernels
