#include "kernels_support.h"

namespace cupel::engine::test {
namespace {

struct Shape {
  int64_t n;
  int64_t rows;
  int64_t cols;
};

Shape random_shape(TensorType type, Rng& rng) {
  return {
      1 + static_cast<int64_t>(rng.below(70)), 1 + static_cast<int64_t>(rng.below(75)),
      column_step(type) * (1 + static_cast<int64_t>(rng.below(type >= TensorType::kQ4_K ? 4 : 9)))};
}

/// W in f32 by the reference codec.
std::vector<float> dequantised(TensorType type,
                               const std::vector<std::byte>& bytes,
                               int64_t count) {
  std::vector<float> w(static_cast<size_t>(count));
  EXPECT_TRUE(dequantize_row(type, bytes, w).has_value());
  return w;
}

}  // namespace

class Linear : public KernelTest {};
CUPEL_KERNEL_SUITE(Linear);

TEST_P(Linear, Int8EqualsScalarOracleForRandomShapes) {
  for (const TensorType type : kernel_types()) {
    for (uint64_t trial = 0; trial < 6; ++trial) {
      Rng rng(trial, static_cast<uint64_t>(type));
      const Shape s = random_shape(type, rng);
      const auto weight =
          must_pack(type, s.rows, s.cols, random_weights(type, s.rows, s.cols, rng));
      Activation a = random_activation(s.n, s.cols, rng);
      EXPECT_TRUE(same_bits(product(ops(), weight, a.int8_rows(0, s.n)),
                            product(scalar_ops(), weight, a.int8_rows(0, s.n))))
          << tensor_type_name(type) << " n " << s.n << " rows " << s.rows << " cols " << s.cols;
    }
  }
}

TEST_P(Linear, LongRowsEqualScalarOracle) {  // more blocks than one unpacked tile holds
  for (const TensorType type : kernel_types()) {
    Rng rng(3, static_cast<uint64_t>(type));
    const int64_t cols = 2304;
    const auto weight = must_pack(type, 17, cols, random_weights(type, 17, cols, rng));
    Activation a = random_activation(15, cols, rng);
    EXPECT_TRUE(same_bits(product(ops(), weight, a.int8_rows(0, 15)),
                          product(scalar_ops(), weight, a.int8_rows(0, 15))))
        << tensor_type_name(type);
  }
}

TEST_P(Linear, Float32EqualsScalarOracleForRandomShapes) {
  for (const TensorType type : kernel_types()) {
    Rng rng(7, static_cast<uint64_t>(type));
    const Shape s = random_shape(type, rng);
    const auto weight = must_pack(type, s.rows, s.cols, random_weights(type, s.rows, s.cols, rng));
    Activation a = random_activation(s.n, s.cols, rng);
    EXPECT_TRUE(same_bits(product(ops(), weight, a.f32_rows(0, s.n)),
                          product(scalar_ops(), weight, a.f32_rows(0, s.n))))
        << tensor_type_name(type);
  }
}

TEST_P(Linear, RowAloneEqualsRowInBatch) {
  for (const TensorType type : kernel_types()) {
    Rng rng(11, static_cast<uint64_t>(type));
    const int64_t cols = column_step(type) * 3;
    const int64_t n = 64;
    const auto weight = must_pack(type, 37, cols, random_weights(type, 37, cols, rng));
    Activation a = random_activation(n, cols, rng);
    const std::vector<float> all = product(ops(), weight, a.int8_rows(0, n));
    const std::vector<float> all_f32 = product(ops(), weight, a.f32_rows(0, n));
    for (int64_t t = 0; t < n; ++t) {
      const auto row = [&](const std::vector<float>& v) {
        return std::vector<float>(v.begin() + t * 37, v.begin() + (t + 1) * 37);
      };
      EXPECT_TRUE(same_bits(product(ops(), weight, a.int8_rows(t, 1)), row(all)));
      EXPECT_TRUE(same_bits(product(ops(), weight, a.f32_rows(t, 1)), row(all_f32)));
    }
  }
}

TEST_P(Linear, SplitIntoRangesChangesNothing) {
  for (const TensorType type : kernel_types()) {
    Rng rng(13, static_cast<uint64_t>(type));
    const int64_t cols = column_step(type);
    const int64_t rows = 77;
    const int64_t n = 10;
    const auto weight = must_pack(type, rows, cols, random_weights(type, rows, cols, rng));
    Activation a = random_activation(n, cols, rng);
    const std::vector<float> whole = product(ops(), weight, a.int8_rows(0, n));
    std::vector<float> parts(whole.size(), -1.0F);
    const LinearArgs args = {&weight,      nullptr, a.int8_rows(0, n),
                             parts.data(), rows,    LinearEpilogue::kStore};
    for (int64_t begin = 0; begin < rows; begin += ops().row_group()) {
      ops().linear(args, begin, std::min(begin + ops().row_group(), rows));
    }
    EXPECT_TRUE(same_bits(parts, whole)) << tensor_type_name(type);
  }
}

TEST_P(Linear, AgreesWithDoubleReference) {
  for (const TensorType type : kernel_types()) {
    Rng rng(17, static_cast<uint64_t>(type));
    const int64_t cols = column_step(type) * 2;
    const int64_t rows = 21;
    const int64_t n = 5;
    const auto bytes = random_weights(type, rows, cols, rng);
    const std::vector<float> w = dequantised(type, bytes, rows * cols);
    const auto weight = must_pack(type, rows, cols, bytes);
    Activation a = random_activation(n, cols, rng);
    const std::vector<float> f32 = product(ops(), weight, a.f32_rows(0, n));
    const std::vector<float> int8 = product(ops(), weight, a.int8_rows(0, n));
    const std::vector<double> twin = a.twin();
    for (int64_t t = 0; t < n; ++t) {
      for (int64_t row = 0; row < rows; ++row) {
        double exact = 0;
        double quantised = 0;
        double size = 0;
        for (int64_t k = 0; k < cols; ++k) {
          const double weight_k = w[row * cols + k];
          const double scale = a.scales[(t * cols + k) / 32];
          exact += weight_k * a.values[t * cols + k];
          quantised += weight_k * twin[t * cols + k];
          size += std::abs(weight_k) * (std::abs(a.values[t * cols + k]) + scale);
        }
        EXPECT_NEAR(f32[t * rows + row], exact, 3e-6 * size) << tensor_type_name(type);
        EXPECT_NEAR(int8[t * rows + row], quantised, 3e-6 * size) << tensor_type_name(type);
      }
    }
  }
}

TEST_P(Linear, BiasAndAddAreAppliedOnce) {
  Rng rng(19);
  const int64_t rows = 35;
  const auto weight =
      must_pack(TensorType::kQ4_1, rows, 64, random_weights(TensorType::kQ4_1, rows, 64, rng));
  Activation a = random_activation(3, 64, rng);
  std::vector<float> bias(rows);
  for (float& b : bias) {
    b = static_cast<float>(rng.normal());
  }
  const std::vector<float> plain = product(ops(), weight, a.int8_rows(0, 3));
  const std::vector<float> biased = product(ops(), weight, a.int8_rows(0, 3), bias.data());
  std::vector<float> added(plain.size(), 2.0F);
  const LinearArgs args = {&weight,      bias.data(), a.int8_rows(0, 3),
                           added.data(), rows,        LinearEpilogue::kAdd};
  ops().linear(args, 0, rows);
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(biased[i], plain[i] + bias[i % rows]);
    EXPECT_EQ(added[i], 2.0F + biased[i]);
  }
}

