#pragma once

#include <cstring>

#include "engine/kernels/kernel_table.h"

namespace cupel::engine::kernels {
namespace {

// Layout of a packed matrix. Rows stand in groups of kGroupRows; the last group is filled up with
// zeros. A group is a sequence of units of `kSubs` blocks of 32 columns (quantised formats), each
//
//   head   16 f16 scales; then 16 f16 minima (Q4_1, Q5_1: w = d·q + m; K formats: the factor of mn)
//   kSubs × { scale codes  K formats: 16 sc, 16 mn (Q6_K: 16 × (sc of columns 0-15, sc of 16-31));
//             high bits    the fifth bit: byte i, bit j belongs to byte i of quad j (64 bytes);
//                          Q6_K: 2 × 64 bytes, byte i of half p, bits 2j+1:2j to byte i of quad 4p
//                          + j;
//             codes }      eight "quads" of 64 bytes: [16 rows][4 columns], VNNI order, so that a
//                          register of codes meets four broadcast activation bytes. Formats of four
//                          code bits: 64-byte run c holds quad c in its low and quad c + 4 in its
//                          high nibbles (the nibble order of the files' Q4 and Q5 blocks: repacking
//                          them only moves 32-bit words).
//
// F32 and F16: [cols][16 rows] of the file's own elements. BF16: [cols / 2][16 rows][2], so that a
// register meets a broadcast pair of bf16 activations.

template <int subs, int head, int scale_codes, int high, int codes, int zero>
struct LayoutOf {
  static constexpr int kSubs = subs;
  static constexpr int kHead = head;
  static constexpr int kScaleCodes = scale_codes;
  static constexpr int kHigh = high;
  static constexpr int kCodes = codes;
  static constexpr int kZero = zero;  // w = scale · (code - zero) + min
  static constexpr bool kHasMin = head == 64;
  static constexpr bool kSuper = subs > 1;       // scale = f16 · integer code
  static constexpr bool kHalves = high == 128;   // a scale per 16 columns
  static constexpr bool kSigned = codes == 512;  // stored as int8; tiles hold code + 128
  static constexpr int64_t kSub = scale_codes + high + codes;
  static constexpr int64_t kUnit = head + subs * kSub;
  static constexpr int64_t group_bytes(int64_t cols) { return cols / (kBlockCols * subs) * kUnit; }
};

template <Format format>
struct Layout;
template <>
struct Layout<kFormatQ4_0> : LayoutOf<1, 32, 0, 0, 256, 8> {};
template <>
struct Layout<kFormatQ4_1> : LayoutOf<1, 64, 0, 0, 256, 0> {};
template <>
struct Layout<kFormatQ5_0> : LayoutOf<1, 32, 0, 64, 256, 16> {};
template <>
struct Layout<kFormatQ5_1> : LayoutOf<1, 64, 0, 64, 256, 0> {};
template <>
struct Layout<kFormatQ8_0> : LayoutOf<1, 32, 0, 0, 512, 128> {};
template <>
struct Layout<kFormatQ4K> : LayoutOf<8, 64, 32, 0, 256, 0> {};
template <>
struct Layout<kFormatQ5K> : LayoutOf<8, 64, 32, 64, 256, 0> {};
template <>
struct Layout<kFormatQ6K> : LayoutOf<8, 32, 32, 128, 256, 32> {};

/// One block of 32 columns of a row group, inside the packed bytes.
struct BlockRef {
  const uint8_t* head;
  const uint8_t* sub;
};

template <class L>
inline BlockRef block_ref(const uint8_t* group, int64_t block) {
  const uint8_t* unit = group + block / L::kSubs * L::kUnit;
  return {unit, unit + L::kHead + block % L::kSubs * L::kSub};
}

/// A block unpacked: what every format becomes before it is multiplied.
/// w[row][col] = scale[row] · half_scale[row][col / 16] · (code - zero) + min[row].
struct alignas(64) BlockTile {
  uint8_t codes[512];  // [8 quads][16 rows][4 columns]
  float scale[16];
  float min[16];           // formats with a minimum only
  int16_t half_scale[32];  // [16 rows][2]; Q6_K only
};

inline uint64_t load_word(const uint8_t* p) {
  uint64_t word = 0;
  memcpy(&word, p, sizeof word);
  return word;
}
inline void store_word(uint8_t* p, uint64_t word) {
  memcpy(p, &word, sizeof word);
}
constexpr uint64_t every_byte(uint64_t byte) {
  return byte * 0x0101010101010101ULL;
}

// Eight bytes at a time in 64-bit words: the compiler makes full vector loops of these.
inline void unpack_nibbles(const uint8_t* packed, uint8_t* codes) {
  for (int i = 0; i < 256; i += 8) {
    const uint64_t word = load_word(packed + i);
    store_word(codes + i, word & every_byte(0x0F));
    store_word(codes + 256 + i, (word >> 4U) & every_byte(0x0F));
  }
}

inline void add_fifth_bits(const uint8_t* high, uint8_t* codes) {
  for (int quad = 0; quad < 8; ++quad) {
    for (int i = 0; i < 64; i += 8) {
      const uint64_t bits = (load_word(high + i) >> static_cast<unsigned>(quad)) & every_byte(1);
      uint8_t* out = codes + 64 * quad + i;
      store_word(out, load_word(out) | bits << 4U);
    }
  }
}

inline void add_upper_two_bits(const uint8_t* high, uint8_t* codes) {
  for (int quad = 0; quad < 8; ++quad) {
    const uint8_t* half = high + quad / 4 * 64;
    const unsigned shift = 2U * static_cast<unsigned>(quad % 4);
    for (int i = 0; i < 64; i += 8) {
      const uint64_t bits = (load_word(half + i) >> shift) & every_byte(3);
      uint8_t* out = codes + 64 * quad + i;
      store_word(out, load_word(out) | bits << 4U);
    }
  }
}

template <class L>
inline void unpack_codes(const uint8_t* sub, uint8_t* codes) {
  const uint8_t* high = sub + L::kScaleCodes;
  const uint8_t* packed = high + L::kHigh;
  if constexpr (L::kSigned) {
    for (int i = 0; i < 512; i += 8) {
      store_word(codes + i, load_word(packed + i) ^ every_byte(0x80));
    }
  } else {
    unpack_nibbles(packed, codes);
    if constexpr (L::kHigh == 64) {
      add_fifth_bits(high, codes);
    } else if constexpr (L::kHigh == 128) {
      add_upper_two_bits(high, codes);
    }
  }
}

/// The scales of a block; `V` is the level's Lanes. Products of an f16 and a code are exact in f32.
template <class L, class V>
inline void unpack_scales(BlockRef block, BlockTile& tile) {
  const auto* head = reinterpret_cast<const uint16_t*>(block.head);
  V scale = V::load_half(head);
  if constexpr (L::kSuper && !L::kHalves) {
    scale = V::mul(scale, V::load_u8(block.sub));
  }
  V::store(tile.scale, scale);
  if constexpr (L::kHasMin) {
    V min = V::load_half(head + 16);
    if constexpr (L::kSuper) {
      min = V::sub(V::broadcast(0), V::mul(min, V::load_u8(block.sub + 16)));
    }
    V::store(tile.min, min);
  }
  if constexpr (L::kHalves) {
    for (int i = 0; i < 32; ++i) {
      tile.half_scale[i] = static_cast<int8_t>(block.sub[i]);
    }
  }
}

template <class L, class V>
inline void unpack_block(BlockRef block, BlockTile& tile) {
  unpack_codes<L>(block.sub, tile.codes);
  unpack_scales<L, V>(block, tile);
}

/// The scales that all columns of a block share, of its 16 rows.
template <class L, class V>
inline V column_scale(BlockRef block) {
  const V scale = V::load_half(reinterpret_cast<const uint16_t*>(block.head));
  if constexpr (L::kSuper && !L::kHalves) {
    return V::mul(scale, V::load_u8(block.sub));
  }
  return scale;
}

/// scale · (code - zero) of column `k` of a block for its 16 rows, straight from the packed bytes;
/// `scale`: its column_scale.
template <class L, class V>
inline V column_weights(BlockRef block, V scale, int k) {
  const int quad = k / 4;
  const int byte = 8 * (k % 4);
  const uint8_t* high = block.sub + L::kScaleCodes;
  const uint8_t* packed = high + L::kHigh;
  if constexpr (L::kHalves) {
    scale = V::mul(scale, V::load_i8_pairs(block.sub, k / 16));
  }
  if constexpr (L::kSigned) {  // stored as code - zero; flipped it is the code again
    return V::mul(scale, V::sub(V::load_bits_of_words(packed + 64 * quad, byte, 255, 128),
                                V::broadcast(static_cast<float>(L::kZero))));
  }
  V code = V::load_bits_of_words(packed + 64 * (quad % 4), byte + quad / 4 * 4, 15, 0);
  if constexpr (L::kHigh == 64) {
    const V bit = V::load_bits_of_words(high, byte + quad, 1, 0);
    code = V::fma(bit, V::broadcast(16), code);
  } else if constexpr (L::kHigh == 128) {
    const V bits = V::load_bits_of_words(high + quad / 4 * 64, byte + 2 * (quad % 4), 3, 0);
    code = V::fma(bits, V::broadcast(16), code);
  }
  return V::mul(scale, V::sub(code, V::broadcast(static_cast<float>(L::kZero))));
}

/// Finishes 16 outputs of token `token`: bias, epilogue, rows beyond the range left alone.
template <class V>
inline void store_outputs(const LinearTask& task, int64_t row, int64_t token, V sum) {
  float* out = task.output + token * task.output_stride + (row - task.output_row);
  if (row + kGroupRows <= task.end) {
    if (task.bias != nullptr) {
      sum = V::add(sum, V::load(task.bias + row));
    }
    V::store(out, task.add ? V::add(V::load(out), sum) : sum);
    return;
  }
  float values[kGroupRows];
  V::store(values, sum);
  for (int64_t i = 0; row + i < task.end; ++i) {
    const float value = task.bias != nullptr ? values[i] + task.bias[row + i] : values[i];
    out[i] = task.add ? out[i] + value : value;
  }
}

/// The same for all tokens of `groups` row groups from `row` on; sums[n][groups][16].
template <class V, int groups>
inline void store_all_outputs(const LinearTask& task, int64_t row, const float* sums) {
  constexpr int kWidth = groups * kGroupRows;
  const int64_t tokens = task.input.rows;
  if (task.bias == nullptr && row + kWidth <= task.end) {
    float* out = task.output + (row - task.output_row);
    for (int64_t t = 0; t < tokens; ++t, out += task.output_stride, sums += kWidth) {
      for (int i = 0; i < kWidth; i += kGroupRows) {
        const V sum = V::load(sums + i);
        V::store(out + i, task.add ? V::add(V::load(out + i), sum) : sum);
      }
    }
    return;
  }
  for (int64_t t = 0; t < tokens; ++t) {
    for (int g = 0; g < groups; ++g) {
      store_outputs(task, row + g * kGroupRows, t, V::load(sums + kWidth * t + kGroupRows * g));
    }
  }
}

}  // namespace
}  // namespace cupel::engine::kernels
