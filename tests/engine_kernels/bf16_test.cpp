// BF16 weights with the bf16 twin of the activations: every level gives the bits that the
// instruction tdpbf16ps is defined to give, on machines with and without it.
#include <cmath>
#include <limits>

#include "kernels_support.h"

namespace cupel::engine::test {
namespace {

/// Activations with their bf16 twin.
struct Bf16Activation {
  Bf16Activation(int64_t rows, int64_t cols)
      : values(static_cast<size_t>(rows * cols)),
        bf16(values.size()),
        buffer{.rows = rows, .cols = cols, .values = values.data(), .bf16 = bf16.data()} {}
  std::vector<float> values;
  std::vector<uint16_t> bf16;
  ActivationBuffer buffer;

  void round(const Operators& ops) {
    for (int64_t row = 0; row < buffer.rows; ++row) {
      ops.quantise_row(buffer, row);
    }
  }
  [[nodiscard]] ActivationRows rows(int64_t first, int64_t count) const {
    return {.rows = count,
            .cols = buffer.cols,
            .values = values.data() + first * buffer.cols,
            .bf16 = bf16.data() + first * buffer.cols};
  }
};

Bf16Activation random_bf16(int64_t rows, int64_t cols, Rng& rng) {
  Bf16Activation a(rows, cols);
  for (float& x : a.values) {
    x = static_cast<float>(rng.normal() * (rng.below(20) == 0 ? 30 : 1));
  }
  a.round(scalar_ops());
  return a;
}

PackedMatrix bf16_weights(int64_t rows, int64_t cols, Rng& rng) {
  return must_pack(TensorType::kBF16, rows, cols,
                   random_weights(TensorType::kBF16, rows, cols, rng));
}

/// Zero for what the instruction takes and gives as zero.
float flushed(float x) {
  return std::abs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0F, x) : x;
}

/// The definition, one output at a time.
float defined_product(const uint16_t* w, const uint16_t* x, int64_t cols) {
  float sum = 0;
  for (int64_t block = 0; block < cols; block += 32) {
    float chains[2] = {};
    for (int64_t i = block; i < block + 32; ++i) {
      float& chain = chains[i % 2];
      chain = flushed(std::fma(flushed(bf16_to_f32(w[i])), flushed(bf16_to_f32(x[i])), chain));
    }
    sum = flushed(sum + flushed(chains[0] + chains[1]));
  }
  return sum;
}

}  // namespace

class Bf16Linear : public KernelTest {};
CUPEL_KERNEL_SUITE(Bf16Linear);

TEST_P(Bf16Linear, TwinIsTheNearestBf16TiesToEven) {
  Bf16Activation a(1, 96);
  Rng rng(5);
  for (float& x : a.values) {
    const auto bits = static_cast<uint32_t>(rng.bits());
    std::memcpy(&x, &bits, 4);  // any float, NaN, infinities and denormals among them
  }
  a.values[0] = 1.00390625F;  // between 1 and 1.0078125: the even one is 1
  a.values[1] = 1.01171875F;  // between 1.0078125 and 1.015625: the even one is the second
  a.values[2] = std::numeric_limits<float>::max();
  a.values[3] = std::numeric_limits<float>::quiet_NaN();
  a.round(ops());
  EXPECT_EQ(bf16_to_f32(a.bf16[0]), 1.0F);
  EXPECT_EQ(bf16_to_f32(a.bf16[1]), 1.015625F);
  EXPECT_EQ(bf16_to_f32(a.bf16[2]), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(bf16_to_f32(a.bf16[3])));
  for (size_t i = 4; i < a.values.size(); ++i) {
    if (!std::isnan(a.values[i])) {
      EXPECT_EQ(a.bf16[i], f32_to_bf16(a.values[i])) << a.values[i];
    }
  }
}

TEST_P(Bf16Linear, IsTheDefinitionOfTheInstruction) {
  for (uint64_t trial = 0; trial < 4; ++trial) {
    Rng rng(trial, 31);
    const int64_t rows = 1 + static_cast<int64_t>(rng.below(70));
    const int64_t cols = 32 * (1 + static_cast<int64_t>(rng.below(20)));
    const int64_t n = 1 + static_cast<int64_t>(rng.below(20));
    const auto bytes = random_weights(TensorType::kBF16, rows, cols, rng);
    const auto weight = must_pack(TensorType::kBF16, rows, cols, bytes);
    const Bf16Activation a = random_bf16(n, cols, rng);
    std::vector<float> expected;
    const auto* w = reinterpret_cast<const uint16_t*>(bytes.data());
    for (int64_t t = 0; t < n; ++t) {
      for (int64_t row = 0; row < rows; ++row) {
        expected.push_back(defined_product(w + row * cols, a.bf16.data() + t * cols, cols));
      }
    }
    EXPECT_TRUE(same_bits(product(ops(), weight, a.rows(0, n)), expected))
        << "n " << n << " rows " << rows << " cols " << cols;
  }
}

