#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "engine/checkpoint/quant.h"

namespace cupel::engine {
namespace {

constexpr TensorType kWritable[] = {TensorType::kF32,  TensorType::kF16,  TensorType::kBF16,
                                    TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0,
                                    TensorType::kQ5_1, TensorType::kQ8_0};

std::vector<uint8_t> encode(TensorType type, const std::vector<float>& values) {
  std::vector<uint8_t> out(row_bytes(type, values.size()));
  const auto done = quantize_row(type, values, std::as_writable_bytes(std::span(out)));
  EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
  return out;
}

std::vector<float> decode(TensorType type, const std::vector<uint8_t>& blocks, size_t count) {
  std::vector<float> out(count);
  EXPECT_TRUE(dequantize_row(type, std::as_bytes(std::span(blocks)), out).has_value());
  return out;
}

std::vector<float> ramp() {  // x_i = -0.8 + 0.05 i, the worked block of the format notes
  std::vector<float> values;
  for (int i = 0; i < 32; ++i) {
    values.push_back(static_cast<float>(-0.8 + 0.05 * i));
  }
  return values;
}

std::vector<float> normals(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(rng.normal());
  }
  return values;
}

TEST(QuantizeRow, WorkedBlockOfQ4_0) {
  EXPECT_EQ(encode(TensorType::kQ4_0, ramp()),
            (std::vector<uint8_t>{0x66, 0x2E, 0x80, 0x91, 0x91, 0xA2, 0xA2, 0xB3, 0xB3, 0xC4, 0xC4,
                                  0xD5, 0xD5, 0xE6, 0xE6, 0xF7, 0xF7, 0xF8}));
}

TEST(QuantizeRow, WorkedBlockOfQ4_1) {
  EXPECT_EQ(encode(TensorType::kQ4_1, ramp()),
            (std::vector<uint8_t>{0x9D, 0x2E, 0x66, 0xBA, 0x80, 0x80, 0x91, 0x91, 0xA2, 0xA2,
                                  0xB3, 0xB3, 0xC4, 0xC4, 0xD5, 0xD5, 0xE6, 0xE6, 0xF7, 0xF7}));
}

TEST(QuantizeRow, WorkedBlockOfQ8_0) {
  const auto block = encode(TensorType::kQ8_0, ramp());
  EXPECT_EQ(block[0], 0x73);
  EXPECT_EQ(block[1], 0x1E);
  EXPECT_EQ(static_cast<int8_t>(block[2]), -127);
  EXPECT_EQ(static_cast<int8_t>(block[3]), -119);
  EXPECT_EQ(static_cast<int8_t>(block[4]), -111);
}

// No level is further than half a step away, plus what rounding d (and m) to f16 moves: 2^-11
// relative, over at most 31 steps. The far end of the symmetric 4- and 5-bit types is one whole
// step short.
TEST(QuantizeRow, ErrorStaysBelowTheStep) {
  struct Case {
    TensorType type;
    float steps;  // range of a block in steps
    float bound;  // of the error, in steps
  };
  for (const Case c : {Case{TensorType::kQ8_0, 254, 0.6F}, Case{TensorType::kQ4_0, 16, 1.1F},
                       Case{TensorType::kQ4_1, 15, 0.55F}, Case{TensorType::kQ5_0, 32, 1.1F},
                       Case{TensorType::kQ5_1, 31, 0.55F}}) {
    for (uint64_t seed = 0; seed < 200; ++seed) {
      const auto values = normals(32, seed);
      const auto back = decode(c.type, encode(c.type, values), 32);
      const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
      const bool affine = c.type == TensorType::kQ4_1 || c.type == TensorType::kQ5_1;
      const float range = affine ? *greatest - *least : 2 * std::max(-*least, *greatest);
      for (size_t i = 0; i < 32; ++i) {
        ASSERT_LE(std::fabs(back[i] - values[i]), c.bound * range / c.steps)
            << tensor_type_name(c.type) << " seed " << seed << " element " << i;
      }
    }
  }
}

TEST(QuantizeRow, ZerosAndConstantsSurviveEveryType) {
  for (const TensorType type : kWritable) {
    for (const float constant : {0.0F, 0.5F, -2.0F, 1e-44F}) {
      const auto back = decode(type, encode(type, std::vector<float>(64, constant)), 64);
      for (const float value : back) {
        EXPECT_NEAR(value, constant, 0.005F * std::fabs(constant) + 1e-7F)
            << tensor_type_name(type);
      }
    }
  }
}

TEST(QuantizeRow, EncodingTwiceChangesNothingForFloats) {
  for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16}) {
    const auto once = encode(type, normals(64, 7));
    EXPECT_EQ(encode(type, decode(type, once, 64)), once);
  }
}

TEST(QuantizeRow, RejectsNumbersThatNoScaleHolds) {
  for (const TensorType type : kWritable) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
          -std::numeric_limits<float>::max()}) {
      if (type == TensorType::kF32 && std::isfinite(bad)) {
        continue;
      }
      std::vector<float> values(64, 1.0F);
      values[40] = bad;
      std::vector<std::byte> out(row_bytes(type, values.size()));
      const auto done = quantize_row(type, values, out);
      ASSERT_FALSE(done.has_value()) << tensor_type_name(type) << " " << bad;
      EXPECT_EQ(done.error().code, Code::kInvalidArgument);
      EXPECT_NE(done.error().message.find("number 40"), std::string::npos) << done.error().message;
    }
  }
}

TEST(QuantizeRow, RefusesTypesWithoutEncoder) {
  std::vector<float> values(256);
  std::vector<std::byte> out(84);
  EXPECT_EQ(quantize_row(TensorType::kQ2_K, values, out).error().code, Code::kUnsupported);
}

TEST(TensorTypes, NamesParseInAnyCase) {
  EXPECT_EQ(parse_tensor_type("q8_0"), TensorType::kQ8_0);
  EXPECT_EQ(parse_tensor_type("Q6_K"), TensorType::kQ6_K);
  EXPECT_EQ(parse_tensor_type("q9_9"), std::nullopt);
  EXPECT_EQ(tensor_type_id_name(20), "IQ4_NL");
  EXPECT_EQ(tensor_type_id_name(99), "unknown");
  EXPECT_EQ(tensor_type_from_id(20), std::nullopt);
  EXPECT_EQ(row_bytes(TensorType::kQ4_K, 512), 288U);
}

}  // namespace
}  // namespace cupel::engine
