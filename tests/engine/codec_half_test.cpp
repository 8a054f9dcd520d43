#include <bit>
#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>

#include "engine/checkpoint/half.h"

namespace cupel::engine {
namespace {

TEST(Half, EveryHalfRoundTrips) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = f16_to_f32(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(value))));
    } else {
      EXPECT_EQ(f32_to_f16(value), half) << bits;
    }
  }
}

// Every point half-way between two neighbours goes to the even one, the floats beside it to the
// nearer.
TEST(Half, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const float low = f16_to_f32(static_cast<uint16_t>(bits));
    const float high = f16_to_f32(static_cast<uint16_t>(bits + 1));
    const float middle = low + (high - low) / 2;  // exact: 24 bits hold it
    ASSERT_EQ(f32_to_f16(middle), bits + (bits & 1U)) << bits;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 0.0F)), bits) << bits;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, INFINITY)), bits + 1) << bits;
    ASSERT_EQ(f32_to_f16(-middle), 0x8000U | (bits + (bits & 1U))) << bits;
  }
}

TEST(Half, KnownValues) {  // IEEE 754 binary16, by hand
  EXPECT_EQ(f32_to_f16(1.0F), 0x3C00);
  EXPECT_EQ(f32_to_f16(-2.0F), 0xC000);
  EXPECT_EQ(f32_to_f16(65504.0F), 0x7BFF);
  EXPECT_EQ(f32_to_f16(65519.0F), 0x7BFF);
  EXPECT_EQ(f32_to_f16(65520.0F), 0x7C00);
  EXPECT_EQ(f32_to_f16(INFINITY), 0x7C00);
  EXPECT_EQ(f32_to_f16(-1e30F), 0xFC00);
  EXPECT_EQ(f32_to_f16(0x1p-24F), 0x0001);
  EXPECT_EQ(f32_to_f16(0x1p-26F), 0x0000);
  EXPECT_EQ(f32_to_f16(-0.0F), 0x8000);
}

TEST(Bfloat16, RoundsToNearestEven) {
  EXPECT_EQ(f32_to_bf16(1.0F), 0x3F80);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3F808000U)), 0x3F80);  // a tie, even below
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3F818000U)), 0x3F82);  // a tie, even above
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3F808001U)), 0x3F81);
  EXPECT_EQ(f32_to_bf16(INFINITY), 0x7F80);
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::bit_cast<float>(0x7F800001U)))));
  EXPECT_EQ(bf16_to_f32(0xC2F7), std::bit_cast<float>(0xC2F70000U));
}

}  // namespace
}  // namespace cupel::engine
