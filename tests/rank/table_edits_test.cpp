#include "rank/table_edits.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "numeric/logistic.h"
#include "rank/bootstrap.h"
#include "rank/methods/registry.h"

namespace cupel::rank {
namespace {

const RatingMethod& method(const char* name) {
  return **find_rating_method(name);
}

/// `wins` of x over y and `losses`; in clusters of two votes where asked for.
BattleTable two(int wins, int losses, bool clustered = false) {
  BattleTable table;
  table.intern_model("x");
  table.intern_model("y");
  for (int i = 0; i < wins + losses; ++i) {
    Battle battle{.a = 0, .b = 1, .outcome = i < wins ? kWinA : kWinB};
    if (clustered) {
      battle.cluster = table.intern_cluster(std::to_string(i / 2));
    }
    EXPECT_TRUE(table.add(battle).has_value());
  }
  return table;
}

double difference(std::span<const double> ratings) {
  return (ratings[0] - ratings[1]) / kEloPerLogit;
}

TEST(PseudoTies, RateAsTiesThatWereCast) {
  // A circle and a model that lost its only battle; the ties once as prior weight, once as rows.
  BattleTable table;
  for (const auto& [a, b] : {std::pair("x", "y"), std::pair("x", "y"), std::pair("y", "x"),
                             std::pair("y", "z"), std::pair("z", "x"), std::pair("x", "low")}) {
    ASSERT_TRUE(table.add(a, b, kWinA).has_value());
  }
  BattleTable cast = table;
  for (int32_t a = 0; a < 4; ++a) {
    for (int32_t b = a + 1; b < 4; ++b) {
      ASSERT_TRUE(cast.add({.a = a, .b = b, .outcome = kTie, .weight = 0.3}).has_value());
    }
  }
  const auto padded = with_pseudo_ties(table, 0.3);
  ASSERT_TRUE(padded.has_value()) << padded.error().message;
  EXPECT_EQ(padded->battle_count(), 6);
  EXPECT_EQ(padded->battles_per_model(), table.battles_per_model());
  for (const RatingMethod& rating : rating_methods()) {
    // gpm chooses its penalty on battles held out, and a cast tie is one.
    const RatingOptions options{.settings = rating.name == "gpm"
                                                ? std::vector<RatingOptions::Setting>{{"dim", 0}}
                                                : std::vector<RatingOptions::Setting>{}};
    const auto found = fit_ratings(rating, *padded, options);
    if (rating.order_dependent) {
      ASSERT_FALSE(found.has_value()) << rating.name;
      EXPECT_EQ(found.error().code, Code::kInvalidArgument);
      continue;
    }
    const auto expected = fit_ratings(rating, cast, options);
    ASSERT_TRUE(found.has_value()) << rating.name << ": " << found.error().message;
    ASSERT_TRUE(expected.has_value()) << rating.name << ": " << expected.error().message;
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(found->values[i], expected->values[i], 1e-7) << rating.name;
    }
  }
}

TEST(PseudoTies, AreInEveryBootstrapRoundAndNeverDrawn) {
  // k wins of two battles and a tie of weight ½: δ = logit((k + ¼)/2½), whatever was drawn.
  const auto table = with_pseudo_ties(two(1, 1), 0.5);
  ASSERT_TRUE(table.has_value());
  const auto draws = bootstrap_ratings(method("bradley_terry"), *table, {}, {.rounds = 64});
  ASSERT_TRUE(draws.has_value()) << draws.error().message;
  std::set<int> wins;
  for (size_t round = 0; round < draws->rows(); ++round) {
    const double share = numeric::sigmoid(difference(draws->row(round)));
    const double k = 2.5 * share - 0.25;
    EXPECT_NEAR(k, std::round(k), 1e-8);
    wins.insert(static_cast<int>(std::lround(k)));
  }
  EXPECT_EQ(wins, (std::set<int>{0, 1, 2}));
}

TEST(PseudoTies, AreNoClusterOfTheirOwn) {
  // Two clusters, one of two wins and one of two losses: k is 0, 2 or 4 of four.
  const auto table = with_pseudo_ties(two(2, 2, true), 0.5);
  ASSERT_TRUE(table.has_value());
  const auto draws = bootstrap_ratings(method("bradley_terry"), *table, {}, {.rounds = 64});
  ASSERT_TRUE(draws.has_value()) << draws.error().message;
  for (size_t round = 0; round < draws->rows(); ++round) {
    const double k = 4.5 * numeric::sigmoid(difference(draws->row(round))) - 0.25;
    EXPECT_NEAR(k, 2 * std::round(k / 2), 1e-8);
  }
}

TEST(PseudoTies, BendTheLikelihoodAndAddNoVariance) {
  // p = (6 + 4)/(9 + 8); H = 17·p·q, G = 6·q² + 3·p²: the eight ties are no observations.
  const auto table = with_pseudo_ties(two(6, 3), 8);
  ASSERT_TRUE(table.has_value());
  const auto fit = fit_ratings(method("bradley_terry"), *table, {.covariance = Covariance::kFull});
  ASSERT_TRUE(fit.has_value());
  const double p = 10.0 / 17;
  const double q = 1 - p;
  EXPECT_NEAR(difference(fit->values), numeric::logit(p), 1e-9);
  const double variance = (6 * q * q + 3 * p * p) / std::pow(17 * p * q, 2);
  const auto& v = fit->covariance;
  EXPECT_NEAR((v(0, 0) + v(1, 1) - 2 * v(0, 1)) / (kEloPerLogit * kEloPerLogit), variance, 1e-9);
}

TEST(PseudoTies, RefuseWhatMakesNoSense) {
  EXPECT_EQ(with_pseudo_ties(two(1, 1), 0).error().code, Code::kInvalidArgument);
  EXPECT_EQ(with_pseudo_ties(two(1, 1), -1).error().code, Code::kInvalidArgument);
  EXPECT_EQ(with_pseudo_ties(two(1, 1), INFINITY).error().code, Code::kInvalidArgument);
  BattleTable styled = two(1, 1);
  ASSERT_TRUE(styled.set_features({.names = {"length"}, .values = {1, 2}}).has_value());
  EXPECT_EQ(with_pseudo_ties(styled, 0.5).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace cupel::rank
