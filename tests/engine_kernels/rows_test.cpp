#include <algorithm>
#include <limits>

#include "kernels_support.h"

namespace cupel::engine::test {
namespace {

std::vector<float> random_floats(size_t count, double size, Rng& rng) {
  std::vector<float> x(count);
  for (float& v : x) {
    v = static_cast<float>(rng.normal() * size);
  }
  return x;
}

}  // namespace

class RowOperators : public KernelTest {};
CUPEL_KERNEL_SUITE(RowOperators);

TEST_P(RowOperators, QuantiseRoundsToNearestAndSumsExactly) {
  Rng rng(1);
  Activation a(3, 96);
  const std::vector<float> x = random_floats(a.values.size(), 3, rng);
  std::copy(x.begin(), x.end(), a.values.begin());
  a.quantise(ops());
  for (size_t block = 0; block < a.scales.size(); ++block) {
    float amax = 0;
    for (size_t i = 0; i < 32; ++i) {
      amax = std::max(amax, std::abs(a.values[32 * block + i]));
    }
    EXPECT_EQ(a.scales[block], amax / 127.0F);
    int sums[2] = {0, 0};
    for (size_t i = 0; i < 32; ++i) {
      const size_t at = 32 * block + i;
      EXPECT_EQ(a.quants[at], std::nearbyint(a.values[at] * (127.0F / amax)));
      sums[i / 16] += a.quants[at];
    }
    EXPECT_EQ(a.sums[2 * block], sums[0]);
    EXPECT_EQ(a.sums[2 * block + 1], sums[1]);
  }
}

// A value that sticks out of its row is kept as it is, and its block is quantised without it.
TEST_P(RowOperators, OutliersAreKeptApart) {
  Rng rng(9);
  Activation a(2, 320);
  const std::vector<float> x = random_floats(a.values.size(), 1, rng);
  std::copy(x.begin(), x.end(), a.values.begin());
  a.values[70] = 40;  // row 0
  a.values[75] = -31;
  a.values[320 + 319] = -9;  // row 1
  a.quantise(ops());
  Activation oracle(2, 320);
  std::copy(a.values.begin(), a.values.end(), oracle.values.begin());
  oracle.quantise(scalar_ops());
  ASSERT_EQ(a.outlier_counts, (std::vector<int32_t>{2, 1}));
  EXPECT_EQ(a.outlier_counts, oracle.outlier_counts);
  EXPECT_EQ(a.outliers[0].place, 70);
  EXPECT_EQ(a.outliers[1].place, 75);
  EXPECT_EQ(a.outliers[static_cast<size_t>(most_outliers(320))].place, 319);
  EXPECT_EQ(a.totals, oracle.totals);
  const std::vector<double> twin = a.twin();
  for (size_t block = 0; block < twin.size() / 32; ++block) {
    double total = 0;
    for (size_t i = 32 * block; i < 32 * block + 32; ++i) {
      const double error = std::abs(twin[i] - static_cast<double>(a.values[i]));
      EXPECT_LE(error, 0.501 * a.scales[block]) << i;
      total += twin[i];
    }
    EXPECT_NEAR(a.totals[block], total, 1e-4);
    EXPECT_LE(a.scales[block], 9.0F / 127) << block;
  }
}

TEST_P(RowOperators, OutliersByColumnAreThoseByRow) {
  Rng rng(10);
  for (const int64_t rows : {1, 2, 7}) {
    Activation a = random_activation(rows, 256, rng);
    std::vector<std::vector<std::pair<int32_t, float>>> found(static_cast<size_t>(rows));
    int32_t at = 0;
    int32_t before = -1;
    for (int32_t c = 0; c < a.column_count[0]; ++c) {
      const OutlierColumn column = a.columns[static_cast<size_t>(c)];
      EXPECT_LT(before, column.column);
      EXPECT_LT(at, column.end);
      before = column.column;
      for (; at < column.end; ++at) {
        const Outlier& outlier = a.column_entries[static_cast<size_t>(at)];
        found[static_cast<size_t>(outlier.place)].emplace_back(column.column, outlier.value);
      }
    }
    for (size_t row = 0; row < found.size(); ++row) {
      ASSERT_EQ(found[row].size(), static_cast<size_t>(a.outlier_counts[row]));
      for (size_t i = 0; i < found[row].size(); ++i) {
        const Outlier& outlier = a.outliers[row * static_cast<size_t>(most_outliers(256)) + i];
        EXPECT_EQ(found[row][i], std::pair(outlier.place, outlier.value));
      }
    }
  }
}

// At most cols / 9 values can exceed three times the root mean square, also where squares are
// denormal or the mean rounds.
TEST_P(RowOperators, OutliersNeverExceedTheirRoom) {
  for (const float tiny : {1e-22F, 1.2e-22F, 3e-23F, 1e-15F, 1e-10F, 1.0F, 1e18F}) {
    for (int64_t large = 0; large <= 64; ++large) {
      Activation a(1, 64);
      std::fill(a.values.begin(), a.values.end(), tiny * 0.01F);
      std::fill_n(a.values.begin(), large, tiny);
      a.quantise(ops());
      ASSERT_LE(a.outlier_counts[0], most_outliers(64)) << tiny << ' ' << large;
    }
  }
}

TEST_P(RowOperators, ANotANumberAnywhereMakesTheWholeRowOne) {
  for (size_t at = 0; at < 96; ++at) {
    Activation a(2, 96);
    std::fill(a.values.begin(), a.values.end(), 0.5F);
    a.values[at] = std::nanf("");
    a.quantise(ops());
    for (size_t block = 0; block < 3; ++block) {
      EXPECT_TRUE(std::isnan(a.scales[block])) << at;
      EXPECT_FALSE(std::isnan(a.scales[3 + block])) << at;  // the other row
    }
  }
}

TEST_P(RowOperators, QuantiseIsDefinedForEveryFloat) {
  const float kInf = std::numeric_limits<float>::infinity();
  for (const float odd : {kInf, -kInf, std::nanf(""), 3e38F, -3e38F, 1e-45F, 1e-31F, -0.0F}) {
    Activation level(1, 64);
    std::fill(level.values.begin(), level.values.end(), odd);
    level.values[3] = 1e-42F;
    level.values[40] = 2.5F;
    Activation oracle(1, 64);
    std::copy(level.values.begin(), level.values.end(), oracle.values.begin());
    level.quantise(ops());
    oracle.quantise(scalar_ops());
    EXPECT_EQ(level.quants, oracle.quants) << odd;
    EXPECT_EQ(level.sums, oracle.sums) << odd;
    for (const int8_t q : level.quants) {
      EXPECT_GE(q, -127);
    }
  }
}

TEST_P(RowOperators, NormMatchesDoubleReferenceAndOracle) {
  for (const int64_t width : {1, 16, 40, 64, 576, 640}) {
    Rng rng(static_cast<uint64_t>(width));
    const auto count = static_cast<size_t>(width);
    const std::vector<float> x = random_floats(count, 5, rng);
    const std::vector<float> weight = random_floats(count, 1, rng);
    std::vector<float> out(count);
    std::vector<float> oracle(count);
    ops().norm(x.data(), {.weight = weight.data(), .epsilon = 1e-5F}, width, out.data());
    scalar_ops().norm(x.data(), {.weight = weight.data(), .epsilon = 1e-5F}, width, oracle.data());
    EXPECT_TRUE(same_bits(out, oracle)) << width;
    double squares = 0;
    for (const float v : x) {
      squares += static_cast<double>(v) * v;
    }
    const double scale = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-5);
    for (size_t i = 0; i < count; ++i) {
      EXPECT_NEAR(out[i], x[i] * scale * weight[i], 1e-6 * (1 + std::abs(out[i])));
    }
    std::vector<float> in_place = x;
    ops().norm(in_place.data(), {.weight = weight.data(), .epsilon = 1e-5F}, width,
               in_place.data());
    EXPECT_TRUE(same_bits(in_place, out));
  }
}

