#include "numeric/logistic_regression.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "numeric/logistic.h"

namespace cupel::numeric {
namespace {

/// A column of ones: the weight is the log-odds of the mean label.
LogisticData intercept_only(std::vector<double> labels, std::vector<double> weights = {}) {
  LogisticData data{.features = Matrix(labels.size(), 1),
                    .labels = std::move(labels),
                    .weights = std::move(weights)};
  for (double& x : data.features.values()) {
    x = 1;
  }
  return data;
}

/// Two features, ten rows, soft and hard labels, uneven weights.
LogisticData small() {
  LogisticData data{.features = Matrix(10, 2),
                    .labels = {1, 0, 0.7, 0.2, 1, 1, 0, 0.4, 0.9, 0},
                    .weights = {1, 2, 1, 1, 0.5, 1, 1, 3, 1, 1}};
  const std::vector<double> second = {0.3, -1.2, 2.0, 0.1, 1.4, -0.7, -0.2, 0.9, 0.5, -2.1};
  for (size_t i = 0; i < 10; ++i) {
    data.features(i, 0) = 1;
    data.features(i, 1) = second[i];
  }
  return data;
}

std::vector<double> gradient_at(const LogisticData& data, const std::vector<double>& w) {
  std::vector<double> gradient(w.size());
  for (size_t i = 0; i < data.rows(); ++i) {
    double logit = 0;
    for (size_t j = 0; j < w.size(); ++j) {
      logit += data.features(i, j) * w[j];
    }
    for (size_t j = 0; j < w.size(); ++j) {
      gradient[j] += data.weight(i) * (sigmoid(logit) - data.labels[i]) * data.features(i, j);
    }
  }
  return gradient;
}

TEST(FitLogistic, FindsTheLogOddsOfTheMeanLabel) {
  const auto hard = fit_logistic(intercept_only({1, 1, 1, 0}));
  ASSERT_TRUE(hard.has_value()) << hard.error().message;
  EXPECT_NEAR(hard->w[0], std::log(3), 1e-9);
  EXPECT_NEAR(hard->loss, -3 * std::log(0.75) - std::log(0.25), 1e-12);
  // Weighted mean (2·0.5 + 1·1 + 1·0.2)/4 = 0.55.
  const auto soft = fit_logistic(intercept_only({0.5, 1, 0.2}, {2, 1, 1}));
  ASSERT_TRUE(soft.has_value());
  EXPECT_NEAR(soft->w[0], logit(0.55), 1e-9);
}

TEST(FitLogistic, GradientVanishesAtTheMinimum) {
  const LogisticData data = small();
  const auto fit = fit_logistic(data);
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  for (const double entry : gradient_at(data, fit->w)) {
    EXPECT_NEAR(entry, 0, 1e-9);
  }
}

TEST(FitLogistic, SaysWhenAWeightWouldBeInfinite) {
  LogisticData data = intercept_only({1, 1, 1});
  auto fit = fit_logistic(data);
  ASSERT_FALSE(fit.has_value());
  EXPECT_EQ(fit.error().code, Code::kFailedPrecondition);
  EXPECT_NE(fit.error().message.find("infinite"), std::string::npos);
  // Separated by a threshold of the second feature. One soft label pins the logit of its row, and
  // no direction is left along which all the others would only gain.
  data = small();
  for (size_t i = 0; i < data.rows(); ++i) {
    data.labels[i] = data.features(i, 1) > 0.2 ? 1 : 0;
  }
  EXPECT_FALSE(fit_logistic(data).has_value());
  data.labels[2] = 0.999;
  EXPECT_TRUE(fit_logistic(data).has_value());
}

TEST(FitLogistic, SaysWhenFeaturesAreDependent) {
  LogisticData data = small();
  for (size_t i = 0; i < data.rows(); ++i) {
    data.features(i, 1) = 3;
  }
  const auto fit = fit_logistic(data);
  ASSERT_FALSE(fit.has_value());
  EXPECT_EQ(fit.error().code, Code::kFailedPrecondition);
  EXPECT_NE(fit.error().message.find("dependent"), std::string::npos);
}

TEST(FitLogistic, RefusesWhatMakesNoSense) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& change : std::vector<void (*)(LogisticData&)>{
           [](LogisticData& data) { data.labels[3] = 1.1; },
           [](LogisticData& data) { data.labels[3] = std::nan(""); },
           [](LogisticData& data) { data.weights[3] = -1; },
           [](LogisticData& data) { data.weights.assign(10, 0); },
           [](LogisticData& data) { data.labels.pop_back(); },
           [](LogisticData& data) { data.features(2, 1) = std::nan(""); },
           [](LogisticData& data) { data = LogisticData{}; }}) {
    LogisticData data = small();
    change(data);
    const auto fit = fit_logistic(data);
    ASSERT_FALSE(fit.has_value());
    EXPECT_EQ(fit.error().code, Code::kInvalidArgument);
    EXPECT_FALSE(fit_logistic_l1(data, 1).has_value());
  }
  for (const double cost : {0.0, -1.0, nan}) {
    EXPECT_FALSE(fit_logistic_l1(small(), cost).has_value());
  }
}

