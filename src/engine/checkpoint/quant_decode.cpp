#include "base/check.h"
#include "base/error.h"
#include "engine/checkpoint/quant.h"
#include "engine/checkpoint/quant_codec.h"

namespace cupel::engine {
namespace {

// Letters: d scale, m minimum, q stored integer, w weight. Nibbles are not stored pairwise: the low
// ones are the first half of a group, the high ones the second.

void decode_f32(const uint8_t* block, float* out) {
  std::memcpy(out, block, sizeof *out);
}

void decode_f16(const uint8_t* block, float* out) {
  *out = load_f16(block);
}

void decode_bf16(const uint8_t* block, float* out) {
  *out = bf16_to_f32(load_u16(block));
}

void decode_f8_e4m3(const uint8_t* block, float* out) {
  *out = f8_e4m3_to_f32(*block);
}

void decode_f8_e5m2(const uint8_t* block, float* out) {
  *out = f16_to_f32(static_cast<uint16_t>(*block << 8U));
}

// 18 bytes: f16 d, 16 bytes of nibbles. w = d · (q - 8).
void decode_q4_0(const uint8_t* block, float* out) {
  const float d = load_f16(block);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>((block[2 + j] & 15) - 8);
    out[j + 16] = d * static_cast<float>((block[2 + j] >> 4) - 8);
  }
}

// 20 bytes: f16 d, f16 m, 16 bytes of nibbles. w = d · q + m.
void decode_q4_1(const uint8_t* block, float* out) {
  const float d = load_f16(block);
  const float m = load_f16(block + 2);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>(block[4 + j] & 15) + m;
    out[j + 16] = d * static_cast<float>(block[4 + j] >> 4) + m;
  }
}

// Element j of a 5-bit block: a nibble and bit j of a 32-bit word of high bits.
int five_bits(const uint8_t* nibbles, uint32_t high, int j) {
  const int low = j < 16 ? nibbles[j] & 15 : nibbles[j - 16] >> 4;
  return low | static_cast<int>((high >> static_cast<unsigned>(j) & 1U) << 4U);
}

// 22 bytes: f16 d, u32 high bits, 16 bytes of nibbles. w = d · (q - 16).
void decode_q5_0(const uint8_t* block, float* out) {
  const float d = load_f16(block);
  uint32_t high;
  std::memcpy(&high, block + 2, sizeof high);
  for (int j = 0; j < 32; ++j) {
    out[j] = d * static_cast<float>(five_bits(block + 6, high, j) - 16);
  }
}

// 24 bytes: f16 d, f16 m, u32 high bits, 16 bytes of nibbles. w = d · q + m.
void decode_q5_1(const uint8_t* block, float* out) {
  const float d = load_f16(block);
  const float m = load_f16(block + 2);
  uint32_t high;
  std::memcpy(&high, block + 4, sizeof high);
  for (int j = 0; j < 32; ++j) {
    out[j] = d * static_cast<float>(five_bits(block + 8, high, j)) + m;
  }
}

// 34 bytes: f16 d, 32 signed bytes. w = d · q.
void decode_q8_0(const uint8_t* block, float* out) {
  const float d = load_f16(block);
  for (int j = 0; j < 32; ++j) {
    out[j] = d * static_cast<float>(static_cast<int8_t>(block[2 + j]));
  }
}

struct ScaleMin {
  int scale;
  int minimum;
};

// 6-bit scale and minimum of sub-block j of Q4_K and Q5_K, packed into 12 bytes.
ScaleMin unpack_scale_min(const uint8_t* s, int j) {
  if (j < 4) {
    return {s[j] & 63, s[j + 4] & 63};
  }
  return {(s[j + 4] & 15) | ((s[j - 4] >> 6) << 4), (s[j + 4] >> 4) | ((s[j] >> 6) << 4)};
}

