#pragma once

#include "engine/kernels/weight_layout.h"

namespace cupel::engine::kernels {
namespace {

// Moves rows between the file's blocks and the packed groups (weight_layout.h), losslessly.

inline uint32_t load32(const uint8_t* p) {
  uint32_t word = 0;
  memcpy(&word, p, sizeof word);
  return word;
}
inline void store32(uint8_t* p, uint32_t word) {
  memcpy(p, &word, sizeof word);
}
inline void copy16(uint8_t* to, const uint8_t* from) {
  memcpy(to, from, 2);
}

/// The bits i, i + 4, … i + 28 of `bits` as a byte.
inline uint32_t every_fourth_bit(uint32_t bits, unsigned i) {
  uint32_t x = (bits >> i) & 0x11111111U;
  x = (x | x >> 3U) & 0x03030303U;
  x = (x | x >> 6U) & 0x000F000FU;
  return (x | x >> 12U) & 0xFFU;
}
/// Its inverse: bit j of the byte goes to bit 4 j.
inline uint32_t spread_bits(uint32_t byte) {
  uint32_t x = (byte | byte << 12U) & 0x000F000FU;
  x = (x | x << 6U) & 0x03030303U;
  return (x | x << 3U) & 0x11111111U;
}

/// Fifth bits of one row's block: bit k of `bits` is column k.
inline void pack_fifth_bits(uint32_t bits, uint8_t* high, int64_t row) {
  for (unsigned i = 0; i < 4; ++i) {
    high[4 * row + i] = static_cast<uint8_t>(every_fourth_bit(bits, i));
  }
}
inline uint32_t unpack_fifth_bits(const uint8_t* high, int64_t row) {
  uint32_t bits = 0;
  for (unsigned i = 0; i < 4; ++i) {
    bits |= spread_bits(high[4 * row + i]) << i;
  }
  return bits;
}

/// Sixteen bytes (low nibble column j, high nibble column 16 + j) to and from the row's place.
inline void pack_nibbles(const uint8_t* bytes, uint8_t* codes, int64_t row) {
  for (int c = 0; c < 4; ++c) {
    store32(codes + 64 * c + 4 * row, load32(bytes + 4 * c));
  }
}
inline void unpack_row_nibbles(const uint8_t* codes, int64_t row, uint8_t* bytes) {
  for (int c = 0; c < 4; ++c) {
    store32(bytes + 4 * c, load32(codes + 64 * c + 4 * row));
  }
}

// --- formats of one block per unit: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 ---

template <Format format>
struct BlockTransfer {
  using L = Layout<format>;
  static constexpr int kScales = L::kHead / 32;  // f16 numbers at the block's start
  static constexpr int kHighBytes = L::kHigh / 16;
  static constexpr int kBlockBytes = 2 * kScales + kHighBytes + L::kCodes / 16;

  static int64_t group_bytes(int64_t cols) { return L::group_bytes(cols); }
  static int64_t row_bytes(int64_t cols) { return cols / kBlockCols * kBlockBytes; }

