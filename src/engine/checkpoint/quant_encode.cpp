#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "base/error.h"
#include "engine/checkpoint/quant.h"
#include "engine/checkpoint/quant_codec.h"

namespace cupel::engine {
namespace {

// Rounding follows ggml's reference quantisers to the bit, so that a file written here equals one
// written there: products and sums in f32, 1/d taken before d is rounded to f16.

// 0 for a scale of 0 and for one so small that its inverse overflows: such a d is 0 in f16 anyway.
float inverse(float d) {
  const float id = 1.0F / d;
  return std::isfinite(id) ? id : 0.0F;
}

void encode_f32(const float* values, uint8_t* block) {
  std::memcpy(block, values, sizeof *values);
}

void encode_f16(const float* values, uint8_t* block) {
  store_f16(block, *values);
}

void encode_bf16(const float* values, uint8_t* block) {
  store_u16(block, f32_to_bf16(*values));
}

// The number of largest magnitude with its sign; the first one on ties.
float signed_extreme(const float* values) {
  float extreme = 0.0F;
  for (int j = 0; j < 32; ++j) {
    if (std::fabs(values[j]) > std::fabs(extreme)) {
      extreme = values[j];
    }
  }
  return extreme;
}

// Truncation towards zero, then the upper bound: what the casts of ggml's reference do in range.
int to_level(float x, int largest) {
  return std::clamp(static_cast<int>(x), 0, largest);
}

// The extreme maps to level 0, so that the wider, negative side of -8 … 7 is used for it.
void encode_q4_0(const float* values, uint8_t* block) {
  const float d = signed_extreme(values) / -8.0F;
  const float id = inverse(d);
  store_f16(block, d);
  for (int j = 0; j < 16; ++j) {
    const int low = to_level(values[j] * id + 8.5F, 15);
    const int high = to_level(values[j + 16] * id + 8.5F, 15);
    block[2 + j] = static_cast<uint8_t>(low | high << 4);
  }
}

void encode_q5_0(const float* values, uint8_t* block) {
  const float d = signed_extreme(values) / -16.0F;
  const float id = inverse(d);
  store_f16(block, d);
  uint32_t bits = 0;
  for (unsigned j = 0; j < 16; ++j) {
    const int low = to_level(values[j] * id + 16.5F, 31);
    const int high = to_level(values[j + 16] * id + 16.5F, 31);
    block[6 + j] = static_cast<uint8_t>((low & 15) | (high & 15) << 4);
    bits |= static_cast<uint32_t>(low >> 4) << j | static_cast<uint32_t>(high >> 4) << (j + 16);
  }
  std::memcpy(block + 2, &bits, sizeof bits);
}

void encode_q4_1(const float* values, uint8_t* block) {
  const auto [least, greatest] = std::minmax_element(values, values + 32);
  const float m = *least;
  const float d = (*greatest - m) / 15.0F;
  const float id = inverse(d);
  store_f16(block, d);
  store_f16(block + 2, m);
  for (int j = 0; j < 16; ++j) {
    const int low = to_level((values[j] - m) * id + 0.5F, 15);
    const int high = to_level((values[j + 16] - m) * id + 0.5F, 15);
    block[4 + j] = static_cast<uint8_t>(low | high << 4);
  }
}

void encode_q5_1(const float* values, uint8_t* block) {
  const auto [least, greatest] = std::minmax_element(values, values + 32);
  const float m = *least;
  const float d = (*greatest - m) / 31.0F;
  const float id = inverse(d);
  store_f16(block, d);
  store_f16(block + 2, m);
  uint32_t bits = 0;
  for (unsigned j = 0; j < 16; ++j) {
    const int low = to_level((values[j] - m) * id + 0.5F, 31);
    const int high = to_level((values[j + 16] - m) * id + 0.5F, 31);
    block[8 + j] = static_cast<uint8_t>((low & 15) | (high & 15) << 4);
    bits |= static_cast<uint32_t>(low >> 4) << j | static_cast<uint32_t>(high >> 4) << (j + 16);
  }
  std::memcpy(block + 4, &bits, sizeof bits);
}

void encode_q8_0(const float* values, uint8_t* block) {
  const float d = std::fabs(signed_extreme(values)) / 127.0F;
  const float id = inverse(d);
  store_f16(block, d);
  for (int j = 0; j < 32; ++j) {
    const float q =
        std::clamp(std::round(values[j] * id), -127.0F, 127.0F);  // halves away from zero
    block[2 + j] = static_cast<uint8_t>(static_cast<int8_t>(q));
  }
}

// Largest magnitude that the type can hold: beyond it the f16 scale, minimum or number is infinite.
float largest_magnitude(TensorType type) {
  constexpr float kF16Max = 65504.0F;
  switch (type) {
    case TensorType::kF32:
      return 0x1.fffffep127F;
    case TensorType::kBF16:
      return 0x1.fep127F;
    case TensorType::kQ4_0:
      return 8.0F * kF16Max;
    case TensorType::kQ5_0:
      return 16.0F * kF16Max;
    case TensorType::kQ8_0:
      return 127.0F * kF16Max;
    case TensorType::kQ4_K:
    case TensorType::kQ5_K:
    case TensorType::kQ6_K:
      return 32.0F * kF16Max;  // their sub-scales hold a little more
    default:
      return kF16Max;  // F16 itself; the minimum of Q4_1 and Q5_1
  }
}

}  // namespace

BlockEncoder block_encoder(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return &encode_f32;
    case TensorType::kF16:
      return &encode_f16;
    case TensorType::kBF16:
      return &encode_bf16;
    case TensorType::kQ4_0:
      return &encode_q4_0;
    case TensorType::kQ4_1:
      return &encode_q4_1;
    case TensorType::kQ5_0:
      return &encode_q5_0;
    case TensorType::kQ5_1:
      return &encode_q5_1;
    case TensorType::kQ8_0:
      return &encode_q8_0;
    default:
      return nullptr;
  }
}

