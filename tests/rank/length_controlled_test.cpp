#include "rank/length_controlled.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "numeric/logistic.h"

namespace cupel::rank {
namespace {

using numeric::logit;
using numeric::sigmoid;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

PreferenceItem item(int64_t instruction, double preference, int64_t baseline, int64_t model) {
  return {.instruction = instruction,
          .preference = preference,
          .baseline_length = baseline,
          .model_length = model};
}

/// Instructions whose preferences are exactly σ(θ + φ·tanh(Δlen/sd) + ψγ): the fit must find these
/// weights again.
struct Planted {
  std::vector<PreferenceItem> items;
  InstructionDifficulties difficulties;
  std::vector<double> length_terms;  // tanh(Δlen/sd)
};
Planted planted(const LengthControlledWeights& weights, int64_t n) {
  Planted made;
  std::vector<double> deltas;
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t length = 100 + 37 * i % 400;
    made.items.push_back(item(i, 0, 300, length));
    made.difficulties[i] = std::sin(static_cast<double>(i)) - 0.2;
    deltas.push_back(300.0 - static_cast<double>(length));
    sum += deltas.back();
  }
  double square = 0;
  for (const double delta : deltas) {
    square += std::pow(delta - sum / static_cast<double>(n), 2);
  }
  const double sd = std::sqrt(square / static_cast<double>(n - 1));
  for (size_t i = 0; i < made.items.size(); ++i) {
    made.length_terms.push_back(std::tanh(deltas[i] / sd));
    made.items[i].preference = sigmoid(weights.theta + weights.phi * made.length_terms[i] +
                                       weights.psi * made.difficulties[static_cast<int64_t>(i)]);
  }
  return made;
}

TEST(PreferenceFromLogprobs, IsTheShareOfTheModelsLabel) {
  // The sheet's example: m −0.4, M −1.2 → e^−1.2/(e^−0.4 + e^−1.2).
  EXPECT_NEAR(preference_from_logprobs(-0.4, -1.2), 0.310026, 5e-7);
  EXPECT_EQ(preference_from_logprobs(-0.7, -0.7), 0.5);
}

TEST(WinRate, CountsByHand) {
  // Shares 1, 0.5, 0.25, one missing: mean 7/12; squares of deviations 25/144, 1/144, 16/144.
  std::vector<PreferenceItem> items = {item(0, 1, 5, 10), item(1, 0.5, 5, 11), item(2, 0.25, 5, 12),
                                       item(3, 0, 5, 14)};
  items[3].preference.reset();
  const auto rate = win_rate(items);
  ASSERT_TRUE(rate.has_value());
  EXPECT_NEAR(rate->win_rate, 700.0 / 12, 1e-12);
  EXPECT_NEAR(rate->standard_error, 100 * std::sqrt(42.0 / 144 / 2 / 3), 1e-12);
  EXPECT_EQ(rate->wins, 1);
  EXPECT_EQ(rate->losses, 1);
  EXPECT_EQ(rate->draws, 1);
  EXPECT_EQ(rate->missing, 1);
  EXPECT_NEAR(rate->discrete_win_rate, 50, 1e-12);
  EXPECT_EQ(rate->average_length, 11.75) << "47/4";
}

TEST(WinRate, RefusesNothingAndNonsense) {
  EXPECT_EQ(win_rate({}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(win_rate(std::vector{PreferenceItem{}}).error().code, Code::kInvalidArgument);
  for (const double share : {-0.1, 1.1, kNan}) {
    const auto rate = win_rate(std::vector{item(7, share, 1, 1)});
    ASSERT_FALSE(rate.has_value());
    EXPECT_NE(rate.error().message.find("instruction 7"), std::string::npos);
  }
}

TEST(LengthControlledRate, AveragesOverDifficulties) {
  const std::vector<double> gamma = {0, 1, -2};
  const auto rate = length_controlled_rate({.theta = 0.5, .phi = 9, .psi = 2}, gamma);
  ASSERT_TRUE(rate.has_value());
  const double a = sigmoid(0.5);
  const double b = sigmoid(2.5);
  const double c = sigmoid(-3.5);
  const double mean = (a + b + c) / 3;
  EXPECT_NEAR(rate->win_rate, 100 * mean, 1e-12) << "the length term is out";
  const double variance =
      (std::pow(a - mean, 2) + std::pow(b - mean, 2) + std::pow(c - mean, 2)) / 2;
  EXPECT_NEAR(rate->standard_error, 100 * std::sqrt(variance / 3), 1e-12);
  EXPECT_EQ(length_controlled_rate({}, gamma)->win_rate, 50) << "exactly";
  EXPECT_FALSE(length_controlled_rate({}, {}).has_value());
  EXPECT_FALSE(length_controlled_rate({.theta = kNan}, gamma).has_value());
}

TEST(LengthControlledRateNormal, IsNearThePublishedRates) {
  // ψ, θ and the published rate of eleven models (rank-statistics sheet); the sheet's bounds.
  const struct {
    double psi, theta, published;
  } models[] = {
      {.253845, 1.905793, 86.46},   {.797084, .481565, 57.46},  {.833489, .192353, 51.58},
      {.683578, -.318206, 41.90},   {.895435, -.389621, 40.51}, {.924401, -.529923, 38.07},
      {.904662, -.990588, 30.49},   {.815020, -.983233, 30.18}, {1.149063, -1.607625, 23.69},
      {1.060155, -1.618535, 22.92}, {.985928, -3.690742, 5.88}};
  double squares = 0;
  for (const auto& model : models) {
    const auto rate = length_controlled_rate_normal({.theta = model.theta, .psi = model.psi});
    ASSERT_TRUE(rate.has_value());
    EXPECT_NEAR(*rate, model.published, 0.65);
    squares += std::pow(*rate - model.published, 2);
  }
  EXPECT_LE(std::sqrt(squares / 11), 0.45);
}

TEST(LengthControlledRateNormal, HasKnownSpecialCases) {
  EXPECT_NEAR(*length_controlled_rate_normal({}), 50, 1e-12);
  EXPECT_NEAR(*length_controlled_rate_normal({.theta = 0.7}), 100 * sigmoid(0.7), 1e-11);
  // Symmetric about 0: σ(x) + σ(−x) = 1, so the mean is ½ whatever ψ.
  EXPECT_NEAR(*length_controlled_rate_normal({.psi = 1.3}, 0, 2), 50, 1e-11);
  EXPECT_NEAR(*length_controlled_rate_normal({.theta = 1, .psi = 2}, 0.25, 0), 100 * sigmoid(1.5),
              1e-11);
  EXPECT_FALSE(length_controlled_rate_normal({}, 0, -1).has_value());
  EXPECT_FALSE(length_controlled_rate_normal({.psi = kNan}).has_value());
}

TEST(IsExtremeChange, FollowsTheRule) {
  // At 20%: below min(15, 10) = 10 or above max(40, 30) = 40. At 80%: below 60 or above 90.
  EXPECT_FALSE(is_extreme_change(20, 10));
  EXPECT_TRUE(is_extreme_change(20, 9.99));
  EXPECT_FALSE(is_extreme_change(20, 40));
  EXPECT_TRUE(is_extreme_change(20, 40.01));
  EXPECT_FALSE(is_extreme_change(80, 60));
  EXPECT_TRUE(is_extreme_change(80, 59.99));
  EXPECT_FALSE(is_extreme_change(80, 90));
  EXPECT_TRUE(is_extreme_change(80, 90.01));
}

TEST(FitLengthControlled, FindsPlantedWeights) {
  const LengthControlledWeights truth{.theta = 0.4, .phi = -1.2, .psi = 0.8};
  const Planted data = planted(truth, 60);
  const auto plain =
      fit_length_controlled(data.items, data.difficulties, {.cross_validate = false});
  ASSERT_TRUE(plain.has_value()) << plain.error().message;
  EXPECT_NEAR(plain->weights.theta, truth.theta, 1e-8);
  EXPECT_NEAR(plain->weights.phi, truth.phi, 1e-8);
  EXPECT_NEAR(plain->weights.psi, truth.psi, 1e-8);
  std::vector<double> gamma;
  for (const auto& [instruction, difficulty] : data.difficulties) {
    gamma.push_back(difficulty);
  }
  EXPECT_NEAR(plain->rate.win_rate, length_controlled_rate(truth, gamma)->win_rate, 1e-6);
  // Without noise the least penalty predicts best: C = 1e4, weights a hair smaller.
  const auto published = fit_length_controlled(data.items, data.difficulties);
  ASSERT_TRUE(published.has_value()) << published.error().message;
  EXPECT_NEAR(*published->cost, 1e4, 1e-8);
  EXPECT_NEAR(published->weights.phi, truth.phi, 1e-3);
  EXPECT_LT(std::abs(published->weights.phi), std::abs(truth.phi));
  EXPECT_EQ(published->gamed_items, 0);
}

TEST(FitLengthControlled, ADrawEverywhereIsFifty) {
  Planted data = planted({}, 30);
  const auto fit = fit_length_controlled(data.items, data.difficulties);
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  EXPECT_EQ(fit->weights.theta, 0);
  EXPECT_EQ(fit->weights.phi, 0);
  EXPECT_EQ(fit->weights.psi, 0);
  EXPECT_EQ(fit->rate.win_rate, 50);
  EXPECT_NEAR(*fit->cost, 1e-4, 1e-18) << "all costs predict alike; the smallest is taken";
  EXPECT_FALSE(fit->extreme_change);
}

TEST(FitLengthControlled, WithoutDifficultiesControlsForLengthAlone) {
  const Planted data = planted({.theta = -0.6, .phi = 0.9}, 40);
  const auto fit = fit_length_controlled(data.items, {}, {.cross_validate = false});
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  EXPECT_NEAR(fit->weights.theta, -0.6, 1e-8);
  EXPECT_NEAR(fit->weights.phi, 0.9, 1e-8);
  EXPECT_NEAR(fit->rate.win_rate, 100 * sigmoid(-0.6), 1e-6);
}

TEST(FitLengthControlled, GamedRowsPullLengthAndDifficultyButNotSkill) {
  const Planted model = planted({.theta = 0.4, .phi = -1.2, .psi = 0.8}, 60);
  const Planted verbose = planted({.theta = 0, .phi = 0.5, .psi = 0.1}, 60);
  const std::vector<GamedBaseline> gamed = {{verbose.items}, {verbose.items}};
  const auto fit = [&](double weight) {
    return *fit_length_controlled(
        model.items, model.difficulties,
        {.cross_validate = false, .gamed = gamed, .gamed_weight = weight});
  };
  EXPECT_EQ(fit(0.2).gamed_items, 120);
  EXPECT_NEAR(fit(0).weights.phi, -1.2, 1e-8);
  EXPECT_GT(fit(0.2).weights.phi, -1.2);
  // With all the weight, φ and ψ are the gamed rows'. θ is still the model's: over its rows, and no
  // others, the mean prediction is the mean preference.
  for (const LengthControlledFit& found : {fit(0.2), fit(1e6)}) {
    double residual = 0;
    for (size_t i = 0; i < model.items.size(); ++i) {
      residual += sigmoid(found.weights.theta + found.weights.phi * model.length_terms[i] +
                          found.weights.psi * model.difficulties.at(static_cast<int64_t>(i))) -
                  *model.items[i].preference;
    }
    EXPECT_NEAR(residual, 0, 1e-6);
  }
  EXPECT_NEAR(fit(1e6).weights.phi, 0.5, 1e-4);
  EXPECT_NEAR(fit(1e6).weights.psi, 0.1, 1e-4);
}

TEST(FitLengthControlled, ItemsWithoutVerdictCountForTheRateAlone) {
  Planted data = planted({.theta = 0.4, .phi = -1.2, .psi = 0.8}, 60);
  const auto whole =
      fit_length_controlled(data.items, data.difficulties, {.cross_validate = false});
  data.items[5].preference.reset();
  const auto fit = fit_length_controlled(data.items, data.difficulties, {.cross_validate = false});
  ASSERT_TRUE(fit.has_value() && whole.has_value());
  EXPECT_EQ(fit->raw.missing, 1);
  EXPECT_NEAR(fit->weights.phi, -1.2, 1e-8) << "Δlen keeps its unit";
  EXPECT_NEAR(fit->rate.win_rate, whole->rate.win_rate, 1e-6);
}

TEST(FitLengthControlled, SaysWhatIsMissingOrMakesNoSense) {
  Planted data = planted({.theta = 0.4}, 20);
  const auto code = [&](const LengthControlledOptions& options) {
    return fit_length_controlled(data.items, data.difficulties, options).error().code;
  };
  EXPECT_EQ(code({.folds = 1}), Code::kInvalidArgument);
  EXPECT_EQ(code({.folds = 21}), Code::kInvalidArgument);
  EXPECT_EQ(code({.gamed_weight = -1}), Code::kInvalidArgument);
  data.difficulties.erase(4);
  const auto absent = fit_length_controlled(data.items, data.difficulties);
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().code, Code::kNotFound);
  EXPECT_NE(absent.error().message.find("instruction 4"), std::string::npos);
  for (PreferenceItem& each : data.items) {
    each.model_length = each.baseline_length + 7;
  }
  const auto flat = fit_length_controlled(data.items, {});
  ASSERT_FALSE(flat.has_value());
  EXPECT_EQ(flat.error().code, Code::kFailedPrecondition);
  EXPECT_NE(flat.error().message.find("plain win rate"), std::string::npos);
}

}  // namespace
}  // namespace cupel::rank