TEST(FitLogisticL1, HasAClosedFormForOneFeature) {
  // |w| + C·Σ[…] with n rows of mean label q > ½: 1 + C·n·(σ(w) − q) = 0, so w = logit(q −
  // 1/(C·n)).
  const LogisticData data = intercept_only({1, 1, 1, 0});
  for (const double cost : {0.5, 1.0, 3.0, 100.0}) {
    const double q = 0.75 - 1 / (cost * 4);
    const auto fit = fit_logistic_l1(data, cost);
    ASSERT_TRUE(fit.has_value()) << fit.error().message;
    EXPECT_NEAR(fit->w[0], q > 0.5 ? logit(q) : 0, 1e-9) << cost;
  }
  const auto zero = fit_logistic_l1(data, 0.5);
  ASSERT_TRUE(zero.has_value());
  EXPECT_EQ(zero->w[0], 0) << "below the threshold the weight is exactly zero";
}

TEST(FitLogisticL1, MeetsTheOptimalityConditions) {
  const LogisticData data = small();
  for (const double cost : {1e-4, 0.05, 0.3, 1.0, 10.0, 1e4}) {
    const auto fit = fit_logistic_l1(data, cost);
    ASSERT_TRUE(fit.has_value()) << fit.error().message;
    const std::vector<double> gradient = gradient_at(data, fit->w);
    const double tolerance = 1e-8 * std::max(1.0, cost);
    for (size_t j = 0; j < 2; ++j) {
      if (fit->w[j] == 0) {
        EXPECT_LE(std::abs(cost * gradient[j]), 1 + tolerance) << cost;
      } else {
        EXPECT_NEAR(cost * gradient[j], fit->w[j] > 0 ? -1 : 1, tolerance) << cost;
      }
    }
    EXPECT_NEAR(fit->loss, logistic_loss(data, fit->w), 1e-10);
  }
}

TEST(FitLogisticL1, ComesNearTheUnpenalisedFitAtLargeCosts) {
  const LogisticData data = small();
  const auto free = fit_logistic(data);
  const auto penalised = fit_logistic_l1(data, 1e9);
  ASSERT_TRUE(free.has_value());
  ASSERT_TRUE(penalised.has_value()) << penalised.error().message;
  for (size_t j = 0; j < 2; ++j) {
    EXPECT_NEAR(penalised->w[j], free->w[j], 1e-7);
  }
}

TEST(FitLogisticL1, StaysFiniteWhereThePlainFitDoesNot) {
  const auto fit = fit_logistic_l1(intercept_only({1, 1, 1}), 2);
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  EXPECT_NEAR(fit->w[0], logit(1 - 1.0 / 6), 1e-9);  // 1 + C·n·(σ(w) − 1) = 0
}

TEST(FitLogisticL1, SoftLabelsEqualTwoWeightedRows) {
  LogisticData soft = small();
  LogisticData hard{.features = Matrix(20, 2)};
  for (size_t i = 0; i < 10; ++i) {
    for (size_t half = 0; half < 2; ++half) {
      hard.features(2 * i + half, 0) = soft.features(i, 0);
      hard.features(2 * i + half, 1) = soft.features(i, 1);
      hard.labels.push_back(half == 0 ? 1 : 0);
      hard.weights.push_back(soft.weights[i] * (half == 0 ? soft.labels[i] : 1 - soft.labels[i]));
    }
  }
  const auto a = fit_logistic_l1(soft, 0.7);
  const auto b = fit_logistic_l1(hard, 0.7);
  ASSERT_TRUE(a.has_value() && b.has_value());
  for (size_t j = 0; j < 2; ++j) {
    EXPECT_NEAR(a->w[j], b->w[j], 1e-9);
  }
}

}  // namespace
}  // namespace cupel::numeric
