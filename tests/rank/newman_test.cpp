#include "rank/methods/newman.h"

#include <cmath>

#include "rank/methods/registry.h"
#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

// The rank-statistics sheet, table S: evalica's scores, and Davidson's β and ν = 2v, which is the
// same model.
TEST(FitNewman, MatchesTheSheet) {
  const auto fit = fit_newman(test::sixteen_battles(), {.damped = false});
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  const double scores[] = {0.017974, 0.480240, 0.481419, 12.805770, 13.036745};
  const double beta[] = {-3.945718, -0.660335, -0.657883, 2.623030, 2.640906};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(fit->scores[i], scores[i], 6e-7) << i;
    EXPECT_NEAR(fit->beta[i], beta[i], 6e-7) << i;
  }
  EXPECT_NEAR(fit->v, 3.460999, 6e-7);
  EXPECT_NEAR(fit->log_likelihood, -11.005993, 6e-7);
}

TEST(FitNewman, MatchesTheSheetOnPublishedVotes) {
  CUPEL_SKIP_WITHOUT_VOTES();
  const BattleTable food = test::published_votes("food.csv");
  const auto fit = fit_newman(food);
  ASSERT_TRUE(fit.has_value());
  const std::pair<const char*, double> beta[] = {{"Tacos", 0.997100},
                                                 {"Sushi", 0.103570},
                                                 {"Burger", -0.169923},
                                                 {"Pasta", -0.325457},
                                                 {"Pizza", -0.605290}};
  for (const auto& [name, value] : beta) {
    EXPECT_NEAR(fit->beta[static_cast<size_t>(food.models().find(name).value())], value, 6e-7);
  }
  EXPECT_NEAR(fit->v, 0.078642, 6e-7);
  EXPECT_NEAR(fit->log_likelihood, -24.263663, 6e-7);
  const auto llmfao = fit_newman(test::published_votes("llmfao.csv"));
  ASSERT_TRUE(llmfao.has_value()) << llmfao.error().message;
  EXPECT_NEAR(llmfao->v, 0.739854, 6e-7);
}

TEST(FitNewman, MatchesEvalicasGoldenFiles) {
  CUPEL_SKIP_WITHOUT_VOTES();
  test::expect_golden("newman", [](const BattleTable& table) {
    return fit_newman(table, {.damped = false})->scores;
  });
}

/// w wins, l losses and t ties of two models.
BattleTable two_models(int64_t w, int64_t l, int64_t t) {
  BattleTable table;
  table.intern_model("x");
  table.intern_model("y");
  for (const auto& [outcome, count] : {std::pair{kWinA, w}, {kWinB, l}, {kTie, t}}) {
    if (count > 0) {
      EXPECT_TRUE(table.add({.a = 0, .b = 1, .outcome = outcome, .count = count}).has_value());
    }
  }
  return table;
}

// Davidson's closed form: δ = ln(w/l), ν = t/√(wl), so v = ½·t/√(wl).
TEST(FitNewman, IsTheClosedFormOfTwoModels) {
  const auto fit = fit_newman(two_models(6, 3, 3));
  ASSERT_TRUE(fit.has_value());
  EXPECT_NEAR(fit->beta[0] - fit->beta[1], std::log(2), 1e-10);
  EXPECT_NEAR(fit->v, 0.5 * 3 / std::sqrt(18), 1e-10);
}

TEST(FitNewman, IsBradleyTerryWithoutTies) {
  const auto fit = fit_newman(two_models(6, 3, 0));
  ASSERT_TRUE(fit.has_value());
  EXPECT_EQ(fit->v, 0);
  EXPECT_NEAR(fit->beta[0] - fit->beta[1], std::log(2), 1e-10);
}

// Whole steps from (1, 1) lead to (2, ½), and from there back.
TEST(FitNewman, SwingsForEverWithoutDamping) {
  const auto fit = fit_newman(two_models(6, 3, 0), {.damped = false});
  ASSERT_FALSE(fit.has_value());
  EXPECT_EQ(fit.error().code, Code::kDeadline);
}

TEST(FitNewman, EndsAtTheSamePlaceEitherWay) {
  const auto x = fit_newman(test::sixteen_battles());
  const auto y = fit_newman(test::sixteen_battles(), {.damped = false});
  ASSERT_TRUE(x.has_value() && y.has_value());
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(x->beta[i], y->beta[i], 1e-9);
  }
  EXPECT_NEAR(x->v, y->v, 1e-9);
}

TEST(FitNewman, PredictsPointsWithTies) {
  const RatingMethod& method = **find_rating_method("newman");
  const BattleTable table = two_models(6, 3, 3);
  const auto ratings = fit_ratings(method, table);
  ASSERT_TRUE(ratings.has_value());
  // Two models alone are fitted exactly: x took 7.5 of 12 points.
  EXPECT_NEAR(method.log_odds(*ratings, 0, 1), std::log(7.5 / 4.5), 1e-9);
  EXPECT_NEAR(method.log_odds(*ratings, 1, 0), -std::log(7.5 / 4.5), 1e-9);
  EXPECT_NEAR(ratings->values[0] - ratings->values[1], kEloPerLogit * std::log(2), 1e-7);
  EXPECT_NEAR(ratings->values[0] + ratings->values[1], 2000, 1e-9);
  ASSERT_EQ(ratings->coefficients.size(), 1U);
  EXPECT_EQ(ratings->coefficients[0].name, "v");
}

TEST(FitNewman, RefusesWhatItCannotFit) {
  EXPECT_EQ(fit_newman(two_models(3, 0, 0)).error().code, Code::kFailedPrecondition);
  BattleTable soft = two_models(1, 1, 0);
  ASSERT_TRUE(soft.add({.a = 0, .b = 1, .outcome = 0.3}).has_value());
  EXPECT_EQ(fit_newman(soft).error().code, Code::kInvalidArgument);
  const auto early = fit_newman(test::sixteen_battles(), {.max_iterations = 5});
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().code, Code::kDeadline);
  EXPECT_EQ(fit_newman(test::sixteen_battles(), {.tolerance = 0}).error().code,
            Code::kInvalidArgument);
}

// All ties: v is infinite. x ties y, y ties z and x beats z: the likelihood grows without end as x,
// y and z move apart and v grows.
TEST(FitNewman, RefusesMoreTiesThanWinsHoldTogether) {
  EXPECT_EQ(fit_newman(two_models(0, 0, 4)).error().code, Code::kFailedPrecondition);
  BattleTable table;
  ASSERT_TRUE(table.add("x", "y", kTie).has_value());
  ASSERT_TRUE(table.add("y", "z", kTie).has_value());
  ASSERT_TRUE(table.add("x", "z", kWinA).has_value());
  EXPECT_EQ(fit_newman(table).error().code, Code::kFailedPrecondition);
}

// x beat y once and tied once, each vote of weight 0.3: 0.6 − 0.45 − 0.15 is 3e-17 and no win of y.
TEST(FitNewman, TakesRoundingForNoWin) {
  BattleTable table = two_models(1, 0, 1);
  ASSERT_TRUE(table.set_weights({0.3, 0.3}).has_value());
  const auto fit = fit_newman(table);
  ASSERT_FALSE(fit.has_value());
  EXPECT_EQ(fit.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(pair_totals(table)[0].wins_b(), 0);
}

}  // namespace
}  // namespace cupel::rank
