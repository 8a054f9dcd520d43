#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/checkpoint/quant_codec.h"
#include "engine/checkpoint/quant_search.h"

namespace cupel::engine {
namespace {

constexpr float kMostF16 = 65504.0F;

// Writes a scale and returns what the file holds of it: levels are for that one.
float store_scale(uint8_t* at, float value) {
  store_f16(at, std::clamp(value, -kMostF16, kMostF16));
  return load_f16(at);
}

// Level of each number, from 0 on: `zero` is the level of 0 of a symmetric type.
void levels_of(const float* x, int count, const Fit& fit, int zero, int top, uint8_t* levels) {
  const float inverse = safe_inverse(fit.scale);
  const auto low = static_cast<float>(-zero);
  const auto high = static_cast<float>(top - zero);
  for (int i = 0; i < count; ++i) {
    const float q = clamp_level(nearest((x[i] - fit.minimum) * inverse), low, high);
    levels[i] = static_cast<uint8_t>(static_cast<int>(q) + zero);
  }
}

// Of 32 levels the low four bits, in the order of the 4- and 5-bit blocks.
void store_nibbles(const uint8_t* levels, uint8_t* at) {
  for (int j = 0; j < 16; ++j) {
    at[j] = static_cast<uint8_t>((levels[j] & 15) | (levels[j + 16] & 15) << 4);
  }
}

void store_fifth_bits(const uint8_t* levels, uint8_t* at) {
  uint32_t bits = 0;
  for (unsigned j = 0; j < 32; ++j) {
    bits |= static_cast<uint32_t>(levels[j] >> 4) << j;
  }
  std::memcpy(at, &bits, sizeof bits);
}

template <int kBits>
void encode_symmetric(const float* x, const float* w, uint8_t* block) {
  constexpr int kHalf = 1 << (kBits - 1);
  const Fit fit = {store_scale(block, search_symmetric(x, w, 32, kHalf)), 0};
  uint8_t levels[32];
  levels_of(x, 32, fit, kHalf, 2 * kHalf - 1, levels);
  if constexpr (kBits == 5) {
    store_fifth_bits(levels, block + 2);
  }
  store_nibbles(levels, block + (kBits == 5 ? 6 : 2));
}

template <int kBits>
void encode_affine(const float* x, const float* w, uint8_t* block) {
  constexpr int kTop = (1 << kBits) - 1;
  const Fit found = search_affine(x, w, 32, kTop, Minimum::kAny);
  const Fit fit = {store_scale(block, found.scale), store_scale(block + 2, found.minimum)};
  uint8_t levels[32];
  levels_of(x, 32, fit, 0, kTop, levels);
  if constexpr (kBits == 5) {
    store_fifth_bits(levels, block + 4);
  }
  store_nibbles(levels, block + (kBits == 5 ? 8 : 4));
}

// Integer scale and minimum of a sub-block: multiples of d and dmin, 0 … 63.
struct SubScale {
  int scale = 0;
  int minimum = 0;
};

int step_of(float value, float unit, int low, int high) {
  const float inverse = safe_inverse(unit);
  return static_cast<int>(clamp_level(nearest(std::clamp(value * inverse, -1e6F, 1e6F)),
                                      static_cast<float>(low), static_cast<float>(high)));
}

// The best minimum for the levels at (fit): Σ w (scale q - x) / Σ w, as it is subtracted.
float best_minimum(const float* x, const float* w, const Fit& fit, float top) {
  const float inverse = safe_inverse(fit.scale);
  double over = 0;
  double weights = 0;
  for (int i = 0; i < 32; ++i) {
    const float q = clamp_level(nearest((x[i] - fit.minimum) * inverse), 0, top);
    over += static_cast<double>(w[i]) * (fit.scale * q - x[i]);
    weights += w[i];
  }
  return weights > 0 ? static_cast<float>(over / weights) : -fit.minimum;
}

// Rounding a scale to its 64 steps moves the best minimum, and the best step may be the next one.
SubScale choose_steps(
    const float* x, const float* w, const Fit& wanted, float d, float dmin, float top) {
  SubScale best;
  float best_error = INFINITY;
  const int middle = step_of(wanted.scale, d, 0, 63);
  for (const int scale : {middle, std::max(0, middle - 1), std::min(63, middle + 1)}) {
    float minimum = -wanted.minimum;
    for (int round = 0; round < 2; ++round) {
      const SubScale trial = {scale, step_of(minimum, dmin, 0, 63)};
      const Fit fit = {d * static_cast<float>(trial.scale),
                       -dmin * static_cast<float>(trial.minimum)};
      const float error = level_error(x, w, 32, fit, 0, top);
      if (error < best_error) {
        best_error = error;
        best = trial;
      }
      minimum = best_minimum(x, w, fit, top);
    }
  }
  return best;
}

// Eight 6-bit scales and minima in 12 bytes; the inverse of unpack_scale_min in quant_decode.cpp.
void store_sub_scales(const SubScale* sub, uint8_t* at) {
  for (int j = 0; j < 4; ++j) {
    at[j] = static_cast<uint8_t>(sub[j].scale | (sub[j + 4].scale >> 4) << 6);
    at[j + 4] = static_cast<uint8_t>(sub[j].minimum | (sub[j + 4].minimum >> 4) << 6);
    at[j + 8] = static_cast<uint8_t>((sub[j + 4].scale & 15) | (sub[j + 4].minimum & 15) << 4);
  }
}

// Q4_K and Q5_K: 8 sub-blocks of 32, w = d · sc · q - dmin · mn.
template <int kBits>
void encode_k_affine(const float* x, const float* w, uint8_t* block) {
  constexpr int kTop = (1 << kBits) - 1;
  Fit fits[8];
  float most_scale = 0;
  float most_minimum = 0;
  for (int j = 0; j < 8; ++j) {
    fits[j] = search_affine(x + 32 * j, w + 32 * j, 32, kTop, Minimum::kNotPositive);
    most_scale = std::max(most_scale, fits[j].scale);
    most_minimum = std::max(most_minimum, -fits[j].minimum);
  }
  const float d = store_scale(block, most_scale / 63.0F);
  const float dmin = store_scale(block + 2, most_minimum / 63.0F);
  SubScale sub[8];
  uint8_t levels[256];
  for (int j = 0; j < 8; ++j) {
    sub[j] = choose_steps(x + 32 * j, w + 32 * j, fits[j], d, dmin, kTop);
    const Fit fit = {d * static_cast<float>(sub[j].scale),
                     -dmin * static_cast<float>(sub[j].minimum)};
    levels_of(x + 32 * j, 32, fit, 0, kTop, levels + 32 * j);
  }
  store_sub_scales(sub, block + 4);
  uint8_t* nibbles = block + (kBits == 5 ? 48 : 16);
  if constexpr (kBits == 5) {
    for (int l = 0; l < 32; ++l) {
      int bits = 0;
      for (int j = 0; j < 8; ++j) {
        bits |= (levels[32 * j + l] >> 4) << j;
      }
      block[16 + l] = static_cast<uint8_t>(bits);
    }
  }
  for (int i = 0; i < 128; ++i) {  // pairs of sub-blocks share 32 bytes
    const uint8_t* pair = levels + 64 * (i / 32) + i % 32;
    nibbles[i] = static_cast<uint8_t>((pair[0] & 15) | (pair[32] & 15) << 4);
  }
}

// 16 sub-blocks of 16, w = d · sc · (q - 32) with sc from -128 to 127.
void encode_q6_k(const float* x, const float* w, uint8_t* block) {
  float scales[16];
  float extreme = 0;
  for (int j = 0; j < 16; ++j) {
    scales[j] = search_symmetric(x + 16 * j, w + 16 * j, 16, 32);
    extreme = std::fabs(scales[j]) > std::fabs(extreme) ? scales[j] : extreme;
  }
  const float d = store_scale(block + 208, extreme / -128.0F);
  uint8_t levels[256];
  for (int j = 0; j < 16; ++j) {
    int best = 0;
    float best_error = INFINITY;
    const int middle = step_of(scales[j], d, -128, 127);
    for (const int step : {middle, std::max(-128, middle - 1), std::min(127, middle + 1)}) {
      const Fit fit = {d * static_cast<float>(step), 0};
      const float error = level_error(x + 16 * j, w + 16 * j, 16, fit, -32, 31);
      if (error < best_error) {
        best_error = error;
        best = step;
      }
    }
    block[192 + j] = static_cast<uint8_t>(static_cast<int8_t>(best));
    levels_of(x + 16 * j, 16, {d * static_cast<float>(best), 0}, 32, 63, levels + 16 * j);
  }
  for (int i = 0; i < 64; ++i) {  // see decode_q6_k
    const int half = i / 32;
    const int l = i % 32;
    const uint8_t* quarter = levels + 128 * half + l;
    block[64 * half + l] = static_cast<uint8_t>((quarter[0] & 15) | (quarter[64] & 15) << 4);
    block[64 * half + 32 + l] = static_cast<uint8_t>((quarter[32] & 15) | (quarter[96] & 15) << 4);
    block[128 + i] = static_cast<uint8_t>(quarter[0] >> 4 | (quarter[32] >> 4) << 2 |
                                          (quarter[64] >> 4) << 4 | (quarter[96] >> 4) << 6);
  }
}

}  // namespace

SearchEncoder search_encoder(TensorType type) {
  switch (type) {
    case TensorType::kQ4_0:
      return &encode_symmetric<4>;
    case TensorType::kQ5_0:
      return &encode_symmetric<5>;
    case TensorType::kQ4_1:
      return &encode_affine<4>;
    case TensorType::kQ5_1:
      return &encode_affine<5>;
    case TensorType::kQ4_K:
      return &encode_k_affine<4>;
    case TensorType::kQ5_K:
      return &encode_k_affine<5>;
    case TensorType::kQ6_K:
      return &encode_q6_k;
    default:
      return nullptr;
  }
}

}  // namespace cupel::engine
