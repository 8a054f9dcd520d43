#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/io.h"
#include "engine/checkpoint/half.h"
#include "engine/checkpoint/quant.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

std::vector<float> decode(TensorType type, const std::vector<uint8_t>& blocks) {
  const TensorTypeInfo& info = tensor_type_info(type);
  std::vector<float> out(blocks.size() / info.block_bytes * info.block_elements);
  const auto done = dequantize_row(type, std::as_bytes(std::span(blocks)), out);
  EXPECT_TRUE(done.has_value());
  return out;
}

void put_f16(std::vector<uint8_t>& block, size_t at, float value) {
  const uint16_t half = f32_to_f16(value);
  block[at] = static_cast<uint8_t>(half);
  block[at + 1] = static_cast<uint8_t>(half >> 8);
}

// Expected numbers: hand arithmetic from the block layouts of the format.
TEST(DequantizeRow, Q4NibblesSplitIntoHalves) {
  std::vector<uint8_t> block(18);
  put_f16(block, 0, 0.5F);
  block[2] = 0x2F;  // element 0 is 15, element 16 is 2
  const auto out = decode(TensorType::kQ4_0, block);
  EXPECT_EQ(out[0], 0.5F * 7);
  EXPECT_EQ(out[16], 0.5F * -6);
  EXPECT_EQ(out[1], 0.5F * -8);
}

TEST(DequantizeRow, Q4_1AddsTheMinimum) {
  std::vector<uint8_t> block(20);
  put_f16(block, 0, 0.25F);
  put_f16(block, 2, -1.0F);
  block[4 + 15] = 0xA3;
  const auto out = decode(TensorType::kQ4_1, block);
  EXPECT_EQ(out[15], 0.25F * 3 - 1);
  EXPECT_EQ(out[31], 0.25F * 10 - 1);
}

TEST(DequantizeRow, Q5TakesTheFifthBitFromTheWord) {
  std::vector<uint8_t> block(22);
  put_f16(block, 0, 1.0F);
  block[2] = 0x01;  // high bit of element 0 set, of element 16 clear
  block[6] = 0x3A;
  const auto out = decode(TensorType::kQ5_0, block);
  EXPECT_EQ(out[0], 10.0F);
  EXPECT_EQ(out[16], -13.0F);

  std::vector<uint8_t> with_minimum(24);
  put_f16(with_minimum, 0, 1.0F);
  put_f16(with_minimum, 2, 100.0F);
  with_minimum[4] = 0x01;
  with_minimum[8] = 0x3A;
  const auto shifted = decode(TensorType::kQ5_1, with_minimum);
  EXPECT_EQ(shifted[0], 126.0F);
  EXPECT_EQ(shifted[16], 103.0F);
}

TEST(DequantizeRow, Q8_0IsSigned) {
  std::vector<uint8_t> block(34);
  put_f16(block, 0, 2.0F);
  block[2] = 0x81;
  block[33] = 0x7F;
  const auto out = decode(TensorType::kQ8_0, block);
  EXPECT_EQ(out[0], -254.0F);
  EXPECT_EQ(out[31], 254.0F);
}

TEST(DequantizeRow, Q4KUnpacksSixBitScales) {
  std::vector<uint8_t> block(144);
  put_f16(block, 0, 1.0F);
  put_f16(block, 2, 1.0F);
  const std::array<uint8_t, 12> scales{0xC1, 0x42, 0x83, 0x04, 0x45, 0x86,
                                       0xC7, 0x08, 0x9A, 0xBC, 0xDE, 0xF0};
  std::copy(scales.begin(), scales.end(), block.begin() + 4);
  std::fill(block.begin() + 16, block.end(), uint8_t{0x21});  // low nibbles 1, high nibbles 2
  const auto out = decode(TensorType::kQ4_K, block);
  constexpr std::array<std::array<int, 2>, 8> kScaleMin{
      {{1, 5}, {2, 6}, {3, 7}, {4, 8}, {58, 25}, {28, 43}, {46, 61}, {0, 15}}};
  for (size_t j = 0; j < 8; ++j) {
    const int q = j % 2 == 0 ? 1 : 2;
    EXPECT_EQ(out[32 * j], static_cast<float>(kScaleMin[j][0] * q - kScaleMin[j][1])) << j;
    EXPECT_EQ(out[32 * j + 31], out[32 * j]) << j;
  }
}