  static void pack_block(const uint8_t* from, uint8_t* unit, int64_t row) {
    for (int s = 0; s < kScales; ++s) {
      copy16(unit + 32 * s + 2 * row, from + 2 * s);
    }
    const uint8_t* high = from + 2 * kScales;
    uint8_t* sub = unit + L::kHead;
    if constexpr (kHighBytes != 0) {
      pack_fifth_bits(load32(high), sub, row);
    }
    for (int c = 0; c < L::kCodes / 64; ++c) {
      store32(sub + L::kHigh + 64 * c + 4 * row, load32(high + kHighBytes + 4 * c));
    }
  }
  static void unpack_block(const uint8_t* unit, int64_t row, uint8_t* to) {
    for (int s = 0; s < kScales; ++s) {
      copy16(to + 2 * s, unit + 32 * s + 2 * row);
    }
    uint8_t* high = to + 2 * kScales;
    const uint8_t* sub = unit + L::kHead;
    if constexpr (kHighBytes != 0) {
      store32(high, unpack_fifth_bits(sub, row));
    }
    for (int c = 0; c < L::kCodes / 64; ++c) {
      store32(high + kHighBytes + 4 * c, load32(sub + L::kHigh + 64 * c + 4 * row));
    }
  }
  static void pack_group(const uint8_t* file, int64_t count, int64_t cols, uint8_t* group) {
    const int64_t stride = row_bytes(cols);
    for (int64_t block = 0; block < cols / kBlockCols; ++block) {
      for (int64_t row = 0; row < count; ++row) {
        pack_block(file + row * stride + block * kBlockBytes, group + block * L::kUnit, row);
      }
    }
  }
  static void unpack_row(const uint8_t* group, int64_t row, int64_t cols, uint8_t* file) {
    for (int64_t block = 0; block < cols / kBlockCols; ++block) {
      unpack_block(group + block * L::kUnit, row, file + block * kBlockBytes);
    }
  }
};

// --- float formats: [cols / run][16 rows][run columns] ---

template <int bytes, int run>
struct ElementTransfer {
  static int64_t group_bytes(int64_t cols) { return cols * kGroupRows * bytes; }
  static int64_t row_bytes(int64_t cols) { return cols * bytes; }
  static void pack_group(const uint8_t* file, int64_t count, int64_t cols, uint8_t* group) {
    for (int64_t col = 0; col < cols; col += run) {
      for (int64_t row = 0; row < count; ++row) {
        memcpy(group + (col * kGroupRows + row * run) * bytes, file + (row * cols + col) * bytes,
               bytes * run);
      }
    }
  }
  static void unpack_row(const uint8_t* group, int64_t row, int64_t cols, uint8_t* file) {
    for (int64_t col = 0; col < cols; col += run) {
      memcpy(file + col * bytes, group + (col * kGroupRows + row * run) * bytes, bytes * run);
    }
  }
};
template <>
struct BlockTransfer<kFormatF32> : ElementTransfer<4, 1> {};
template <>
struct BlockTransfer<kFormatF16> : ElementTransfer<2, 1> {};
template <>
struct BlockTransfer<kFormatBf16> : ElementTransfer<2, 2> {};

// --- K formats: units of 256 columns, eight sub-blocks ---

/// Loops of the K formats over `Blocks`, which moves one 256-column block of one row.
template <class Blocks, class L>
struct SuperTransfer {
  static int64_t group_bytes(int64_t cols) { return L::group_bytes(cols); }
  static int64_t row_bytes(int64_t cols) { return cols / 256 * Blocks::kBlockBytes; }
  static void pack_group(const uint8_t* file, int64_t count, int64_t cols, uint8_t* group) {
    const int64_t stride = row_bytes(cols);
    for (int64_t block = 0; block < cols / 256; ++block) {
      for (int64_t row = 0; row < count; ++row) {
        Blocks::pack_block(file + row * stride + block * Blocks::kBlockBytes,
                           group + block * L::kUnit, row);
      }
    }
  }
  static void unpack_row(const uint8_t* group, int64_t row, int64_t cols, uint8_t* file) {
    for (int64_t block = 0; block < cols / 256; ++block) {
      Blocks::unpack_block(group + block * L::kUnit, row, file + block * Blocks::kBlockBytes);
    }
  }
};

/// Q4_K and Q5_K: d, dmin, 12 bytes of 6-bit scales and minima, [32 bytes of fifth bits], nibbles.
template <Format format>
struct MinSuperBlocks {
  using L = Layout<format>;
  static constexpr int kHighBytes = L::kHigh == 64 ? 32 : 0;
  static constexpr int kBlockBytes = 16 + kHighBytes + 128;

