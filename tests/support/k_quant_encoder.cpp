#include "support/k_quant_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "engine/checkpoint/half.h"
#include "engine/checkpoint/quant.h"

namespace cupel::test {
namespace {

using engine::TensorType;

constexpr size_t kSuperBlock = 256;

// Writes an f16 and returns what it holds.
float put_half(uint8_t* at, float value) {
  const uint16_t half = engine::f32_to_f16(value);
  std::memcpy(at, &half, sizeof half);
  return engine::f16_to_f32(half);
}

int level(float x, float step, int low, int high) {
  return step == 0 ? std::clamp(0, low, high)
                   : std::clamp(static_cast<int>(std::lround(x / step)), low, high);
}

// 6-bit scale and minimum of sub-block j, packed into 12 bytes (layout: quant_decode.cpp).
void pack_scale_min(uint8_t* s, int j, int scale, int minimum) {
  if (j < 4) {
    s[j] = static_cast<uint8_t>(s[j] | scale);
    s[j + 4] = static_cast<uint8_t>(s[j + 4] | minimum);
  } else {
    s[j + 4] = static_cast<uint8_t>((scale & 15) | ((minimum & 15) << 4));
    s[j - 4] = static_cast<uint8_t>(s[j - 4] | ((scale >> 4) << 6));
    s[j] = static_cast<uint8_t>(s[j] | ((minimum >> 4) << 6));
  }
}

// Q4_K and Q5_K: 8 sub-blocks of 32, w = d · sc · q - dmin · mn.
void encode_with_minimum(const float* x, uint8_t* block, bool five_bits) {
  const int top = five_bits ? 31 : 15;
  float step[8];
  float minimum[8];
  for (int j = 0; j < 8; ++j) {
    const auto [low, high] = std::minmax_element(x + 32 * j, x + 32 * j + 32);
    minimum[j] = std::max(0.0F, -*low);
    step[j] = std::max(0.0F, *high + minimum[j]) / static_cast<float>(top);
  }
  const float d = put_half(block, *std::max_element(step, step + 8) / 63);
  const float dmin = put_half(block + 2, *std::max_element(minimum, minimum + 8) / 63);
  uint8_t* high_bits = block + 16;
  uint8_t* nibbles = block + (five_bits ? 48 : 16);
  for (int j = 0; j < 8; ++j) {
    const int sc = level(step[j], d, 0, 63);
    const int mn = level(minimum[j], dmin, 0, 63);
    pack_scale_min(block + 4, j, sc, mn);
    for (int l = 0; l < 32; ++l) {
      const int q =
          level(x[32 * j + l] + dmin * static_cast<float>(mn), d * static_cast<float>(sc), 0, top);
      uint8_t& pair = nibbles[32 * (j / 2) + l];
      pair = static_cast<uint8_t>(pair | ((q & 15) << (j % 2 == 0 ? 0 : 4)));
      if (five_bits) {
        high_bits[l] = static_cast<uint8_t>(high_bits[l] | ((q >> 4) << j));
      }
    }
  }
}

// Q6_K: 16 sub-blocks of 16, w = d · sc · (q - 32).
void encode_q6_k(const float* x, uint8_t* block) {
  float step[16];
  for (int j = 0; j < 16; ++j) {
    float top = 0;
    for (int l = 0; l < 16; ++l) {
      top = std::max(top, std::abs(x[16 * j + l]));
    }
    step[j] = top / 31;
  }
  const float d = put_half(block + 208, *std::max_element(step, step + 16) / 127);
  for (int i = 0; i < 256; ++i) {
    const int sc = level(step[i / 16], d, 0, 127);
    block[192 + i / 16] = static_cast<uint8_t>(sc);
    const int q = level(x[i], d * static_cast<float>(sc), -32, 31) + 32;
    const int half = i / 128;
    const int quarter = i % 128 / 32;
    uint8_t& low = block[64 * half + 32 * (quarter % 2) + i % 32];
    low = static_cast<uint8_t>(low | ((q & 15) << (quarter < 2 ? 0 : 4)));
    uint8_t& high = block[128 + 32 * half + i % 32];
    high = static_cast<uint8_t>(high | ((q >> 4) << (2 * quarter)));
  }
}

}  // namespace

void encode_row_for_tests(TensorType type,
                          std::span<const float> values,
                          std::span<std::byte> out) {
  const bool k_type =
      type == TensorType::kQ4_K || type == TensorType::kQ5_K || type == TensorType::kQ6_K;
  if (!k_type) {
    CUPEL_CHECK(engine::quantize_row(type, values, out).has_value(), "encode_row_for_tests");
    return;
  }
  CUPEL_CHECK(values.size() % kSuperBlock == 0, "K types need rows of 256");
  std::memset(out.data(), 0, out.size());
  auto* block = reinterpret_cast<uint8_t*>(out.data());
  for (size_t i = 0; i < values.size(); i += kSuperBlock) {
    if (type == TensorType::kQ6_K) {
      encode_q6_k(values.data() + i, block);
    } else {
      encode_with_minimum(values.data() + i, block, type == TensorType::kQ5_K);
    }
    block += engine::tensor_type_info(type).block_bytes;
  }
}

}  // namespace cupel::test
