#pragma once

#include "engine/kernels/kernel_table.h"
#include "engine/kernels/lane_math.h"

namespace cupel::engine::kernels {
namespace {

// Operators on one row: norm, quantisation, rotation, gates. Written once over the level's Lanes.

inline float mean_square(const float* x, int64_t width) {
  Lanes squares = Lanes::broadcast(0);
  for (int64_t i = 0; i < width; i += 16) {
    const Lanes part = load_part(x + i, width - i, 0);
    squares = Lanes::fma(part, part, squares);
  }
  return Lanes::reduce_add(squares) / static_cast<float>(width);
}

inline void rms_norm(const float* x, const float* weight, float eps, int64_t width, float* out) {
  const Lanes scale = Lanes::broadcast(1.0F / Lanes::sqrt1(mean_square(x, width) + eps));
  for (int64_t i = 0; i < width; i += 16) {
    const Lanes part = Lanes::mul(load_part(x + i, width - i, 0), scale);
    store_part(out + i, width - i, Lanes::mul(part, load_part(weight + i, width - i, 0)));
  }
}

inline void layer_norm(const float* x, const NormArgs& args, int64_t width, float* out) {
  const auto count = static_cast<float>(width);
  Lanes sum = Lanes::broadcast(0);
  for (int64_t i = 0; i < width; i += 16) {
    sum = Lanes::add(sum, load_part(x + i, width - i, 0));
  }
  const float mean = Lanes::reduce_add(sum) / count;
  const Lanes minus_mean = Lanes::broadcast(-mean);
  Lanes squares = Lanes::broadcast(0);
  for (int64_t i = 0; i < width; i += 16) {
    const Lanes centered = Lanes::add(load_part(x + i, width - i, mean), minus_mean);
    squares = Lanes::fma(centered, centered, squares);
  }
  const float variance = Lanes::reduce_add(squares) / count;
  const Lanes scale = Lanes::broadcast(1.0F / Lanes::sqrt1(variance + args.epsilon));
  for (int64_t i = 0; i < width; i += 16) {
    const Lanes centered = Lanes::add(load_part(x + i, width - i, 0), minus_mean);
    const Lanes weight = load_part(args.weight + i, width - i, 0);
    Lanes y = Lanes::mul(Lanes::mul(centered, scale), weight);
    if (args.bias != nullptr) {
      y = Lanes::add(y, load_part(args.bias + i, width - i, 0));
    }
    store_part(out + i, width - i, y);
  }
}

inline void norm(const float* x, const NormArgs& args, int64_t width, float* out) {
  if (args.center) {
    layer_norm(x, args, width, out);
  } else {
    rms_norm(x, args.weight, args.epsilon, width, out);
  }
}

// Below this a block's inverse scale would overflow; the whole block counts as zero.
constexpr float kSmallestAmax = 1e-30F;
// Squares below this are not exact enough to count outliers by: such a row has none.
constexpr float kSmallestMean = 1e-30F;

inline bool is_nan(float x) {
  return x != x;
}

inline float largest(Lanes a, Lanes b) {
  return Lanes::reduce_max(Lanes::max(Lanes::abs(a), Lanes::abs(b)));
}

/// Quantises the 32 values of a block; returns the scale.
inline float quantise_block(Lanes a, Lanes b, float amax, int8_t* quants) {
  const bool zero = amax < kSmallestAmax;
  const Lanes inverse = Lanes::broadcast(zero ? 0.0F : 127.0F / amax);
  const Lanes low = Lanes::broadcast(-127.0F);
  const Lanes high = Lanes::broadcast(127.0F);
  const auto take = [&](Lanes x, int8_t* out) {
    // min/max also turn NaN into a number, so that the conversion is defined.
    Lanes::store_int8(out, Lanes::max(Lanes::min(Lanes::mul(x, inverse), high), low));
  };
  take(a, quants);
  take(b, quants + 16);
  return zero ? 0.0F : amax * (1.0F / 127.0F);
}

/// Moves the values of half a block whose square exceeds `threshold` to `outliers`; returns how
/// many they are.
inline int32_t take_outliers(Lanes& x, Lanes threshold, int64_t column, Outlier* outliers) {
  const Lanes squares = Lanes::mul(x, x);
  const uint32_t mask = Lanes::mask_less(threshold, squares);
  if (mask == 0) {
    return 0;
  }
  float values[16];
  Lanes::store(values, x);
  int32_t count = 0;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const int i = __builtin_ctz(rest);
    outliers[count++] = {static_cast<int32_t>(column + i), values[i]};
  }
  x = Lanes::select_less(threshold, squares, Lanes::broadcast(0), x);
  return count;
}

/// sums16 and totals of a quantised row.
inline void sum_row(const ActivationBuffer& buffer, int64_t row) {
  const int64_t blocks = buffer.cols / 32;
  const int8_t* quants = buffer.quants + row * buffer.cols;
  const float* scales = buffer.scales + row * blocks;
  float* totals = buffer.totals + row * blocks;
  int16_t* sums = buffer.sums16 + row * blocks * 2;
  for (int64_t block = 0; block < blocks; ++block) {
    Lanes::sum_halves(quants + 32 * block, sums + 2 * block);
    totals[block] = scales[block] * static_cast<float>(sums[2 * block] + sums[2 * block + 1]);
  }
  const Outlier* outliers = buffer.outliers + row * most_outliers(buffer.cols);
  for (int32_t i = 0; i < buffer.outlier_counts[row]; ++i) {
    float& total = totals[outliers[i].place / 32];
    total = total + outliers[i].value;
  }
}

// One int8 scale serves a block as finely as the block's largest magnitude allows, and a few values
// of a row are much larger than the rest: kept apart, they cost their blocks nothing. Mean error of
// a log-probability without | with them, in nats: see docs/engine.md.
inline void quantise_row(const float* x, const ActivationBuffer& buffer, int64_t row) {
  const int64_t blocks = buffer.cols / 32;
  int8_t* quants = buffer.quants + row * buffer.cols;
  float* scales = buffer.scales + row * blocks;
  Outlier* outliers = buffer.outliers + row * most_outliers(buffer.cols);
  const float mean = mean_square(x, buffer.cols);
  const Lanes threshold =
      Lanes::broadcast(mean < kSmallestMean ? __builtin_inff() : kOutlierRms * kOutlierRms * mean);
  int32_t count = 0;
  for (int64_t block = 0; block < blocks; ++block) {
    Lanes a = Lanes::load(x + 32 * block);
    Lanes b = Lanes::load(x + 32 * block + 16);
    count += take_outliers(a, threshold, 32 * block, outliers + count);
    count += take_outliers(b, threshold, 32 * block + 16, outliers + count);
    const float scale = quantise_block(a, b, largest(a, b), quants + 32 * block);
    // The largest of a block overlooks most NaN: what holds one must not pass for a number.
    scales[block] = is_nan(mean) ? mean : scale;
  }
  buffer.outlier_counts[row] = count;
  sum_row(buffer, row);
}

/// To bf16, ties to even; NaN stays NaN.
inline void round_row(const float* x, int64_t count, uint16_t* bf16) {
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits = 0;
    __builtin_memcpy(&bits, x + i, 4);
    const uint32_t rounded = bits + 0x7FFFU + ((bits >> 16U) & 1U);
    const bool nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
    bf16[i] = static_cast<uint16_t>((nan ? bits | 0x400000U : rounded) >> 16U);
  }
}