TEST_P(RowOperators, LayerNormMatchesDoubleReferenceAndOracle) {
  for (const int64_t width : {2, 16, 40, 64, 80, 2560}) {
    Rng rng(static_cast<uint64_t>(width));
    const auto count = static_cast<size_t>(width);
    std::vector<float> x = random_floats(count, 5, rng);
    x[0] += 100;  // far from a mean of 0
    const std::vector<float> weight = random_floats(count, 1, rng);
    const std::vector<float> bias = random_floats(count, 1, rng);
    double mean = 0;
    for (const float v : x) {
      mean += v / static_cast<double>(width);
    }
    double variance = 0;
    for (const float v : x) {
      variance += (v - mean) * (v - mean) / static_cast<double>(width);
    }
    const double scale = 1 / std::sqrt(variance + 1e-5);
    for (const bool biased : {true, false}) {
      const NormArgs args = {.weight = weight.data(),
                             .bias = biased ? bias.data() : nullptr,
                             .epsilon = 1e-5F,
                             .center = true};
      std::vector<float> out(count);
      std::vector<float> oracle = x;
      ops().norm(x.data(), args, width, out.data());
      scalar_ops().norm(oracle.data(), args, width, oracle.data());
      EXPECT_TRUE(same_bits(out, oracle)) << width;
      for (size_t i = 0; i < count; ++i) {
        const double expected = (x[i] - mean) * scale * weight[i] + (biased ? bias[i] : 0);
        EXPECT_NEAR(out[i], expected, 3e-6 * (1 + std::abs(expected)));
      }
    }
  }
}