// 144 bytes: f16 d, f16 dmin, 12 bytes of scales, 128 bytes of nibbles; 8 sub-blocks of 32, pairs
// of which share 32 bytes. w = d · sc · q - dmin · mn.
void decode_q4_k(const uint8_t* block, float* out) {
  const float d = load_f16(block);
  const float dmin = load_f16(block + 2);
  for (int j = 0; j < 8; ++j) {
    const ScaleMin sm = unpack_scale_min(block + 4, j);
    const float scale = d * static_cast<float>(sm.scale);
    const float minimum = dmin * static_cast<float>(sm.minimum);
    const uint8_t* qs = block + 16 + 32 * (j / 2);
    for (int l = 0; l < 32; ++l) {
      const int q = j % 2 == 0 ? qs[l] & 15 : qs[l] >> 4;
      out[32 * j + l] = scale * static_cast<float>(q) - minimum;
    }
  }
}

// 176 bytes: as Q4_K with 32 bytes of high bits before the nibbles: bit j of byte l is sub-block
// j's.
void decode_q5_k(const uint8_t* block, float* out) {
  const float d = load_f16(block);
  const float dmin = load_f16(block + 2);
  for (int j = 0; j < 8; ++j) {
    const ScaleMin sm = unpack_scale_min(block + 4, j);
    const float scale = d * static_cast<float>(sm.scale);
    const float minimum = dmin * static_cast<float>(sm.minimum);
    const uint8_t* qs = block + 48 + 32 * (j / 2);
    for (int l = 0; l < 32; ++l) {
      const int low = j % 2 == 0 ? qs[l] & 15 : qs[l] >> 4;
      const int q = low | ((block[16 + l] >> j & 1) << 4);
      out[32 * j + l] = scale * static_cast<float>(q) - minimum;
    }
  }
}

// 210 bytes: 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales, f16 d. Each
// half of 128 numbers uses 64 low and 32 high bytes; quarter k of a half takes bits 2k of the high
// bytes. w = d · sc · (q - 32), one scale per 16 numbers.
void decode_q6_k(const uint8_t* block, float* out) {
  const float d = load_f16(block + 208);
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128;
    const int quarter = i % 128 / 32;
    const int l = i % 32;
    const uint8_t low = block[64 * half + 32 * (quarter % 2) + l];
    const int high = block[128 + 32 * half + l] >> (2 * quarter) & 3;
    const int q = ((quarter < 2 ? low & 15 : low >> 4) | high << 4) - 32;
    const auto sc = static_cast<int8_t>(block[192 + i / 16]);
    out[i] = d * static_cast<float>(sc) * static_cast<float>(q);
  }
}

}  // namespace

BlockDecoder block_decoder(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return &decode_f32;
    case TensorType::kF16:
      return &decode_f16;
    case TensorType::kBF16:
      return &decode_bf16;
    case TensorType::kF8E4M3:
      return &decode_f8_e4m3;
    case TensorType::kF8E5M2:
      return &decode_f8_e5m2;
    case TensorType::kQ4_0:
      return &decode_q4_0;
    case TensorType::kQ4_1:
      return &decode_q4_1;
    case TensorType::kQ5_0:
      return &decode_q5_0;
    case TensorType::kQ5_1:
      return &decode_q5_1;
    case TensorType::kQ8_0:
      return &decode_q8_0;
    case TensorType::kQ4_K:
      return &decode_q4_k;
    case TensorType::kQ5_K:
      return &decode_q5_k;
    case TensorType::kQ6_K:
      return &decode_q6_k;
    default:
      return nullptr;
  }
}

Result<Ok> dequantize_row(TensorType type,
                          std::span<const std::byte> blocks,
                          std::span<float> out) {
  const TensorTypeInfo& info = tensor_type_info(type);
  const BlockDecoder decode = block_decoder(type);
  if (decode == nullptr) {
    return unsupported("unsupported tensor type {} ({}): Cupel has no decoder for it",
                       static_cast<uint32_t>(type), info.name);
  }
  CUPEL_CHECK(out.size() % info.block_elements == 0 && blocks.size() == row_bytes(type, out.size()),
              "dequantize_row: sizes of blocks and numbers do not match");
  const auto* block = reinterpret_cast<const uint8_t*>(blocks.data());
  for (size_t i = 0; i < out.size(); i += info.block_elements) {
    decode(block, out.data() + i);
    block += info.block_bytes;
  }
  return Ok{};
}

}  // namespace cupel::engine