TEST_P(Linear, AGatedPairIsItsProductsGated) {
  for (const TensorType up_type : kernel_types()) {
    Rng rng(21, static_cast<uint64_t>(up_type));
    const int64_t rows = 43;
    const int64_t cols = column_step(up_type);
    const int64_t n = 7;
    const auto gate = must_pack(TensorType::kQ8_0, rows, cols,
                                random_weights(TensorType::kQ8_0, rows, cols, rng));
    const auto up = must_pack(up_type, rows, cols, random_weights(up_type, rows, cols, rng));
    Activation a = random_activation(n, cols, rng);
    std::vector<float> expected = product(ops(), gate, a.int8_rows(0, n));
    const std::vector<float> ups = product(ops(), up, a.int8_rows(0, n));
    ops().gate(expected.data(), ups.data(), std::ssize(ups), GateKind::kSilu, expected.data());
    std::vector<float> gated(expected.size(), 7.0F);
    const GatedLinearArgs args = {.gate = &gate,
                                  .up = &up,
                                  .activation = GateKind::kSilu,
                                  .input = a.int8_rows(0, n),
                                  .output = gated.data(),
                                  .output_stride = rows};
    ops().linear_gated(args, 0, 32);
    EXPECT_EQ(gated[32], 7.0F) << "rows beyond the range";
    ops().linear_gated(args, 32, rows);
    EXPECT_TRUE(same_bits(gated, expected)) << tensor_type_name(up_type);
  }
}

TEST_P(Linear, WithoutASecondWeightTheFirstIsActivated) {
  Rng rng(22);
  const int64_t rows = 43;
  const int64_t n = 7;
  const auto weight =
      must_pack(TensorType::kF32, rows, 64, random_weights(TensorType::kF32, rows, 64, rng));
  Activation a = random_activation(n, 64, rng);
  std::vector<float> expected = product(ops(), weight, a.f32_rows(0, n));
  ops().gate(expected.data(), nullptr, std::ssize(expected), GateKind::kGeluErf, expected.data());
  std::vector<float> active(expected.size(), 7.0F);
  const GatedLinearArgs args = {.gate = &weight,
                                .activation = GateKind::kGeluErf,
                                .input = a.f32_rows(0, n),
                                .output = active.data(),
                                .output_stride = rows};
  ops().linear_gated(args, 0, 32);
  EXPECT_EQ(active[32], 7.0F) << "rows beyond the range";
  ops().linear_gated(args, 32, rows);
  EXPECT_TRUE(same_bits(active, expected));
}