TEST_P(RowOperators, AddScaledMatchesTheOracle) {
  Rng rng(8);
  const std::vector<float> x = random_floats(77, 3, rng);
  const std::vector<float> y = random_floats(77, 3, rng);
  std::vector<float> out = x;
  std::vector<float> oracle = x;
  ops().add_scaled(out.data(), 0.3F, y.data(), 77);
  scalar_ops().add_scaled(oracle.data(), 0.3F, y.data(), 77);
  EXPECT_TRUE(same_bits(out, oracle));
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(out[i], std::fma(y[i], 0.3F, x[i]));
  }
}

TEST_P(RowOperators, NormQuantiseEqualsItsTwoSteps) {
  Rng rng(3);
  const std::vector<float> x = random_floats(96, 2, rng);
  const std::vector<float> weight = random_floats(96, 1, rng);
  Activation fused(2, 96);
  Activation steps(2, 96);
  ops().norm_quantise_row(x.data(), {.weight = weight.data(), .epsilon = 1e-6F}, fused.buffer, 1);
  ops().norm(x.data(), {.weight = weight.data(), .epsilon = 1e-6F}, 96, steps.values.data() + 96);
  ops().quantise_row(steps.buffer, 1);
  EXPECT_TRUE(same_bits(fused.values, steps.values));
  EXPECT_EQ(fused.quants, steps.quants);
  Activation without_values(2, 96);
  without_values.buffer.values = nullptr;
  ops().norm_quantise_row(x.data(), {.weight = weight.data(), .epsilon = 1e-6F},
                          without_values.buffer, 1);
  EXPECT_EQ(without_values.quants, steps.quants);
  EXPECT_EQ(without_values.sums, steps.sums);
}

TEST_P(RowOperators, RopeRotatesPairs) {
  for (const bool interleaved : {true, false}) {
    for (const int64_t dim : {8, 36, 64}) {
      Rng rng(static_cast<uint64_t>(dim));
      const auto half = static_cast<size_t>(dim / 2);
      std::vector<float> cosines(half);
      std::vector<float> sines(half);
      for (size_t i = 0; i < half; ++i) {
        cosines[i] = std::cos(static_cast<float>(i));
        sines[i] = std::sin(static_cast<float>(i));
      }
      const std::vector<float> before = random_floats(static_cast<size_t>(dim) + 3, 2, rng);
      std::vector<float> x = before;
      std::vector<float> oracle = before;
      const RopeArgs args = {cosines.data(), sines.data(), dim, interleaved};
      ops().rope(x.data(), args);
      scalar_ops().rope(oracle.data(), args);
      EXPECT_TRUE(same_bits(x, oracle)) << dim;
      for (size_t i = 0; i < half; ++i) {
        const size_t a = interleaved ? 2 * i : i;
        const size_t b = interleaved ? 2 * i + 1 : i + half;
        EXPECT_NEAR(x[a], before[a] * cosines[i] - before[b] * sines[i], 1e-5);
        EXPECT_NEAR(x[b], before[b] * cosines[i] + before[a] * sines[i], 1e-5);
      }
      for (size_t i = static_cast<size_t>(dim); i < x.size(); ++i) {
        EXPECT_EQ(x[i], before[i]);  // beyond the rotary part
      }
    }
  }
}