inline void rotate_pair(float& x, float& y, float c, float s) {
  const float old_x = x;
  x = Lanes::fma1(old_x, c, -(y * s));
  y = Lanes::fma1(y, c, old_x * s);
}

inline void rope(float* head, const RopeArgs& args) {
  const int64_t half = args.rotary_dim / 2;
  if (args.interleaved) {
    for (int64_t i = 0; i < half; ++i) {
      rotate_pair(head[2 * i], head[2 * i + 1], args.cos[i], args.sin[i]);
    }
    return;
  }
  int64_t i = 0;
  for (; i + 16 <= half; i += 16) {
    const Lanes x = Lanes::load(head + i);
    const Lanes y = Lanes::load(head + half + i);
    const Lanes c = Lanes::load(args.cos + i);
    const Lanes s = Lanes::load(args.sin + i);
    const Lanes minus_ys = Lanes::mul(Lanes::mul(y, s), Lanes::broadcast(-1.0F));
    Lanes::store(head + i, Lanes::fma(x, c, minus_ys));
    Lanes::store(head + half + i, Lanes::fma(y, c, Lanes::mul(x, s)));
  }
  for (; i < half; ++i) {
    rotate_pair(head[i], head[half + i], args.cos[i], args.sin[i]);
  }
}

inline Lanes activate(Lanes x, GateKind kind) {
  switch (kind) {
    case GateKind::kSilu:
      return sigmoid_times(x, x);
    case GateKind::kGeluTanh:
      return gelu_tanh(x);
    case GateKind::kGeluErf:
      break;
  }
  return gelu_erf(x);
}

/// out = activation(gate) · up, or activation(gate) without `up`.
inline void gate(const float* gate, const float* up, int64_t count, GateKind kind, float* out) {
  for (int64_t i = 0; i < count; i += 16) {
    const Lanes active = activate(load_part(gate + i, count - i, 0), kind);
    store_part(out + i, count - i,
               up == nullptr ? active : Lanes::mul(active, load_part(up + i, count - i, 0)));
  }
}

inline void add(float* x, const float* y, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) {
    const Lanes sum = Lanes::add(load_part(x + i, count - i, 0), load_part(y + i, count - i, 0));
    store_part(x + i, count - i, sum);
  }
}

inline void add_scaled(float* x, float factor, const float* y, int64_t count) {
  const Lanes scale = Lanes::broadcast(factor);
  for (int64_t i = 0; i < count; i += 16) {
    const Lanes part = load_part(y + i, count - i, 0);
    store_part(x + i, count - i, Lanes::fma(part, scale, load_part(x + i, count - i, 0)));
  }
}

inline double log_sum_exp(const float* x, int64_t count) {
  constexpr float kMinusInfinity = -__builtin_inff();
  Lanes max = Lanes::broadcast(kMinusInfinity);
  for (int64_t i = 0; i < count; i += 16) {
    max = Lanes::max(max, load_part(x + i, count - i, kMinusInfinity));
  }
  const float top = Lanes::reduce_max(max);
  if (!(top > kMinusInfinity)) {
    return top;
  }
  const Lanes shift = Lanes::broadcast(-top);
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += 256) {  // short f32 sums, added up in f64
    const int64_t end = begin + 256 < count ? begin + 256 : count;
    Lanes sum = Lanes::broadcast(0);
    for (int64_t i = begin; i < end; i += 16) {
      sum =
          Lanes::add(sum, exp_lanes(Lanes::add(load_part(x + i, end - i, kMinusInfinity), shift)));
    }
    total += static_cast<double>(Lanes::reduce_add(sum));
  }
  return static_cast<double>(top) + __builtin_log(total);
}

}  // namespace
}  // namespace cupel::engine::kernels
