#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/io.h"
#include "base/json.h"
#include "base/rng.h"
#include "engine/checkpoint/quant.h"
#include "engine/checkpoint/quant_search.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

constexpr TensorType kSearched[] = {TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0,
                                    TensorType::kQ5_1, TensorType::kQ4_K, TensorType::kQ5_K,
                                    TensorType::kQ6_K};

// The numbers of bench/oracles/quant_error_oracle.py: four 16-bit pieces of a splitmix64 hash,
// added up, are nearly normal; the cube of that has heavy tails.
std::vector<float> sample(size_t count, bool heavy, size_t first = 1) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    uint64_t z = (i + first) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    z ^= z >> 31U;
    int64_t sum = 0;
    for (unsigned piece = 0; piece < 4; ++piece) {
      sum += static_cast<int64_t>(z >> (16 * piece) & 0xFFFFU);
    }
    const double x = static_cast<double>(sum - 131070) / 37837.0;
    values[i] = static_cast<float>(heavy ? x * x * x : x);
  }
  return values;
}

// Positive, and differing by a factor of a few hundred, as mean squares of activations do.
std::vector<float> sample_weights(size_t count) {
  std::vector<float> weights = sample(count, false, 1 + count);
  for (float& weight : weights) {
    weight = std::exp(1.5F * weight);
  }
  return weights;
}

std::vector<uint8_t> encode(TensorType type,
                            const std::vector<float>& values,
                            const std::vector<float>& weights = {}) {
  std::vector<uint8_t> out(row_bytes(type, values.size()));
  const auto done =
      quantize_row_searched(type, values, weights, std::as_writable_bytes(std::span(out)));
  EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
  return out;
}

std::vector<float> decode(TensorType type, const std::vector<uint8_t>& blocks, size_t count) {
  std::vector<float> out(count);
  EXPECT_TRUE(dequantize_row(type, std::as_bytes(std::span(blocks)), out).has_value());
  return out;
}

double relative_error(const std::vector<float>& values,
                      const std::vector<float>& back,
                      const std::vector<float>& weights = {}) {
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double w = weights.empty() ? 1 : weights[i];
    error += w * std::pow(static_cast<double>(values[i]) - back[i], 2);
    size += w * std::pow(static_cast<double>(values[i]), 2);
  }
  return std::sqrt(error / size);
}

double error_of(TensorType type,
                const std::vector<float>& values,
                const std::vector<float>& weights = {}) {
  return relative_error(values, decode(type, encode(type, values, weights), values.size()),
                        weights);
}

TEST(QuantSearch, ErrorFallsAsBitsRise) {
  for (const bool heavy : {false, true}) {
    const auto values = sample(16384, heavy);
    const auto error = [&](TensorType type) { return error_of(type, values); };
    EXPECT_LT(error(TensorType::kQ5_K), 0.6 * error(TensorType::kQ4_K));
    EXPECT_LT(error(TensorType::kQ6_K), 0.6 * error(TensorType::kQ5_K));
    EXPECT_LT(error(TensorType::kQ8_0), 0.6 * error(TensorType::kQ6_K));
    EXPECT_LT(error(TensorType::kQ5_0), 0.6 * error(TensorType::kQ4_0));
    EXPECT_LT(error(TensorType::kQ5_1), 0.6 * error(TensorType::kQ4_1));
  }
}

TEST(QuantSearch, BeatsRoundingByTheExtremes) {
  for (const TensorType type :
       {TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1}) {
    const auto values = sample(16384, false);
    std::vector<uint8_t> blocks(row_bytes(type, values.size()));
    ASSERT_TRUE(quantize_row(type, values, std::as_writable_bytes(std::span(blocks))));
    const double plain = relative_error(values, decode(type, blocks, values.size()));
    EXPECT_LT(error_of(type, values), 0.97 * plain) << tensor_type_name(type);
  }
}

// llama.cpp's own encoders on the same numbers.
TEST(QuantSearch, IsNoWorseThanLlamaCpp) {
  const auto fixture = read_json_file(test::test_data("oracles/quant_errors.json"));
  ASSERT_TRUE(fixture) << fixture.error().message;
  const auto count = static_cast<size_t>(get_int(*fixture, "numbers").value());
  size_t compared = 0;
  for (const Json& row : fixture->find("errors")->as_array()) {
    const auto type = parse_tensor_type(get_string(row, "type").value());
    ASSERT_TRUE(type);
    const bool weighted = get_bool(row, "weighted").value();
    const auto values = sample(count, get_bool(row, "heavy").value());
    const double ours =
        error_of(*type, values, weighted ? sample_weights(count) : std::vector<float>{});
    const double theirs = get_double(row, "relative_error").value();
    EXPECT_LT(ours, 1.0001 * theirs) << dump_json(row);
    ++compared;
  }
  EXPECT_GE(compared, 10U);
}

TEST(QuantSearch, SpendsItsBitsWhereTheWeightsAre) {
  const auto values = sample(16384, true);
  const auto weights = sample_weights(16384);
  for (const TensorType type : kSearched) {
    const double alike =
        relative_error(values, decode(type, encode(type, values), values.size()), weights);
    EXPECT_LT(error_of(type, values, weights), 0.95 * alike) << tensor_type_name(type);
  }
}

