#include "rank/calibration.h"

#include <cmath>
#include <numbers>

#include "base/rng.h"
#include "numeric/logistic.h"
#include "rank/methods/registry.h"
#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

BattleTable two_models(int64_t wins, int64_t losses, int64_t ties) {
  BattleTable table;
  table.intern_model("x");
  table.intern_model("y");
  for (const auto& [outcome, count] : {std::pair{kWinA, wins}, {kWinB, losses}, {kTie, ties}}) {
    if (count > 0) {
      EXPECT_TRUE(table.add({.a = 0, .b = 1, .outcome = outcome, .count = count}).has_value());
    }
  }
  return table;
}

LogOdds constant(double s) {
  return [s](size_t i, size_t j) { return i < j ? s : -s; };
}

TEST(Calibrate, MatchesHandArithmetic) {
  // Predicted 0.8; 6 wins, 2 losses, 2 ties: observed 0.7.
  const auto result = calibrate(two_models(6, 2, 2), constant(numeric::logit(0.8)));
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->bins.size(), 1U);
  EXPECT_NEAR(result->bins[0].predicted, 0.8, 1e-12);
  EXPECT_NEAR(result->bins[0].observed, 0.7, 1e-12);
  EXPECT_EQ(result->bins[0].battles, 10);
  EXPECT_NEAR(result->expected_calibration_error, 0.1, 1e-12);
  EXPECT_NEAR(result->brier, (6 * 0.04 + 2 * 0.64 + 2 * 0.09) / 10, 1e-12);
  EXPECT_NEAR(result->log_loss, -(7 * std::log(0.8) + 3 * std::log(0.2)) / 10, 1e-12);
  const auto wilson = numeric::wilson_interval(7, 10);
  EXPECT_NEAR(result->bins[0].interval.low, wilson->low, 1e-12);
  EXPECT_NEAR(result->bins[0].interval.high, wilson->high, 1e-12);
  EXPECT_FALSE(result->held_out);
}

TEST(Calibrate, SeesEachBattleFromItsFavourite) {
  const auto x = calibrate(two_models(6, 2, 2), constant(1.3));
  const auto y = calibrate(two_models(2, 6, 2), constant(-1.3));
  ASSERT_TRUE(x.has_value() && y.has_value());
  EXPECT_EQ(x->bins[0].observed, y->bins[0].observed);
  EXPECT_EQ(x->bins[0].predicted, y->bins[0].predicted);
  EXPECT_NEAR(x->log_loss, y->log_loss, 1e-15);
  // A prediction of one half favours nobody.
  const auto even = calibrate(two_models(9, 1, 0), constant(0));
  EXPECT_EQ(even->bins[0].observed, 0.5);
  EXPECT_NEAR(even->log_loss, std::numbers::ln2, 1e-15);
  EXPECT_EQ(even->brier, 0.25);
}

TEST(Calibrate, PutsPredictionsIntoTheirBins) {
  BattleTable table;
  for (const char* name : {"a", "b", "c"}) {
    table.intern_model(name);
  }
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = kWinA, .count = 3}).has_value());
  ASSERT_TRUE(table.add({.a = 0, .b = 2, .outcome = kWinA, .count = 5}).has_value());
  ASSERT_TRUE(table.add({.a = 1, .b = 2, .outcome = kWinB}).has_value());
  const auto log_odds = [](size_t i, size_t j) {
    return numeric::logit(i + j == 1 ? 0.55 : (i + j == 2 ? 0.95 : 0.99));
  };
  const auto result = calibrate(table, log_odds, {.bins = 5});  // 0.5, 0.6, 0.7, 0.8, 0.9, 1
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->bins.size(), 2U);
  EXPECT_EQ(result->bins[0].battles, 3);
  EXPECT_EQ(result->bins[1].battles, 6);
  EXPECT_NEAR(result->bins[1].predicted, (5 * 0.95 + 0.99) / 6, 1e-12);
  EXPECT_NEAR(result->bins[1].observed, 5.0 / 6, 1e-12);
}

