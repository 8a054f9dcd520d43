#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/checkpoint/half.h"
#include "engine/checkpoint/tensor_type.h"

namespace cupel::engine {

/// Decodes one block into block_elements numbers.
using BlockDecoder = void (*)(const uint8_t* block, float* out);
/// Encodes one block of finite numbers.
using BlockEncoder = void (*)(const float* values, uint8_t* block);

/// The same with a weight (≥ 0, not all 0) for the error of each number.
using SearchEncoder = void (*)(const float* values, const float* weights, uint8_t* block);

/// The decoder of a readable type, else nullptr.
BlockDecoder block_decoder(TensorType type);
/// The encoder of a writable type that rounds by the extremes of a block, else nullptr.
BlockEncoder block_encoder(TensorType type);
/// The encoder that searches for scales and minima of the least error, or nullptr: floats have no
/// scale, and at 8 bits the extremes leave a search nothing worth its time.
SearchEncoder search_encoder(TensorType type);

inline uint16_t load_u16(const uint8_t* at) {
  uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
inline void store_u16(uint8_t* at, uint16_t value) {
  std::memcpy(at, &value, sizeof value);
}
inline float load_f16(const uint8_t* at) {
  return f16_to_f32(load_u16(at));
}
inline void store_f16(uint8_t* at, float value) {
  store_u16(at, f32_to_f16(value));
}

}  // namespace cupel::engine