TEST_P(RowOperators, GateMatchesDoubleReferenceAndOracle) {
  for (const GateKind kind : {GateKind::kSilu, GateKind::kGeluTanh, GateKind::kGeluErf}) {
    Rng rng(5);
    std::vector<float> gate = random_floats(1003, 4, rng);
    gate[0] = 0;
    gate[1] = 90;
    gate[2] = -90;
    gate[3] = -1000;
    gate[4] = 1e-20F;
    const std::vector<float> up = random_floats(gate.size(), 1, rng);
    std::vector<float> out = gate;
    std::vector<float> oracle = gate;
    ops().gate(out.data(), up.data(), static_cast<int64_t>(gate.size()), kind, out.data());
    scalar_ops().gate(oracle.data(), up.data(), static_cast<int64_t>(gate.size()), kind,
                      oracle.data());
    EXPECT_TRUE(same_bits(out, oracle));
    for (size_t i = 0; i < gate.size(); ++i) {
      const double x = gate[i];
      const double active =
          kind == GateKind::kSilu ? x / (1 + std::exp(-x))
          : kind == GateKind::kGeluErf
              ? 0.5 * x * std::erfc(-x / std::sqrt(2.0))
              : 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
      // The exact GELU's polynomial is within 7.5e-8 of Φ, which x and up multiply.
      const double polynomial = kind == GateKind::kGeluErf ? 7.5e-8 * std::abs(x * up[i]) : 0;
      EXPECT_NEAR(out[i], active * up[i], 1e-6 * (0.3 + std::abs(active * up[i])) + polynomial)
          << x;
    }
  }
}

TEST_P(RowOperators, GateWithoutUpIsTheActivationAlone) {
  Rng rng(9);
  const std::vector<float> x = random_floats(37, 3, rng);
  const std::vector<float> ones(x.size(), 1.0F);
  std::vector<float> alone(x.size());
  std::vector<float> times_one(x.size());
  ops().gate(x.data(), nullptr, 37, GateKind::kGeluErf, alone.data());
  ops().gate(x.data(), ones.data(), 37, GateKind::kGeluErf, times_one.data());
  EXPECT_TRUE(same_bits(alone, times_one));
  EXPECT_NEAR(alone[0], 0.5 * x[0] * std::erfc(-x[0] / std::sqrt(2.0)), 1e-6);
}

TEST_P(RowOperators, AddAddsEveryElement) {
  Rng rng(7);
  const std::vector<float> x = random_floats(37, 1, rng);
  const std::vector<float> y = random_floats(37, 1, rng);
  std::vector<float> sum = x;
  ops().add(sum.data(), y.data(), 37);
  for (size_t i = 0; i < 37; ++i) {
    EXPECT_EQ(sum[i], x[i] + y[i]);
  }
}

TEST_P(RowOperators, LogSumExpMatchesDoubleReferenceAndOracle) {
  for (const size_t count : {1, 15, 256, 257, 49152}) {
    Rng rng(count);
    const std::vector<float> x = random_floats(count, 6, rng);
    const double got = ops().log_sum_exp(x.data(), static_cast<int64_t>(count));
    EXPECT_EQ(got, scalar_ops().log_sum_exp(x.data(), static_cast<int64_t>(count)));
    const double top = *std::max_element(x.begin(), x.end());
    double sum = 0;
    for (const float v : x) {
      sum += std::exp(v - top);
    }
    EXPECT_NEAR(got, top + std::log(sum), 1e-6) << count;
  }
  EXPECT_EQ(ops().log_sum_exp(nullptr, 0), -std::numeric_limits<double>::infinity());
}

}  // namespace cupel::engine::test
