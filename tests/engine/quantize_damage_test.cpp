#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "engine/checkpoint/damage.h"
#include "engine/checkpoint/quant.h"

namespace cupel::engine {
namespace {

constexpr size_t kColumns = 256;
constexpr size_t kRows = 64;

// A tensor of standard normal weights over its own bytes.
struct Weights {
  std::vector<std::byte> bytes;
  CheckpointTensor tensor;
};

Weights weights(TensorType type, std::string_view name = "blk.0.ffn_up.weight") {
  std::vector<float> values(kColumns * kRows);
  Rng rng(11);
  for (float& value : values) {
    value = static_cast<float>(rng.normal());
  }
  Weights result;
  result.bytes.resize(row_bytes(type, values.size()));
  EXPECT_TRUE(quantize_row(type, values, result.bytes).has_value());
  result.tensor.name = name;
  result.tensor.type = type;
  result.tensor.num_dims = 2;
  result.tensor.dims = {kColumns, kRows, 1, 1};
  result.tensor.data = result.bytes;
  return result;
}

std::vector<float> decode(TensorType type, std::span<const std::byte> bytes) {
  std::vector<float> values(kColumns * kRows);
  EXPECT_TRUE(dequantize_row(type, bytes, values).has_value());
  return values;
}

double rms_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  }
  return std::sqrt(sum / static_cast<double>(a.size()));
}

// Noise of standard deviation scale · rms over the hit share of weights of rms 1 has the root mean
// square scale · sqrt(fraction); re-encoding adds the type's own error (at most 0.13 for 4 bits).
TEST(Damage, NoiseHasTheAskedSizeInEveryWritableType) {
  for (const TensorType type :
       {TensorType::kF32, TensorType::kF16, TensorType::kBF16, TensorType::kQ8_0, TensorType::kQ4_0,
        TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1}) {
    const Weights w = weights(type);
    for (const double fraction : {1.0, 0.25}) {
      const auto damaged = damaged_copy(w.tensor, {.seed = 3, .scale = 0.5, .fraction = fraction});
      ASSERT_TRUE(damaged.has_value()) << tensor_type_name(type);
      ASSERT_EQ(damaged->size(), w.bytes.size());
      EXPECT_NEAR(rms_difference(decode(type, *damaged), decode(type, w.bytes)),
                  0.5 * std::sqrt(fraction), 0.04)
          << tensor_type_name(type) << " " << fraction;
    }
  }
}

TEST(Damage, IsAFunctionOfSeedAndName) {
  const Weights w = weights(TensorType::kQ4_1);
  const Weights other = weights(TensorType::kQ4_1, "blk.1.ffn_up.weight");
  const NoiseOptions options{.seed = 1, .scale = 0.3, .fraction = 0.5};
  const auto damaged = damaged_copy(w.tensor, options);
  EXPECT_EQ(damaged.value(), damaged_copy(w.tensor, options).value());
  EXPECT_NE(damaged.value(), damaged_copy(other.tensor, options).value());
  EXPECT_NE(damaged.value(),
            damaged_copy(w.tensor, {.seed = 2, .scale = 0.3, .fraction = 0.5}).value());
}

TEST(Damage, GroupsThatAreNotHitKeepTheirBytes) {
  const Weights w = weights(TensorType::kQ4_1);
  EXPECT_EQ(damaged_copy(w.tensor, {.seed = 1, .scale = 1, .fraction = 0}).value(), w.bytes);
  const auto damaged = damaged_copy(w.tensor, {.seed = 1, .scale = 1, .fraction = 0.25}).value();
  size_t changed = 0;
  for (size_t at = 0; at < damaged.size(); at += 20) {
    changed += std::equal(damaged.begin() + static_cast<std::ptrdiff_t>(at),
                          damaged.begin() + static_cast<std::ptrdiff_t>(at) + 20,
                          w.bytes.begin() + static_cast<std::ptrdiff_t>(at))
                   ? 0U
                   : 1U;
  }
  EXPECT_NEAR(static_cast<double>(changed), 0.25 * 512, 40);  // 4 standard deviations of 512 draws
}

TEST(Damage, ShortLastGroupsAreHitToo) {
  Weights w = weights(TensorType::kF32);
  w.tensor.dims = {40, 4, 1, 1};
  w.tensor.data = std::span(w.bytes).first(640);
  const auto damaged = damaged_copy(w.tensor, {.seed = 1, .scale = 1, .fraction = 1}).value();
  EXPECT_EQ(damaged.size(), 640U);
  EXPECT_FALSE(std::equal(damaged.end() - 32, damaged.end(), w.tensor.data.end() - 32));
}

TEST(Damage, RejectsWhatItCannotDo) {
  const Weights w = weights(TensorType::kQ4_1);
  for (const NoiseOptions& bad : {NoiseOptions{.seed = 1, .scale = -1, .fraction = 1},
                                  NoiseOptions{.seed = 1, .scale = NAN, .fraction = 1},
                                  NoiseOptions{.seed = 1, .scale = 1, .fraction = 1.5}}) {
    EXPECT_EQ(damaged_copy(w.tensor, bad).error().code, Code::kInvalidArgument);
  }
  std::vector<std::byte> block(144);
  CheckpointTensor k_quant;
  k_quant.name = "blk.0.ffn_up.weight";
  k_quant.type = TensorType::kQ4_K;
  k_quant.dims = {256, 1, 1, 1};
  k_quant.data = block;
  EXPECT_EQ(damaged_copy(k_quant, {}).error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace cupel::engine
