#include "rank/sampling_advice.h"

#include <cmath>
#include <numeric>

#include "base/rng.h"
#include "numeric/logistic.h"
#include "rank/methods/bradley_terry.h"
#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

// The rank-statistics sheet.
TEST(VarianceReductionShares, MatchTheSheet) {
  const auto shares = variance_reduction_shares(std::vector<double>{0.25, 0.25, 0.10},
                                                std::vector<int64_t>{100, 25, 400});
  ASSERT_TRUE(shares.has_value());
  EXPECT_NEAR((*shares)[0], 0.112291, 6e-7);
  EXPECT_NEAR((*shares)[1], 0.878782, 6e-7);
  EXPECT_NEAR((*shares)[2], 0.008927, 6e-7);
}

TEST(VarianceReductionShares, AreEqualWithoutVarianceAndRefuseNonsense) {
  const auto shares =
      variance_reduction_shares(std::vector<double>{0, 0}, std::vector<int64_t>{5, 9});
  EXPECT_EQ(*shares, (std::vector<double>{0.5, 0.5}));
  EXPECT_FALSE(
      variance_reduction_shares(std::vector<double>{1}, std::vector<int64_t>{0}).has_value());
  EXPECT_FALSE(
      variance_reduction_shares(std::vector<double>{-1}, std::vector<int64_t>{1}).has_value());
  EXPECT_FALSE(
      variance_reduction_shares(std::vector<double>{1, 2}, std::vector<int64_t>{1}).has_value());
}

/// Four models, one of them met ten times less often.
BattleTable lopsided() {
  BattleTable table;
  for (const char* name : {"a", "b", "c", "rare"}) {
    table.intern_model(name);
  }
  for (int32_t i = 0; i < 4; ++i) {
    for (int32_t j = i + 1; j < 4; ++j) {
      const int64_t n = j == 3 ? 10 : 100;
      EXPECT_TRUE(table.add({.a = i, .b = j, .outcome = kWinA, .count = 6 * n / 10}).has_value());
      EXPECT_TRUE(table.add({.a = i, .b = j, .outcome = kWinB, .count = 4 * n / 10}).has_value());
    }
  }
  return table;
}

TEST(SamplingAdvice, SendsBattlesWhereIntervalsAreWide) {
  const BattleTable table = lopsided();
  const auto ratings = fit_bradley_terry(table);
  ASSERT_TRUE(ratings.has_value());
  for (const SamplingRule rule : {SamplingRule::kVarianceReduction, SamplingRule::kDOptimal}) {
    const auto advice = sampling_advice(table, *ratings, {.rule = rule});
    ASSERT_TRUE(advice.has_value());
    ASSERT_EQ(advice->pairs.size(), 6U);
    double sum = 0;
    for (size_t k = 0; k < 6; ++k) {
      const PairAdvice& pair = advice->pairs[k];
      EXPECT_EQ(pair.b == 3, k < 3) << k;
      EXPECT_EQ(pair.battles, pair.b == 3 ? 10 : 100);
      EXPECT_GE(pair.probability, advice->least_probability);
      const auto i = static_cast<size_t>(pair.a);
      const auto j = static_cast<size_t>(pair.b);
      const auto& v = ratings->covariance;
      EXPECT_NEAR(pair.standard_error, std::sqrt(v(i, i) + v(j, j) - 2 * v(i, j)), 1e-9);
      sum += pair.probability;
    }
    EXPECT_NEAR(sum, 1, 1e-12);
    EXPECT_NEAR(advice->listed_probability, 1, 1e-12);
    EXPECT_NEAR(advice->least_probability, 0.1 / 6, 1e-12);
  }
}