  // Sub-blocks 0-3 have their six bits in s[j] and s[j + 4]; 4-7 the low four bits in s[j + 4], the
  // upper two on top of the first four's.
  static uint8_t scale_code(const uint8_t* s, int j) {
    return static_cast<uint8_t>(j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
  }
  static uint8_t min_code(const uint8_t* s, int j) {
    return static_cast<uint8_t>(j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4);
  }
  static void store_codes(const uint8_t* scales, const uint8_t* mins, uint8_t* s) {
    for (int j = 0; j < 4; ++j) {
      s[j] = static_cast<uint8_t>(scales[j] | (scales[j + 4] >> 4) << 6);
      s[j + 4] = static_cast<uint8_t>(mins[j] | (mins[j + 4] >> 4) << 6);
      s[j + 8] = static_cast<uint8_t>((scales[j + 4] & 15) | (mins[j + 4] & 15) << 4);
    }
  }
  /// The fifth bits of sub-block j: bit j of the 32 bytes.
  static uint32_t fifth_bits(const uint8_t* high, int j) {
    uint32_t bits = 0;
    for (int k = 0; k < 32; ++k) {
      bits |= (static_cast<uint32_t>(high[k]) >> static_cast<unsigned>(j) & 1U)
              << static_cast<unsigned>(k);
    }
    return bits;
  }
  /// Sub-block j's nibbles: the low (even j) or high (odd j) halves of 32 bytes, as 16 bytes.
  static void gather_nibbles(const uint8_t* from, int j, uint8_t* bytes) {
    for (int c = 0; c < 16; c += 4) {
      const uint32_t first = load32(from + c);
      const uint32_t second = load32(from + 16 + c);
      store32(bytes + c, j % 2 == 0 ? (first & 0x0F0F0F0FU) | (second & 0x0F0F0F0FU) << 4U
                                    : (first >> 4U & 0x0F0F0F0FU) | (second & 0xF0F0F0F0U));
    }
  }
  static void pack_block(const uint8_t* from, uint8_t* unit, int64_t row) {
    copy16(unit + 2 * row, from);
    copy16(unit + 32 + 2 * row, from + 2);
    const uint8_t* nibbles = from + 16 + kHighBytes;
    for (int j = 0; j < 8; ++j) {
      uint8_t* sub = unit + L::kHead + j * L::kSub;
      sub[row] = scale_code(from + 4, j);
      sub[16 + row] = min_code(from + 4, j);
      if constexpr (kHighBytes != 0) {
        pack_fifth_bits(fifth_bits(from + 16, j), sub + 32, row);
      }
      uint8_t bytes[16];
      gather_nibbles(nibbles + j / 2 * 32, j, bytes);
      pack_nibbles(bytes, sub + 32 + L::kHigh, row);
    }
  }
  static void unpack_block(const uint8_t* unit, int64_t row, uint8_t* to) {
    memset(to, 0, kBlockBytes);
    copy16(to, unit + 2 * row);
    copy16(to + 2, unit + 32 + 2 * row);
    uint8_t scales[8];
    uint8_t mins[8];
    for (int j = 0; j < 8; ++j) {
      const uint8_t* sub = unit + L::kHead + j * L::kSub;
      scales[j] = sub[row];
      mins[j] = sub[16 + row];
      uint8_t bytes[16];
      unpack_row_nibbles(sub + 32 + L::kHigh, row, bytes);
      const uint32_t high = kHighBytes != 0 ? unpack_fifth_bits(sub + 32, row) : 0;
      uint8_t* nibbles = to + 16 + kHighBytes + j / 2 * 32;
      for (int k = 0; k < 32; ++k) {
        const int code = k < 16 ? bytes[k] & 15 : bytes[k - 16] >> 4;
        nibbles[k] = static_cast<uint8_t>(nibbles[k] | code << (j % 2 * 4));
        if (kHighBytes != 0 && (high >> static_cast<unsigned>(k) & 1U) != 0) {
          to[16 + k] = static_cast<uint8_t>(to[16 + k] | 1 << j);
        }
      }
    }
    store_codes(scales, mins, to + 4);
  }
};
template <>
struct BlockTransfer<kFormatQ4K> : SuperTransfer<MinSuperBlocks<kFormatQ4K>, Layout<kFormatQ4K>> {};
template <>
struct BlockTransfer<kFormatQ5K> : SuperTransfer<MinSuperBlocks<kFormatQ5K>, Layout<kFormatQ5K>> {};

/// Q6_K: 128 bytes of low nibbles, 64 of upper two bits, 16 int8 scales, d. Sub-block j = 4 h + s
/// takes 32 nibbles of half h (bytes 32 (s mod 2) …, low for s < 2) and bits 2s+1:2s of its 32 high
/// bytes.
struct SixBitBlocks {
  using L = Layout<kFormatQ6K>;
  static constexpr int kBlockBytes = 210;

  static void pack_block(const uint8_t* from, uint8_t* unit, int64_t row) {
    copy16(unit + 2 * row, from + 208);
    for (int j = 0; j < 8; ++j) {
      const int s = j % 4;
      const uint8_t* low = from + j / 4 * 64 + s % 2 * 32;
      const uint8_t* upper = from + 128 + j / 4 * 32;
      uint8_t* sub = unit + L::kHead + j * L::kSub;
      copy16(sub + 2 * row, from + 192 + 2 * j);
      uint8_t bytes[16];
      MinSuperBlocks<kFormatQ4K>::gather_nibbles(low, s / 2, bytes);
      pack_nibbles(bytes, sub + 160, row);
      for (int p = 0; p < 2; ++p) {
        uint32_t word = 0;  // byte i collects columns 16 p + 4 q + i
        for (unsigned q = 0; q < 4; ++q) {
          const uint32_t four = load32(upper + 16 * p + 4 * static_cast<int>(q));
          word |= (four >> (2U * static_cast<unsigned>(s)) & 0x03030303U) << (2U * q);
        }
        store32(sub + 32 + 64 * p + 4 * row, word);
      }
    }
  }
  static void unpack_block(const uint8_t* unit, int64_t row, uint8_t* to) {
    memset(to, 0, kBlockBytes);
    copy16(to + 208, unit + 2 * row);
    for (int j = 0; j < 8; ++j) {
      const int s = j % 4;
      uint8_t* low = to + j / 4 * 64 + s % 2 * 32;
      uint8_t* upper = to + 128 + j / 4 * 32;
      const uint8_t* sub = unit + L::kHead + j * L::kSub;
      copy16(to + 192 + 2 * j, sub + 2 * row);
      uint8_t bytes[16];
      unpack_row_nibbles(sub + 160, row, bytes);
      for (int k = 0; k < 32; ++k) {
        const int code = k < 16 ? bytes[k] & 15 : bytes[k - 16] >> 4;
        const int packed = sub[32 + k / 16 * 64 + 4 * row + k % 4];
        const int two_bits = packed >> (2 * (k % 16 / 4)) & 3;
        low[k] = static_cast<uint8_t>(low[k] | code << (s / 2 * 4));
        upper[k] = static_cast<uint8_t>(upper[k] | two_bits << (2 * s));
      }
    }
  }
};
template <>
struct BlockTransfer<kFormatQ6K> : SuperTransfer<SixBitBlocks, Layout<kFormatQ6K>> {};

}  // namespace
}  // namespace cupel::engine::kernels
