// Proves: system 5
// Proves: system 63
// Rotary scalings against the worked numbers of their papers' configurations.
#include <cmath>

#include <gtest/gtest.h>

#include "engine/model/rope_scaling.h"
#include "engine/runtime/rope_table.h"

namespace cupel::engine {
namespace {

double frequency(double base, int i, int dim) {
  return std::pow(base, -2.0 * i / dim);
}

// Qwen2: head width 128, base 1e6, factor 4, 32 768 positions: ramp from dimension 23 to 40.
TEST(Yarn, Qwen2) {
  const YarnScaling yarn{.factor = 4, .original_context = 32768};
  const std::vector<float> factors = yarn_factors(yarn, 1e6, 128);
  ASSERT_EQ(factors.size(), 64U);
  const auto scaled = [&](int i) {
    return frequency(1e6, i, 128) / factors[static_cast<size_t>(i)];
  };
  EXPECT_NEAR(scaled(20), .01333521432, 1e-9);
  EXPECT_NEAR(scaled(30), .001064360981, 1e-10);
  EXPECT_NEAR(scaled(40), 4.445698525e-05, 1e-11);
  EXPECT_NEAR(scaled(63), 3.102344402e-07, 1e-13);
  EXPECT_EQ(factors[23], 1);
  EXPECT_NE(factors[24], 1);
  EXPECT_EQ(factors[40], 4);
  EXPECT_NEAR(yarn_magnitude(4), 1.13862944, 1e-8);
  EXPECT_EQ(yarn_magnitude(1), 1);
}

// The report's example, window 10 and chunks of 6: distances that queries 6 and 11 see.
TEST(DualChunk, DistancesOfTheExample) {
  const DualChunkDescription dual{.chunk = 6, .window = 10};
  const auto distances = [&](int64_t query) {
    const DualChunkPositions places = dual_chunk_positions(dual, query);
    std::vector<int64_t> all;
    for (int64_t key = 0; key <= query; ++key) {
      const int64_t chunks = query / 6 - key / 6;
      const int64_t place = chunks == 0 ? places.own : chunks == 1 ? places.recent : places.older;
      all.push_back(place - key % 6);
    }
    return all;
  };
  EXPECT_EQ(distances(5), (std::vector<int64_t>{5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(distances(6), (std::vector<int64_t>{6, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(distances(11), (std::vector<int64_t>{9, 8, 7, 6, 5, 4, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(distances(12).front(), 9);
  for (int64_t query = 6; query < 12; ++query) {
    EXPECT_EQ(dual_chunk_positions(dual, query).recent, std::min<int64_t>(query, 9));
  }
}

TEST(LongRope, MagnitudeOfPhi3Mini128k) {
  EXPECT_NEAR(long_rope_magnitude(131072, 4096), 1.19023807, 1e-8);
  EXPECT_EQ(long_rope_magnitude(4096, 4096), 1);
}

// Llama 3.1: wavelength 2π·10000^(2i/d) against 8192 / 4 and 8192 / 1.
TEST(Llama3Scaling, KeepsShortWavesDividesLongOnesAndMixesBetween) {
  const Llama3Scaling scaling;
  const std::vector<float> factors = llama3_factors(scaling, 500000, 128);
  EXPECT_EQ(factors.front(), 1);
  EXPECT_EQ(factors.back(), 8);
  for (size_t i = 0; i < factors.size(); ++i) {
    const double wavelength = 2 * M_PI / frequency(500000, static_cast<int>(i), 128);
    if (wavelength < 2048) {
      EXPECT_EQ(factors[i], 1) << i;
    } else if (wavelength > 8192) {
      EXPECT_EQ(factors[i], 8) << i;
    } else {
      // (1 - t) f / 8 + t f with t = (8192 / wavelength - 1) / 3
      const double t = (8192 / wavelength - 1) / 3;
      EXPECT_NEAR(1 / factors[i], (1 - t) / 8 + t, 1e-6) << i;
    }
  }
}

TEST(RopeTable, RotatesAsIfTheSequenceEndedThereBeyondADynamicLimit) {
  RopeTable table({.base = 10000, .rotary_dim = 8, .dynamic_from = 16, .dynamic_factor = 2});
  ThreadPool one(1);
  table.grow(64, one);
  const auto cos_of = [](double base, int position, int i) {
    return static_cast<float>(std::cos(position * std::pow(base, -2.0 * i / 8)));
  };
  EXPECT_EQ(table.at(15, false).cos[1], cos_of(10000, 15, 1));
  // Position 40: base · (2 · 41 / 16 - 1)^(8 / 6).
  const double base = 10000 * std::pow(2.0 * 41 / 16 - 1, 8.0 / 6);
  EXPECT_FLOAT_EQ(table.at(40, false).cos[1], cos_of(base, 40, 1));
}

TEST(RopeTable, HasASecondSetOfFactorsForLongSequences) {
  RopeTable table({.base = 10000,
                   .rotary_dim = 4,
                   .frequency_factors = {1, 2},
                   .magnitude = 1.5,
                   .long_factors = {1, 4},
                   .long_from = 10});
  ThreadPool one(1);
  table.grow(8, one);
  EXPECT_FLOAT_EQ(table.at(3, false).sin[1], static_cast<float>(1.5 * std::sin(3 * 0.01 / 2)));
  EXPECT_FLOAT_EQ(table.at(3, true).sin[1], static_cast<float>(1.5 * std::sin(3 * 0.01 / 4)));
}

}  // namespace
}  // namespace cupel::engine