// D-optimal: the gain of one battle is exactly what it adds to ln det of the information.
TEST(SamplingAdvice, DOptimalIsTheLogDeterminantsGain) {
  const BattleTable table = lopsided();
  auto ratings = fit_bradley_terry(table);
  ASSERT_TRUE(ratings.has_value());
  const size_t n = 4;
  const auto information = [&](int32_t extra_a, int32_t extra_b) {
    numeric::Matrix h(n, n);
    const auto add = [&](size_t i, size_t j, double count) {
      const double d = (ratings->values[i] - ratings->values[j]) / kEloPerLogit;
      const double w = count * numeric::sigmoid(d) * numeric::sigmoid(-d);
      h(i, i) += w;
      h(j, j) += w;
      h(i, j) -= w;
      h(j, i) -= w;
    };
    for (size_t k = 0; k < table.rows(); ++k) {
      const Battle battle = table.row(k);
      add(static_cast<size_t>(battle.a), static_cast<size_t>(battle.b),
          static_cast<double>(battle.count));
    }
    if (extra_a != extra_b) {
      add(static_cast<size_t>(extra_a), static_cast<size_t>(extra_b), 1);
    }
    for (double& value : h.values()) {
      value += 1;  // the constant direction
    }
    return *numeric::Cholesky::factor(h);
  };
  // With the model's own covariance, H⁻¹.
  ratings->covariance = information(0, 0).inverse();
  for (double& value : ratings->covariance.values()) {
    value *= kEloPerLogit * kEloPerLogit;
  }
  const auto advice =
      sampling_advice(table, *ratings, {.rule = SamplingRule::kDOptimal, .exploration = 0});
  ASSERT_TRUE(advice.has_value());
  const double base = information(0, 0).log_determinant();
  double sum = 0;
  std::vector<double> gains;
  for (const PairAdvice& pair : advice->pairs) {
    gains.push_back(information(pair.a, pair.b).log_determinant() - base);
    sum += gains.back();
  }
  for (size_t k = 0; k < gains.size(); ++k) {
    EXPECT_NEAR(advice->pairs[k].probability, gains[k] / sum, 1e-9);
  }
}

TEST(SamplingAdvice, ListsTheLikeliestAndKeepsAFloor) {
  const BattleTable table = lopsided();
  const auto ratings = fit_bradley_terry(table);
  const auto all = sampling_advice(table, *ratings);
  const auto two = sampling_advice(table, *ratings, {.most = 2});
  ASSERT_TRUE(all.has_value() && two.has_value());
  ASSERT_EQ(two->pairs.size(), 2U);
  EXPECT_EQ(two->pair_count, 6);
  for (size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(two->pairs[k].a, all->pairs[k].a);
    EXPECT_EQ(two->pairs[k].probability, all->pairs[k].probability);
  }
  const auto uniform = sampling_advice(table, *ratings, {.rule = SamplingRule::kUniform});
  for (const PairAdvice& pair : uniform->pairs) {
    EXPECT_NEAR(pair.probability, 1.0 / 6, 1e-15);
  }
}

TEST(SamplingAdvice, AsksForAPairThatNeverMet) {
  BattleTable table;
  for (const char* name : {"a", "b", "c"}) {
    table.intern_model(name);
  }
  for (const auto& [i, j] : {std::pair{0, 1}, {1, 2}}) {
    for (const double outcome : {kWinA, kWinB}) {
      ASSERT_TRUE(table.add({.a = i, .b = j, .outcome = outcome, .count = 50}).has_value());
    }
  }
  const auto ratings = fit_bradley_terry(table);
  const auto advice = sampling_advice(table, *ratings);
  ASSERT_TRUE(advice.has_value());
  EXPECT_EQ(advice->pairs[0].a, 0);
  EXPECT_EQ(advice->pairs[0].b, 2);
  EXPECT_EQ(advice->pairs[0].battles, 0);
}

TEST(SamplingAdvice, MakesDoWithVariances) {
  const BattleTable table = lopsided();
  auto ratings = fit_bradley_terry(table);
  ASSERT_TRUE(ratings.has_value());
  for (size_t i = 0; i < 4; ++i) {
    ratings->variances.push_back(ratings->covariance(i, i));
  }
  const double expected = std::sqrt(ratings->variances[0] + ratings->variances[3]);
  ratings->covariance = {};
  const auto advice = sampling_advice(table, *ratings);
  ASSERT_TRUE(advice.has_value());
  ASSERT_EQ(advice->pairs.size(), 6U);
  for (const PairAdvice& pair : advice->pairs) {
    if (pair.a == 0 && pair.b == 3) {
      EXPECT_NEAR(pair.standard_error, expected, 1e-12);
    }
  }
}

TEST(SamplingAdvice, RefusesNonsense) {
  const BattleTable table = lopsided();
  const auto ratings = fit_bradley_terry(table);
  EXPECT_EQ(sampling_advice(table, *ratings, {.exploration = 2}).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(sampling_advice(table, *ratings, {.most = 0}).error().code, Code::kInvalidArgument);
  const auto bare = fit_bradley_terry(table, {.covariance = Covariance::kNone});
  EXPECT_EQ(sampling_advice(table, *bare).error().code, Code::kFailedPrecondition);
}

}  // namespace
}  // namespace cupel::rank
