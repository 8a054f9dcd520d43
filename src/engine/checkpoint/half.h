#pragma once

#include <bit>
#include <cstdint>

namespace cupel::engine {

// Conversions of 16-bit floats by bit arithmetic: the same result on every machine, NaN and
// subnormals included. Rounding is to nearest, ties to even.

/// IEEE binary16 → float, exact.
constexpr float f16_to_f32(uint16_t half) {
  const uint32_t sign = (half & 0x8000U) << 16U;
  const uint32_t exponent = (half >> 10U) & 0x1FU;
  const uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0x1F) {  // infinity, NaN
    return std::bit_cast<float>(sign | 0x7F800000U | (mantissa << 13U));
  }
  if (exponent != 0) {
    return std::bit_cast<float>(sign | ((exponent + 112U) << 23U) | (mantissa << 13U));
  }
  const float magnitude = static_cast<float>(mantissa) * 0x1.0p-24F;  // zero and subnormals
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

/// float → IEEE binary16; beyond 65504 infinity, NaN stays NaN.
constexpr uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16U) & 0x8000U;
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) {
    return static_cast<uint16_t>(sign | 0x7E00U | ((magnitude >> 13U) & 0x3FFU));
  }
  if (magnitude >= 0x477FF000U) {  // 65520 and above round to infinity
    return static_cast<uint16_t>(sign | 0x7C00U);
  }
  if (magnitude < 0x38800000U) {
    // Below 2^-14: adding 0.5 aligns the mantissa to units of 2^-24 and rounds it as the hardware
    // does.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3F000000U));
  }
  const uint32_t odd = (magnitude >> 13U) & 1U;
  const uint32_t rounded = magnitude - 0x38000000U + 0xFFFU + odd;
  return static_cast<uint16_t>(sign | (rounded >> 13U));
}

/// 8-bit float of 4 exponent and 3 mantissa bits without infinities ("e4m3fn") → float, exact.
constexpr float f8_e4m3_to_f32(uint8_t bits) {
  const uint32_t sign = (bits & 0x80U) << 24U;
  const uint32_t magnitude = bits & 0x7FU;
  if (magnitude == 0x7F) {
    return std::bit_cast<float>(sign | 0x7FC00000U);
  }
  if (magnitude >= 8) {
    return std::bit_cast<float>(sign | ((magnitude << 20U) + (120U << 23U)));
  }
  const float subnormal = static_cast<float>(magnitude) * 0x1.0p-9F;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(subnormal));
}

/// bfloat16 → float, exact.
constexpr float bf16_to_f32(uint16_t half) {
  return std::bit_cast<float>(static_cast<uint32_t>(half) << 16U);
}

/// float → bfloat16; NaN stays NaN (made quiet).
constexpr uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) {
    return static_cast<uint16_t>((bits >> 16U) | 0x40U);
  }
  return static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}

}  // namespace cupel::engine