TEST_P(Bf16Linear, NumbersBelowTheNormalRangeCountAsZero) {
  const int64_t cols = 32;
  std::vector<std::byte> bytes(16 * cols * 2);
  auto* w = reinterpret_cast<uint16_t*>(bytes.data());
  Bf16Activation a(2, cols);
  Rng rng(37);
  for (int64_t i = 0; i < 16 * cols; ++i) {  // a mixture of denormal and small numbers
    w[i] = static_cast<uint16_t>(rng.below(0x0180) | rng.below(2) << 15U);
  }
  for (float& x : a.values) {
    x = static_cast<float>(rng.normal()) * (rng.below(2) == 0 ? 1e-38F : 1.0F);
  }
  a.round(scalar_ops());
  const auto weight = must_pack(TensorType::kBF16, 16, cols, bytes);
  std::vector<float> expected;
  for (int64_t t = 0; t < 2; ++t) {
    for (int64_t row = 0; row < 16; ++row) {
      expected.push_back(defined_product(w + row * cols, a.bf16.data() + t * cols, cols));
    }
  }
  EXPECT_TRUE(same_bits(product(ops(), weight, a.rows(0, 2)), expected));
  volatile float small = 1e-30F;
  EXPECT_GT(small * 1e-10F, 0.0F) << "the mode of the thread was left changed";
}

TEST_P(Bf16Linear, BiasAndSumsBelowTheNormalRangeAreKept) {
  Rng rng(39);
  const int64_t rows = 35;
  const auto weight = must_pack(TensorType::kBF16, rows, 32, std::vector<std::byte>(rows * 64));
  const Bf16Activation a = random_bf16(3, 32, rng);
  const std::vector<float> bias(static_cast<size_t>(rows), 1e-40F);
  std::vector<float> out(static_cast<size_t>(3 * rows), 2e-40F);
  const LinearArgs args = {&weight,    bias.data(), a.rows(0, 3),
                           out.data(), rows,        LinearEpilogue::kAdd};
  ops().linear(args, 0, rows);
  EXPECT_TRUE(same_bits(out, std::vector<float>(out.size(), 2e-40F + 1e-40F)));
}

TEST_P(Bf16Linear, RowAloneEqualsRowInBatch) {
  Rng rng(41);
  const int64_t rows = 75;
  const int64_t n = 67;
  const auto weight = bf16_weights(rows, 544, rng);
  const Bf16Activation a = random_bf16(n, 544, rng);
  const std::vector<float> all = product(ops(), weight, a.rows(0, n));
  for (int64_t t = 0; t < n; ++t) {
    const std::vector<float> expected(all.begin() + t * rows, all.begin() + (t + 1) * rows);
    EXPECT_TRUE(same_bits(product(ops(), weight, a.rows(t, 1)), expected)) << t;
  }
}

TEST_P(Bf16Linear, ErrorIsThatOfTheRoundedActivations) {
  Rng rng(43);
  const int64_t rows = 32;
  const int64_t cols = 576;
  const auto bytes = random_weights(TensorType::kBF16, rows, cols, rng);
  const auto* w = reinterpret_cast<const uint16_t*>(bytes.data());
  const auto weight = must_pack(TensorType::kBF16, rows, cols, bytes);
  const Bf16Activation a = random_bf16(3, cols, rng);
  const std::vector<float> out = product(ops(), weight, a.rows(0, 3));
  for (int64_t t = 0; t < 3; ++t) {
    for (int64_t row = 0; row < rows; ++row) {
      double exact = 0;
      double size = 0;
      for (int64_t k = 0; k < cols; ++k) {
        const double term = static_cast<double>(bf16_to_f32(w[row * cols + k])) *
                            static_cast<double>(a.values[static_cast<size_t>(t * cols + k)]);
        exact += term;
        size += std::abs(term);
      }
      // Half a unit of the last of 8 bits per activation, plus the sums' own rounding.
      EXPECT_NEAR(out[static_cast<size_t>(t * rows + row)], exact, (0x1p-9 + 1e-5) * size);
    }
  }
}

TEST_P(Bf16Linear, NanReachesTheOutput) {
  Rng rng(47);
  const auto weight = bf16_weights(16, 64, rng);
  Bf16Activation a = random_bf16(2, 64, rng);
  a.values[70] = std::numeric_limits<float>::quiet_NaN();
  a.round(ops());
  const std::vector<float> out = product(ops(), weight, a.rows(0, 2));
  EXPECT_FALSE(std::isnan(out[0]));
  EXPECT_TRUE(std::isnan(out[16]));
}

}  // namespace cupel::engine::test