TEST(Calibrate, UsesTheEffectiveNumberOfWeightedVotes) {
  BattleTable table;
  table.intern_model("x");
  table.intern_model("y");
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = kWinA, .weight = 3}).has_value());
  ASSERT_TRUE(table.add({.a = 0, .b = 1, .outcome = kWinB, .weight = 1}).has_value());
  const auto result = calibrate(table, constant(1));
  ASSERT_TRUE(result.has_value());
  // (3 + 1)²/(9 + 1) = 1.6 votes, of which 0.75 are won.
  const auto wilson = numeric::wilson_interval(1.2, 1.6);
  EXPECT_NEAR(result->bins[0].interval.low, wilson->low, 1e-12);
  EXPECT_EQ(result->bins[0].observed, 0.75);
}

TEST(CalibrateHeldOut, IsHonestWhereTheFitIsNot) {
  // Twelve equal models, three votes a pair: a fit explains noise that new votes do not repeat.
  BattleTable table;
  Rng rng(4);
  for (int i = 0; i < 12; ++i) {
    table.intern_model("m" + std::to_string(i));
  }
  for (int32_t i = 0; i < 12; ++i) {
    for (int32_t j = i + 1; j < 12; ++j) {
      for (int k = 0; k < 3; ++k) {
        const double outcome = rng.unit() < 0.5 ? kWinA : kWinB;
        ASSERT_TRUE(table.add({.a = i, .b = j, .outcome = outcome}).has_value());
      }
    }
  }
  const RatingMethod& method = **find_rating_method("bradley_terry");
  const auto ratings = fit_ratings(method, table);
  ASSERT_TRUE(ratings.has_value());
  const auto seen = calibrate(table, *predicted_log_odds(method, *ratings));
  const auto held_out = calibrate_held_out(table, predictor_of(method, {}));
  ASSERT_TRUE(seen.has_value() && held_out.has_value()) << held_out.error().message;
  EXPECT_TRUE(held_out->held_out);
  EXPECT_EQ(held_out->battles, 198);
  EXPECT_LT(seen->log_loss, std::numbers::ln2);
  EXPECT_GT(held_out->log_loss, std::numbers::ln2);
}

TEST(CalibrateHeldOut, NamesThePartThatCannotBeFitted) {
  const auto result = calibrate_held_out(two_models(3, 1, 0),
                                         predictor_of(**find_rating_method("bradley_terry"), {}),
                                         {.parts = {.folds = 2}});
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message.find("of 2 of the battles"), std::string::npos)
      << result.error().message;
}

TEST(PredictedLogOdds, RefusesSharesAndCounts) {
  const BattleTable table = test::sixteen_battles();
  for (const RatingMethod& method : rating_methods()) {
    const auto ratings = fit_ratings(method, table);
    ASSERT_TRUE(ratings.has_value()) << method.name << ": " << ratings.error().message;
    const auto log_odds = predicted_log_odds(method, *ratings);
    EXPECT_EQ(log_odds.has_value(), method.scale == RatingScale::kElo) << method.name;
    if (log_odds.has_value()) {
      EXPECT_NEAR((*log_odds)(0, 3), -(*log_odds)(3, 0), 1e-12) << method.name;
      EXPECT_LT((*log_odds)(0, 3), 0) << method.name;
    }
  }
}

TEST(Calibrate, RefusesNonsense) {
  const BattleTable table = two_models(1, 1, 0);
  EXPECT_EQ(calibrate(table, constant(1), {.bins = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(calibrate(table, constant(1), {.confidence = 1}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(calibrate(BattleTable(), constant(1)).error().code, Code::kInvalidArgument);
  EXPECT_EQ(calibrate(table, constant(NAN)).error().code, Code::kFailedPrecondition);
}

}  // namespace
}  // namespace cupel::rank