namespace {

Result<Ok> check_values(TensorType type, std::span<const float> values, size_t out_bytes) {
  const TensorTypeInfo& info = tensor_type_info(type);
  if (!info.writable) {
    return unsupported(
        "tensor type {} cannot be written; choose q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k, "
        "f16, bf16 or f32",
        info.name);
  }
  CUPEL_CHECK(
      values.size() % info.block_elements == 0 && out_bytes == row_bytes(type, values.size()),
      "quantize_row: sizes of blocks and numbers do not match");
  const float largest = largest_magnitude(type);
  for (size_t i = 0; i < values.size(); ++i) {
    if (!(std::fabs(values[i]) <= largest)) {  // also NaN
      return invalid_argument("number {} is {}; expected finite and at most {:g} for {}", i,
                              values[i], largest, info.name);
    }
  }
  return Ok{};
}

constexpr size_t kMostBlockElements = 256;

}  // namespace

Result<Ok> quantize_row(TensorType type, std::span<const float> values, std::span<std::byte> out) {
  const BlockEncoder encode = block_encoder(type);
  if (encode == nullptr) {
    return quantize_row_searched(type, values, {}, out);
  }
  CUPEL_TRY_VOID(check_values(type, values, out.size()));
  const TensorTypeInfo& info = tensor_type_info(type);
  auto* block = reinterpret_cast<uint8_t*>(out.data());
  for (size_t i = 0; i < values.size(); i += info.block_elements) {
    encode(values.data() + i, block);
    block += info.block_bytes;
  }
  return Ok{};
}

Result<Ok> quantize_row_searched(TensorType type,
                                 std::span<const float> values,
                                 std::span<const float> weights,
                                 std::span<std::byte> out) {
  CUPEL_TRY_VOID(check_values(type, values, out.size()));
  const SearchEncoder encode = search_encoder(type);
  if (encode == nullptr) {
    return quantize_row(type, values, out);
  }
  CUPEL_CHECK(weights.empty() || weights.size() == values.size(),
              "quantize_row_searched: a weight for each number, or none");
  static constexpr auto kAlike = [] {
    std::array<float, kMostBlockElements> ones{};
    ones.fill(1.0F);
    return ones;
  }();
  const TensorTypeInfo& info = tensor_type_info(type);
  auto* block = reinterpret_cast<uint8_t*>(out.data());
  for (size_t i = 0; i < values.size(); i += info.block_elements) {
    const auto some = weights.empty() ? weights : weights.subspan(i, info.block_elements);
    const bool alike = std::all_of(some.begin(), some.end(), [](float w) { return w == 0; });
    encode(values.data() + i, alike ? kAlike.data() : some.data(), block);
    block += info.block_bytes;
  }
  return Ok{};
}

}  // namespace cupel::engine
