#pragma once

#include "engine/kernels/lane_attention.h"
#include "engine/kernels/lane_bf16.h"
#include "engine/kernels/lane_linear.h"
#include "engine/kernels/lane_rows.h"

namespace cupel::engine::kernels {
namespace {

/// The table of the level whose Lanes were included before.
inline KernelTable make_table(LinearFunction (*int8)(Format)) {
  KernelTable table = {};
  for (int format = 0; format < kFormatCount; ++format) {
    table.linear_int8[format] = int8(static_cast<Format>(format));
  }
  const LinearFunction f32[kFormatCount] = {
      &linear_f32<kFormatF32>,  &linear_f32<kFormatF16>,  &linear_f32<kFormatBf16>,
      &linear_f32<kFormatQ4_0>, &linear_f32<kFormatQ4_1>, &linear_f32<kFormatQ5_0>,
      &linear_f32<kFormatQ5_1>, &linear_f32<kFormatQ8_0>, &linear_f32<kFormatQ4K>,
      &linear_f32<kFormatQ5K>,  &linear_f32<kFormatQ6K>,
  };
  memcpy(table.linear_f32, f32, sizeof f32);
  table.linear_bf16 = &linear_bf16;
  table.norm = &norm;
  table.quantise_row = &quantise_row;
  table.round_row = &round_row;
  table.rope = &rope;
  table.store_kv = &store_kv;
  table.attention = &attention;
  table.merge_attention = &merge_attention;
  table.gate = &gate;
  table.add = &add;
  table.add_scaled = &add_scaled;
  table.log_sum_exp = &log_sum_exp;
  return table;
}

}  // namespace
}  // namespace cupel::engine::kernels
