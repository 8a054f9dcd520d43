#include "rank/maximal_lottery.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "base/rng.h"

namespace cupel::rank {
namespace {

numeric::Matrix skew(size_t n, const std::vector<double>& upper) {
  numeric::Matrix s(n, n);
  size_t k = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = i + 1; j < n; ++j) {
      s(i, j) = upper[k++];
      s(j, i) = -s(i, j);
    }
  }
  return s;
}

void expect_lottery(const numeric::Matrix& s, const std::vector<double>& expected) {
  const auto lottery = maximal_lottery(s);
  ASSERT_TRUE(lottery.has_value()) << lottery.error().message;
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR((*lottery)[i], expected[i], 1e-6) << i;
  }
}

TEST(MaximalLottery, MatchesClosedForms) {
  expect_lottery(skew(1, {}), {1});
  expect_lottery(skew(2, {0.3}), {1, 0});
  expect_lottery(skew(3, {1, 1, 1}), {1, 0, 0});  // beats all others
  expect_lottery(skew(3, {1, -1, 1}), {1.0 / 3, 1.0 / 3, 1.0 / 3});
  // A circle with wins of 2 (0 over 1), 3 (1 over 2) and 1 (2 over 0): each in proportion to the
  // win between the other two.
  expect_lottery(skew(3, {2, -1, 3}), {3.0 / 6, 1.0 / 6, 2.0 / 6});
}

TEST(MaximalLottery, TakesTheMostEvenOfSeveral) {
  expect_lottery(skew(3, {0, 0, 0}), {1.0 / 3, 1.0 / 3, 1.0 / 3});
  expect_lottery(skew(3, {0, 1, 2}), {0.5, 0.5, 0});  // 0 and 1 tie, both beat 2
}

TEST(MaximalLottery, LeavesNobodyAGain) {
  for (const size_t n : {4U, 15U, 60U}) {
    Rng rng(n);
    std::vector<double> upper(n * (n - 1) / 2);
    for (double& value : upper) {
      value = 3 * rng.normal();
    }
    const numeric::Matrix s = skew(n, upper);
    const auto lottery = maximal_lottery(s);
    ASSERT_TRUE(lottery.has_value()) << lottery.error().message;
    EXPECT_NEAR(std::accumulate(lottery->begin(), lottery->end(), 0.0), 1, 1e-12);
    for (size_t i = 0; i < n; ++i) {
      double gain = 0;
      for (size_t j = 0; j < n; ++j) {
        gain += s(i, j) * (*lottery)[j];
      }
      EXPECT_GE((*lottery)[i], 0);
      EXPECT_LE(gain, 1e-5) << n;  // 1e-6 of a largest entry of about 10
    }
  }
}

// Whoever is beaten by every model of a circle above has no share, however many there are.
TEST(MaximalLottery, LooksAtTheCircleOnTopAlone) {
  constexpr size_t kModels = 900;
  numeric::Matrix s(kModels, kModels);
  for (size_t i = 0; i < kModels; ++i) {
    for (size_t j = 0; j < i; ++j) {
      s(j, i) = 2;
      s(i, j) = -2;
    }
  }
  s(0, 2) = -2;  // 0 > 1 > 2 > 0
  s(2, 0) = 2;
  s(500, 498) = 2;  // and another circle further down
  s(498, 500) = -2;
  const auto lottery = maximal_lottery(s);
  ASSERT_TRUE(lottery.has_value()) << lottery.error().message;
  for (size_t i = 0; i < kModels; ++i) {
    EXPECT_NEAR((*lottery)[i], i < 3 ? 1.0 / 3 : 0, 1e-9) << i;
  }
}

TEST(MaximalLottery, RefusesWhatIsNoGame) {
  EXPECT_EQ(maximal_lottery(numeric::Matrix()).error().code, Code::kInvalidArgument);
  EXPECT_EQ(maximal_lottery(numeric::Matrix(2, 3)).error().code, Code::kInvalidArgument);
  numeric::Matrix lopsided = skew(3, {1, 2, 3});
  lopsided(2, 0) = 5;
  const auto refused = maximal_lottery(lopsided);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("5 at (2, 0)"), std::string::npos)
      << refused.error().message;
  numeric::Matrix infinite = skew(2, {INFINITY});
  EXPECT_FALSE(maximal_lottery(infinite).has_value());
}

TEST(PreferenceCycles, AreSortedByTheirWeakestLink) {
  // 0 > 1 > 2 > 0 with weakest link 1; 1 > 2 > 3 > 1 with weakest link 0.5; 0 and 3 tie.
  const numeric::Matrix s = skew(4, {2, -1, 0, 3, -0.5, 0.7});
  const std::vector<int32_t> all = {3, 2, 1, 0};
  const auto cycles = preference_cycles(s, all, 5);
  ASSERT_EQ(cycles.size(), 2U);
  EXPECT_EQ(cycles[0].i, 0);
  EXPECT_EQ(cycles[0].j, 1);
  EXPECT_EQ(cycles[0].k, 2);
  EXPECT_DOUBLE_EQ(cycles[0].weakest, 1);
  EXPECT_EQ(cycles[1].i, 1);
  EXPECT_EQ(cycles[1].j, 2);
  EXPECT_EQ(cycles[1].k, 3);
  EXPECT_DOUBLE_EQ(cycles[1].weakest, 0.5);
  EXPECT_EQ(preference_cycles(s, all, 1).size(), 1U);
  EXPECT_DOUBLE_EQ(preference_cycles(s, all, 1)[0].weakest, 1);
  EXPECT_TRUE(preference_cycles(s, std::vector<int32_t>{0, 1, 3}, 5).empty());
}

}  // namespace
}  // namespace cupel::rank
