#include <cstring>

#include "engine/kernels/large_memory.h"
#include "kernels_support.h"

namespace cupel::engine::test {

TEST(PackedMatrix, UnpacksToTheFilesBytes) {
  for (const TensorType type : kernel_types()) {
    for (const int64_t rows : {1, 15, 16, 33}) {
      Rng rng(static_cast<uint64_t>(rows), static_cast<uint64_t>(type));
      const int64_t cols = column_step(type) * 3;
      const auto bytes = random_weights(type, rows, cols, rng);
      const auto packed = scalar_ops().pack(type, rows, cols, bytes);
      ASSERT_TRUE(packed.has_value()) << tensor_type_name(type);
      EXPECT_EQ(scalar_ops().unpack(packed.value()), bytes) << tensor_type_name(type) << rows;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(packed.value().data) % 64, 0U);
    }
  }
}

TEST(PackedMatrix, PiecesInAnyOrderMakeTheSameMatrix) {
  constexpr int64_t kRows = 83;  // five groups and a part of one
  for (const TensorType type : kernel_types()) {
    Rng rng(11, static_cast<uint64_t>(type));
    const int64_t cols = column_step(type) * 2;
    const auto bytes = random_weights(type, kRows, cols, rng);
    const PackedMatrix whole = must_pack(type, kRows, cols, bytes);
    const size_t size = scalar_ops().packed_bytes(type, kRows, cols).value();
    PackedMatrix pieces{.type = type, .rows = kRows, .cols = cols};
    pieces.owned = allocate_weights(size).value();
    pieces.data = pieces.owned.get();
    std::memset(pieces.owned.get(), 0xA5, size);
    const size_t row_size = row_bytes(type, static_cast<uint64_t>(cols));
    for (const auto& [first, count] : {std::pair(48L, 35L), {0L, 16L}, {16L, 32L}}) {
      const auto part = std::span(bytes).subspan(static_cast<size_t>(first) * row_size,
                                                 static_cast<size_t>(count) * row_size);
      scalar_ops().pack_rows(pieces, first, count, part);
    }
    EXPECT_EQ(std::memcmp(pieces.data, whole.data, size), 0) << tensor_type_name(type);
  }
}

TEST(PackedMatrix, DequantisesRowsAsTheCodecDoes) {
  for (const TensorType type : kernel_types()) {
    Rng rng(5, static_cast<uint64_t>(type));
    const int64_t cols = column_step(type) * 2;
    const auto bytes = random_weights(type, 19, cols, rng);
    const auto packed = scalar_ops().pack(type, 19, cols, bytes);
    ASSERT_TRUE(packed.has_value());
    std::vector<float> all(static_cast<size_t>(19 * cols));
    ASSERT_TRUE(dequantize_row(type, bytes, all).has_value());
    for (int64_t row = 0; row < 19; ++row) {
      std::vector<float> out(static_cast<size_t>(cols));
      scalar_ops().dequantise_row(packed.value(), row, out.data());
      EXPECT_TRUE(same_bits(
          out, std::vector<float>(all.begin() + row * cols, all.begin() + (row + 1) * cols)));
    }
  }
}

TEST(PackedMatrix, RefusesTypesWithoutKernelsAndShapesThatDoNotFit) {
  const std::vector<std::byte> bytes(1024);
  EXPECT_EQ(scalar_ops().pack(TensorType::kQ2_K, 1, 256, bytes).error().code, Code::kUnsupported);
  EXPECT_EQ(scalar_ops().pack(TensorType::kI32, 1, 32, bytes).error().code, Code::kUnsupported);
  const auto code = [&](TensorType type, int64_t rows, int64_t cols) {
    return scalar_ops().pack(type, rows, cols, bytes).error().code;
  };
  EXPECT_EQ(code(TensorType::kQ4_0, 1, 33), Code::kInvalidArgument);  // part of a block
  EXPECT_EQ(code(TensorType::kQ6_K, 1, 32), Code::kInvalidArgument);  // part of a block of 256
  EXPECT_EQ(code(TensorType::kF32, 4, 32), Code::kInvalidArgument);   // 512 bytes wanted
  EXPECT_EQ(code(TensorType::kF32, 0, 32), Code::kInvalidArgument);   // no rows
  EXPECT_EQ(code(TensorType::kF32, int64_t{1} << 60, 32), Code::kInvalidArgument);
}

TEST(CpuLevels, AreNamedAndTheScalarOneIsAlwaysThere) {
  const auto levels = available_cpu_levels();
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels.front(), CpuLevel::kScalar);
  EXPECT_EQ(levels.back(), best_cpu_level());
  for (const CpuLevel level : cpu_levels()) {
    EXPECT_EQ(parse_cpu_level(cpu_level_name(level)).value(), level);
    const auto ops = operators_for(level);
    if (std::find(levels.begin(), levels.end(), level) != levels.end()) {
      EXPECT_EQ(ops.value()->level(), level);
    } else {
      EXPECT_EQ(ops.error().code, Code::kUnsupported);
    }
  }
  EXPECT_EQ(parse_cpu_level("sse9").error().code, Code::kInvalidArgument);
}

}  // namespace cupel::engine::test
