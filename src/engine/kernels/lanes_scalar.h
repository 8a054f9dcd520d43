#pragma once

#include <cstdint>

#include "engine/checkpoint/half.h"

namespace cupel::engine::kernels {
namespace {

// Sixteen float lanes in plain C++: the definition that the vector levels repeat instruction by
// instruction. max and min follow x86: the second operand when one is NaN.
struct Lanes {
  static constexpr bool kWide = false;  // 32 vector registers
  // Sums that a product keeps in registers: row groups × tokens.
  static constexpr int kTileGroups = 1;
  static constexpr int kTileTokens = 4;
  float v[16];

  template <typename F>
  static Lanes make(F&& lane) {
    Lanes r;
    for (int i = 0; i < 16; ++i) {
      r.v[i] = lane(i);
    }
    return r;
  }
  static Lanes broadcast(float x) {
    return make([&](int) { return x; });
  }
  static float first(Lanes a) { return a.v[0]; }
  static Lanes load(const float* p) {
    return make([&](int i) { return p[i]; });
  }
  static Lanes load_half(const uint16_t* p) {
    return make([&](int i) { return f16_to_f32(p[i]); });
  }
  static Lanes load_bf16(const uint16_t* p) {
    return make([&](int i) { return bf16_to_f32(p[i]); });
  }
  /// Rounds to bf16, ties to even; NaN stays NaN.
  static void store_bf16(uint16_t* p, Lanes a) {
    for (int i = 0; i < 16; ++i) {
      uint32_t bits = 0;
      __builtin_memcpy(&bits, a.v + i, 4);
      const uint32_t rounded = bits + 0x7FFFU + ((bits >> 16U) & 1U);
      const bool nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
      p[i] = static_cast<uint16_t>((nan ? bits | 0x400000U : rounded) >> 16U);
    }
  }
  /// The bf16 at p[2 i + member].
  static Lanes load_bf16_pairs(const uint16_t* p, int member) {
    return make([&](int i) { return bf16_to_f32(p[2 * i + member]); });
  }
  static Lanes load_u8(const uint8_t* p) {
    return make([&](int i) { return static_cast<float>(p[i]); });
  }
  /// Byte `byte` of each of 16 little-endian 32-bit words.
  static Lanes load_byte_of_words(const uint8_t* p, int byte) {
    return make([&](int i) { return static_cast<float>(p[4 * i + byte]); });
  }
  /// ((word >> shift) & mask) ^ flip of each of 16 little-endian 32-bit words.
  static Lanes load_bits_of_words(const uint8_t* p, int shift, int mask, int flip) {
    return make([&](int i) {
      const uint32_t word = p[4 * i] | static_cast<uint32_t>(p[4 * i + 1]) << 8U |
                            static_cast<uint32_t>(p[4 * i + 2]) << 16U |
                            static_cast<uint32_t>(p[4 * i + 3]) << 24U;
      const auto bits = static_cast<int>(word >> static_cast<uint32_t>(shift)) & mask;
      return static_cast<float>(bits ^ flip);
    });
  }
  /// The int16 at p[2 i + member].
  static Lanes load_i16_pairs(const int16_t* p, int member) {
    return make([&](int i) { return static_cast<float>(p[2 * i + member]); });
  }
  /// The int8 at p[2 i + member].
  static Lanes load_i8_pairs(const uint8_t* p, int member) {
    return make([&](int i) { return static_cast<float>(static_cast<int8_t>(p[2 * i + member])); });
  }
  static void store(float* p, Lanes a) {
    for (int i = 0; i < 16; ++i) {
      p[i] = a.v[i];
    }
  }
  static Lanes add(Lanes a, Lanes b) {
    return make([&](int i) { return a.v[i] + b.v[i]; });
  }
  static Lanes sub(Lanes a, Lanes b) {
    return make([&](int i) { return a.v[i] - b.v[i]; });
  }
  static Lanes mul(Lanes a, Lanes b) {
    return make([&](int i) { return a.v[i] * b.v[i]; });
  }
  static Lanes div(Lanes a, Lanes b) {
    return make([&](int i) { return a.v[i] / b.v[i]; });
  }
  static Lanes fma(Lanes a, Lanes b, Lanes c) {
    return make([&](int i) { return __builtin_fmaf(a.v[i], b.v[i], c.v[i]); });
  }
  static Lanes max(Lanes a, Lanes b) {
    return make([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  static Lanes min(Lanes a, Lanes b) {
    return make([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static Lanes abs(Lanes a) {
    return make([&](int i) { return __builtin_fabsf(a.v[i]); });
  }
  /// a < b ? yes : no.
  static Lanes select_less(Lanes a, Lanes b, Lanes yes, Lanes no) {
    return make([&](int i) { return a.v[i] < b.v[i] ? yes.v[i] : no.v[i]; });
  }
  /// Bit i: a[i] < b[i].
  static uint32_t mask_less(Lanes a, Lanes b) {
    uint32_t mask = 0;
    for (int i = 0; i < 16; ++i) {
      mask |= static_cast<uint32_t>(a.v[i] < b.v[i]) << static_cast<uint32_t>(i);
    }
    return mask;
  }
  /// 2^n where `shifted` = 1.5 · 2^23 + n.
  static Lanes power_of_two(Lanes shifted) {
    return make([&](int i) {
      return std::bit_cast<float>((std::bit_cast<uint32_t>(shifted.v[i]) + 127U) << 23U);
    });
  }
  /// Σ in a fixed tree: 16 → 8 → 4 → 2 → 1, upper half onto lower half.
  static float reduce_add(Lanes a) {
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) {
        a.v[i] = a.v[i] + a.v[i + half];
      }
    }
    return a.v[0];
  }
  static float reduce_max(Lanes a) {
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) {
        a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
      }
    }
    return a.v[0];
  }
  /// Rounds to nearest even and stores 16 bytes; values lie in [-127, 127].
  static void store_int8(int8_t* p, Lanes a) {
    for (int i = 0; i < 16; ++i) {
      p[i] = static_cast<int8_t>((a.v[i] + 12582912.0F) - 12582912.0F);
    }
  }
  /// Sums of 16 bytes each of 32.
  static void sum_halves(const int8_t* p, int16_t* sums) {
    for (int half = 0; half < 2; ++half) {
      int sum = 0;
      for (int i = 0; i < 16; ++i) {
        sum += p[16 * half + i];
      }
      sums[half] = static_cast<int16_t>(sum);
    }
  }
  /// Rounds to nearest even; values lie in [-32767, 32767].
  static void store_int16(int16_t* p, Lanes a) {
    for (int i = 0; i < 16; ++i) {
      p[i] = static_cast<int16_t>((a.v[i] + 12582912.0F) - 12582912.0F);
    }
  }
  static float fma1(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
  static float sqrt1(float a) { return __builtin_sqrtf(a); }
};

/// Sixteen int32 lanes; arithmetic wraps around.
struct IntLanes {
  int32_t v[16];

  static IntLanes zero() { return {}; }
  /// Sixteen pairs of int16.
  static IntLanes load(const int16_t* p) {
    IntLanes r;
    __builtin_memcpy(r.v, p, sizeof r.v);
    return r;
  }
  static IntLanes broadcast_pair(const int16_t* p) {
    IntLanes r;
    for (int32_t& lane : r.v) {
      __builtin_memcpy(&lane, p, sizeof lane);
    }
    return r;
  }
  /// sum + a0 · b0 + a1 · b1 of each lane's pairs.
  static IntLanes dot(IntLanes sum, IntLanes a, IntLanes b) {
    for (int i = 0; i < 16; ++i) {
      const int low = static_cast<int16_t>(a.v[i]) * static_cast<int16_t>(b.v[i]);
      const int high = (a.v[i] >> 16) * (b.v[i] >> 16);
      sum.v[i] = static_cast<int32_t>(static_cast<uint32_t>(sum.v[i]) + static_cast<uint32_t>(low) +
                                      static_cast<uint32_t>(high));
    }
    return sum;
  }
  static Lanes to_float(IntLanes a) {
    return Lanes::make([&](int i) { return static_cast<float>(a.v[i]); });
  }
};

}  // namespace
}  // namespace cupel::engine::kernels