TEST(QuantSearch, WeightsOfZeroCountAlike) {
  const auto values = sample(256, false);
  for (const TensorType type : kSearched) {
    EXPECT_EQ(encode(type, values, std::vector<float>(256, 0.0F)), encode(type, values));
    EXPECT_EQ(encode(type, values, std::vector<float>(256, 4.0F)), encode(type, values));
  }
}

// An independent search: 4,000 scales, and for the affine types 10,000 pairs of scale and minimum.
// Ours takes some 30, and pays with a few per cent of the squared error.
TEST(QuantSearch, FindsWhatADenseGridFinds) {
  Rng rng(11);
  double symmetric_ratio = 0;
  double affine_ratio = 0;
  constexpr int kTrials = 100;
  for (int trial = 0; trial < kTrials; ++trial) {
    float x[32];
    float w[32];
    for (int i = 0; i < 32; ++i) {
      x[i] = static_cast<float>(rng.normal() + (trial % 3 == 0 ? 1.0 : 0.0));
      w[i] = trial % 2 == 0 ? 1.0F : static_cast<float>(std::exp(rng.normal()));
    }
    const auto [least, greatest] = std::minmax_element(x, x + 32);
    const float extreme = std::max(-*least, *greatest);
    float best = std::numeric_limits<float>::infinity();
    for (int k = 1; k <= 2000; ++k) {
      const float scale = extreme / 4 * static_cast<float>(k) / 2000;
      best = std::min({best, level_error(x, w, 32, {scale, 0}, -8, 7),
                       level_error(x, w, 32, {-scale, 0}, -8, 7)});
    }
    const float symmetric = search_symmetric(x, w, 32, 8);
    symmetric_ratio += level_error(x, w, 32, {symmetric, 0}, -8, 7) / best / kTrials;

    best = std::numeric_limits<float>::infinity();
    for (int k = 0; k < 100; ++k) {
      for (int m = 0; m < 100; ++m) {
        const float range = *greatest - *least;
        const Fit fit = {range / 15 * (0.7F + 0.004F * static_cast<float>(k)),
                         *least + range * (0.003F * static_cast<float>(m) - 0.05F)};
        best = std::min(best, level_error(x, w, 32, fit, 0, 15));
      }
    }
    const Fit affine = search_affine(x, w, 32, 15, Minimum::kAny);
    affine_ratio += level_error(x, w, 32, affine, 0, 15) / best / kTrials;
    EXPECT_LE(search_affine(x, w, 32, 15, Minimum::kNotPositive).minimum, 0.0F);
  }
  EXPECT_LT(symmetric_ratio, 1.02);
  EXPECT_LT(affine_ratio, 1.06);
}

// Blocks that hold exactly what their levels give back: nothing is lost.
TEST(QuantSearch, KeepsWhatALevelHolds) {
  std::vector<float> values(256);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.5F * static_cast<float>(static_cast<int>(i * 7 % 16) - 8);
  }
  for (const TensorType type : {TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0,
                                TensorType::kQ5_1, TensorType::kQ6_K}) {
    EXPECT_LT(error_of(type, values), 1e-3) << tensor_type_name(type);
  }
  EXPECT_LT(error_of(TensorType::kQ4_K, values), 0.01);
  EXPECT_LT(error_of(TensorType::kQ5_K, values), 0.01);
}

TEST(QuantSearch, ZerosConstantsAndExtremesSurvive) {
  for (const TensorType type : kSearched) {
    for (const float constant : {0.0F, 0.5F, -2.0F, 1e-44F, 1e-20F, 60000.0F, -60000.0F}) {
      std::vector<float> values(256, constant);
      for (const float value : decode(type, encode(type, values), 256)) {
        EXPECT_NEAR(value, constant, 0.02F * std::fabs(constant) + 1e-6F)
            << tensor_type_name(type) << " " << constant;
      }
      values.assign(256, 0.0F);
      values[100] = constant;  // alone among zeros
      const auto back = decode(type, encode(type, values), 256);
      EXPECT_NEAR(back[100], constant, 0.02F * std::fabs(constant) + 1e-6F)
          << tensor_type_name(type) << " " << constant;
      EXPECT_EQ(back[0], 0.0F);
    }
  }
}

TEST(QuantSearch, RejectsWhatNoScaleHolds) {
  for (const TensorType type : kSearched) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
          -std::numeric_limits<float>::max()}) {
      std::vector<float> values(256, 1.0F);
      values[40] = bad;
      std::vector<std::byte> out(row_bytes(type, values.size()));
      const auto done = quantize_row_searched(type, values, {}, out);
      ASSERT_FALSE(done) << tensor_type_name(type) << " " << bad;
      EXPECT_EQ(done.error().code, Code::kInvalidArgument);
      EXPECT_NE(done.error().message.find("number 40"), std::string::npos) << done.error().message;
    }
  }
}

}  // namespace
}  // namespace cupel::engine