TEST_P(Linear, OutputStrideLeavesOtherColumnsAlone) {
  Rng rng(23);
  const auto weight =
      must_pack(TensorType::kQ8_0, 20, 32, random_weights(TensorType::kQ8_0, 20, 32, rng));
  Activation a = random_activation(2, 32, rng);
  std::vector<float> out(2 * 50, 7.0F);
  const LinearArgs args = {&weight,    nullptr, a.int8_rows(0, 2),
                           out.data(), 50,      LinearEpilogue::kStore};
  ops().linear(args, 0, 20);
  for (size_t i = 20; i < 50; ++i) {
    EXPECT_EQ(out[i], 7.0F);
    EXPECT_EQ(out[50 + i], 7.0F);
  }
}

// All codes at one end and all activations at ±127: the largest integer sums; any saturation shows.
TEST_P(Linear, ExtremeCodesDoNotSaturate) {
  for (const TensorType type : kernel_types()) {
    const int64_t cols = column_step(type) * 2;
    for (const int fill : {0x00, 0xFF, 0x7F, 0x80}) {
      Rng rng(29);
      auto bytes = random_weights(type, 16, cols, rng);
      const auto step = static_cast<size_t>(tensor_type_info(type).block_bytes);
      for (size_t at = 0; step > 4 && at < bytes.size(); at += step) {
        const size_t head = type == TensorType::kQ6_K ? 0 : 4;
        const size_t tail = type == TensorType::kQ6_K ? 2 : 0;
        const size_t skip =
            type == TensorType::kQ4_0 || type == TensorType::kQ5_0 || type == TensorType::kQ8_0
                ? 2
                : head;
        std::memset(bytes.data() + at + skip, fill, step - skip - tail);
      }
      const auto weight = must_pack(type, 16, cols, bytes);
      for (const int sign : {1, -1, 0}) {
        Activation a(12, cols);
        for (size_t i = 0; i < a.values.size(); ++i) {
          a.values[i] = static_cast<float>(sign != 0 ? sign : i % 2 == 0 ? 1 : -1);
        }
        a.quantise(ops());
        EXPECT_EQ(std::abs(a.quants[0]), 127);
        for (const int64_t n : {1, 12}) {
          EXPECT_TRUE(same_bits(product(ops(), weight, a.int8_rows(0, n)),
                                product(scalar_ops(), weight, a.int8_rows(0, n))))
              << tensor_type_name(type) << " fill " << fill;
        }
      }
    }
  }
}

TEST_P(Linear, ZeroHugeTinyAndDenormalScales) {
  for (const TensorType type : kernel_types()) {
    for (const float scale : {0.0F, 65504.0F, 6e-8F, -1e-5F}) {
      Rng rng(31);
      const int64_t cols = column_step(type);
      auto bytes = random_weights(type, 19, cols, rng);
      const size_t step = tensor_type_info(type).block_bytes;
      for (size_t at = 0; step > 4 && at < bytes.size(); at += step) {
        put_half(bytes.data() + at + (type == TensorType::kQ6_K ? 208 : 0), scale);
      }
      const auto weight = must_pack(type, 19, cols, bytes);
      Activation a = random_activation(4, cols, rng);
      std::fill(a.values.begin(), a.values.begin() + 32, 0.0F);
      std::fill(a.values.begin() + cols, a.values.begin() + cols + 32, 1e-38F);
      a.quantise(ops());
      EXPECT_EQ(a.scales[0], 0.0F);
      EXPECT_TRUE(same_bits(product(ops(), weight, a.int8_rows(0, 4)),
                            product(scalar_ops(), weight, a.int8_rows(0, 4))))
          << tensor_type_name(type) << " scale " << scale;
    }
  }
}

TEST_P(Linear, FloatWeightsTakeInt8ActivationsThroughTheirScales) {
  Rng rng(37);
  const auto bytes = random_weights(TensorType::kF16, 18, 64, rng);
  const auto weight = must_pack(TensorType::kF16, 18, 64, bytes);
  Activation a = random_activation(3, 64, rng);
  const std::vector<float> from_int8 = product(ops(), weight, a.int8_rows(0, 3));
  const std::vector<double> twin = a.twin();
  for (size_t i = 0; i < a.values.size(); ++i) {
    a.values[i] = static_cast<float>(twin[i]);
  }
  const std::vector<float> expected = product(ops(), weight, a.f32_rows(0, 3));
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(from_int8[i], expected[i], 2e-6 * (1 + std::abs(expected[i])));
  }
  EXPECT_TRUE(same_bits(from_int8, product(scalar_ops(), weight, a.int8_rows(0, 3))));
}

}  // namespace cupel::engine::test