TEST(DequantizeRow, Q5KTakesBitJOfTheHighBytes) {
  std::vector<uint8_t> block(176);
  put_f16(block, 0, 1.0F);
  std::fill(block.begin() + 4, block.begin() + 8, uint8_t{1});    // scales 0-3
  std::fill(block.begin() + 12, block.begin() + 16, uint8_t{1});  // scales 4-7, minima 0
  block[16] = 0b10100101;
  const auto out = decode(TensorType::kQ5_K, block);
  for (size_t j = 0; j < 8; ++j) {
    EXPECT_EQ(out[32 * j], j == 0 || j == 2 || j == 5 || j == 7 ? 16.0F : 0.0F) << j;
    EXPECT_EQ(out[32 * j + 1], 0.0F);
  }
}

TEST(DequantizeRow, Q6KSpreadsHighBitPairs) {
  std::vector<uint8_t> block(210);
  block[0] = 0x5A;
  block[32] = 0x3C;
  block[128] = 0xE4;
  std::fill(block.begin() + 192, block.begin() + 208, uint8_t{1});
  put_f16(block, 208, 1.0F);
  const auto out = decode(TensorType::kQ6_K, block);
  EXPECT_EQ(out[0], -22.0F);
  EXPECT_EQ(out[32], -4.0F);
  EXPECT_EQ(out[64], 5.0F);
  EXPECT_EQ(out[96], 19.0F);
  EXPECT_EQ(out[128], -32.0F);
}

TEST(DequantizeRow, FloatsOfSixteenBits) {
  EXPECT_EQ(decode(TensorType::kF16, {0x00, 0x3C, 0x01, 0x00}),
            (std::vector<float>{1.0F, 0x1p-24F}));
  EXPECT_EQ(decode(TensorType::kBF16, {0x80, 0x3F, 0x00, 0xC0}), (std::vector<float>{1.0F, -2.0F}));
}

// "c0a8" → bytes C0 A8.
std::vector<std::byte> from_hex(std::string_view hex) {
  std::vector<std::byte> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// Random blocks of each type, decoded by gguf-py 0.19.0; numbers as the eight hex digits of their
// bits.
TEST(DequantizeRow, EqualsGgufPyBitForBit) {
  const std::string path = cupel::test::test_data("oracles/dequant.jsonl");
  if (!std::filesystem::exists(path)) {
    GTEST_SKIP() << "the fixture is absent: decoding was not compared with gguf-py";
  }
  std::set<std::string> types;
  const auto check = [&](Json&& row, size_t line) -> Result<Ok> {
    if (!row.contains("bytes")) {
      return Ok{};  // the first line names versions
    }
    CUPEL_TRY(const std::string name, get_string(row, "type"));
    CUPEL_TRY(const std::string hex, get_string(row, "f32"));
    CUPEL_TRY(const std::string blocks, get_string(row, "bytes"));
    types.insert(name);
    std::vector<float> out(hex.size() / 8);
    CUPEL_TRY_VOID(dequantize_row(parse_tensor_type(name).value(), from_hex(blocks), out));
    for (size_t i = 0; i < out.size(); ++i) {
      const auto expected = std::stoul(hex.substr(8 * i, 8), nullptr, 16);
      EXPECT_EQ(std::bit_cast<uint32_t>(out[i]), expected)
          << name << " line " << line << " number " << i;
    }
    return Ok{};
  };
  const auto done = for_each_jsonl_file(path, check);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(types.size(), 10U);  // all readable types but F32
}

TEST(DequantizeRow, RefusesTypesWithoutDecoderByName) {
  std::vector<std::byte> block(84);
  std::vector<float> out(256);
  const auto done = dequantize_row(TensorType::kQ2_K, block, out);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kUnsupported);
  EXPECT_NE(done.error().message.find("unsupported tensor type 10 (Q2_K)"), std::string::npos);
}

}  // namespace
}  // namespace cupel::engine
