// Proves: system 49
#include "rank/methods/gpm.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/rng.h"
#include "numeric/logistic.h"
#include "rank/calibration.h"
#include "rank/gpm_objective.h"
#include "rank/maximal_lottery.h"
#include "rank/methods/bradley_terry.h"
#include "rank/methods/registry.h"
#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

/// Models with vectors alone, one row each.
GpmFit with_vectors(const std::vector<std::vector<double>>& rows) {
  GpmFit fit{.beta = std::vector<double>(rows.size()),
             .vectors = numeric::Matrix(rows.size(), rows.front().size())};
  for (size_t i = 0; i < rows.size(); ++i) {
    std::copy(rows[i].begin(), rows[i].end(), fit.vectors.row(i).begin());
  }
  return fit;
}

std::vector<double> scaled(std::vector<double> values, double factor) {
  for (double& value : values) {
    value *= factor;
  }
  return values;
}

// The gpm-gpo sheet, "Done means" 1, worked for τ = 0.1.
TEST(GpmScore, MatchesTheSheetOnTheUnitCircle) {
  std::vector<std::vector<double>> circle;
  for (const double degrees : {0.0, 120.0, 240.0}) {
    const double angle = degrees * std::numbers::pi / 180;
    circle.push_back({std::cos(angle), std::sin(angle)});
  }
  const numeric::Matrix s = with_vectors(circle).preference();
  EXPECT_NEAR(s(0, 1), 0.86602540, 5e-9);
  EXPECT_NEAR(s(1, 2), 0.86602540, 5e-9);
  EXPECT_NEAR(s(2, 0), 0.86602540, 5e-9);
  EXPECT_EQ(s(1, 0), -s(0, 1));
  EXPECT_EQ(s(1, 1), 0);
  EXPECT_NEAR(numeric::sigmoid(s(0, 1) / 0.1), 0.99982669, 5e-9);
  EXPECT_NEAR(numeric::log1p_exp(-s(0, 1) / 0.1), 0.00017333, 5e-9);
}

TEST(GpmScore, MatchesTheSheetInTwoPlanes) {
  const auto vi = scaled({1, 2, 3, 4}, 1 / std::sqrt(30.0));
  const auto vj = scaled({2, -1, 0.5, 1}, 1 / 2.5);
  const double s = with_vectors({vi, vj}).log_odds(0, 1);
  EXPECT_NEAR(s, -0.29211870, 5e-9);
  EXPECT_NEAR(numeric::log1p_exp(-s / 0.1), 2.97365580, 5e-9);
  // The gate's λ = softmax(0.3, −0.2) multiplies the planes: √λ on both vectors.
  const double first = numeric::sigmoid(0.5);
  EXPECT_NEAR(first, 0.62245933, 5e-9);
  const auto gated = [&](std::vector<double> v) {
    for (size_t l = 0; l < 4; ++l) {
      v[l] *= std::sqrt(l < 2 ? first : 1 - first);
    }
    return v;
  };
  const double t = with_vectors({gated(vi), gated(vj)}).log_odds(0, 1);
  EXPECT_NEAR(t, -0.19971834, 5e-9);
  EXPECT_NEAR(numeric::log1p_exp(-t / 0.1), 2.12444757, 5e-8);
}

// "Done means" 2: antisymmetry, and Bradley-Terry as the plane (r, c): s = c·(r_i − r_j).
TEST(GpmScore, IsAntisymmetricAndHoldsBradleyTerry) {
  Rng rng(3);
  std::vector<std::vector<double>> rows;
  for (int i = 0; i < 6; ++i) {
    rows.push_back({rng.normal(), rng.normal(), rng.normal(), rng.normal()});
  }
  GpmFit fit = with_vectors(rows);
  for (size_t i = 0; i < 6; ++i) {
    for (size_t j = 0; j < 6; ++j) {
      EXPECT_NEAR(fit.log_odds(i, j), -fit.log_odds(j, i), 1e-14);
    }
    EXPECT_NEAR(fit.log_odds(i, i), 0, 1e-14);
  }
  const GpmFit plane = with_vectors({{1.5, 2}, {0.25, 2}, {-1, 2}});
  EXPECT_NEAR(plane.log_odds(0, 1), 2 * (1.5 - 0.25), 1e-15);
  EXPECT_NEAR(plane.log_odds(2, 0), 2 * (-1 - 1.5), 1e-15);
}

TEST(GpmObjective, HasTheGradientOfCentralDifferences) {
  const std::vector<PairTotal> pairs = {{.a = 0, .b = 1, .mass = 5, .won = 2},
                                        {.a = 0, .b = 2, .mass = 3, .won = 3},
                                        {.a = 1, .b = 3, .mass = 7, .won = 2.5},
                                        {.a = 2, .b = 3, .mass = 1, .won = 0}};
  const GpmObjective objective{
      .pairs = pairs, .models = 4, .dim = 4, .lambda_v = 0.7, .ridge = 0.3};
  Rng rng(8);
  std::vector<double> x(objective.unknowns());
  for (double& value : x) {
    value = rng.normal();
  }
  std::vector<double> gradient(x.size());
  std::vector<double> unused(x.size());
  objective.evaluate(x, gradient);
  for (size_t i = 0; i < x.size(); ++i) {
    const double kept = x[i];
    x[i] = kept + 1e-4;
    const double up = objective.evaluate(x, unused);
    x[i] = kept - 1e-4;
    const double down = objective.evaluate(x, unused);
    x[i] = kept;
    EXPECT_NEAR(gradient[i], (up - down) / 2e-4, 1e-6) << i;
  }
}

/// Rock (0) beats scissors (1) beats paper (2) beats rock with chance `win`, `per_pair` votes each.
BattleTable rock_paper_scissors(double win, int per_pair, uint64_t seed) {
  BattleTable table;
  for (const char* name : {"rock", "scissors", "paper"}) {
    table.intern_model(name);
  }
  Rng rng(seed);
  for (int32_t i = 0; i < 3; ++i) {
    for (int k = 0; k < per_pair; ++k) {
      const double outcome = rng.unit() < win ? kWinA : kWinB;
      EXPECT_TRUE(table.add({.a = i, .b = (i + 1) % 3, .outcome = outcome}).has_value());
    }
  }
  return table;
}

Result<Calibration> on_held_out(const char* method,
                                const BattleTable& seen,
                                const BattleTable& unseen,
                                double dim) {
  const RatingMethod& found = **find_rating_method(method);
  RatingOptions options;
  if (dim >= 0) {
    options.settings = {{"dim", dim}};
  }
  CUPEL_TRY(const LogOdds log_odds, predictor_of(found, options)(seen));
  return calibrate(unseen, log_odds);
}

// "Done means" 3: 300 votes a pair, half of them held out. Bradley-Terry stays at ln 2 = 0.6931;
// the truth costs 0.3251; at least 0.25 must lie between the fits.
TEST(FitGpm, PredictsWhatBradleyTerryCannot) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const BattleTable seen = rock_paper_scissors(0.9, 150, 2 * seed);
    const BattleTable unseen = rock_paper_scissors(0.9, 150, 2 * seed + 1);
    const auto plain = on_held_out("bradley_terry", seen, unseen, -1);
    const auto cyclic = on_held_out("gpm", seen, unseen, 2);
    ASSERT_TRUE(plain.has_value() && cyclic.has_value());
    EXPECT_NEAR(plain->log_loss, std::numbers::ln2, 0.02) << seed;
    EXPECT_GE(plain->log_loss - cyclic->log_loss, 0.25) << seed;
  }
}

TEST(FitGpm, SeesTheCircleInTheVotes) {
  const auto fit = fit_gpm(rock_paper_scissors(0.9, 300, 1));
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  const numeric::Matrix s = fit->preference();
  const std::vector<int32_t> all = {0, 1, 2};
  const auto cycles = preference_cycles(s, all, 10);
  ASSERT_EQ(cycles.size(), 1U);
  EXPECT_EQ(cycles[0].i, 0);
  EXPECT_EQ(cycles[0].j, 1);
  EXPECT_EQ(cycles[0].k, 2);
  EXPECT_GT(numeric::sigmoid(cycles[0].weakest), 0.8);
  const auto lottery = maximal_lottery(s);
  ASSERT_TRUE(lottery.has_value());
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR((*lottery)[i], 1.0 / 3, 0.1);
    EXPECT_NEAR(mean_win_probability(s)[i], 0.5, 0.05);
  }
}

// No cycles planted: held-out battles must choose few or none.
TEST(FitGpm, FindsNoCyclesInBradleyTerrysOwnVotes) {
  BattleTable table;
  const std::vector<double> beta = {1, 0.5, 0, -0.5, -1};
  for (size_t i = 0; i < 5; ++i) {
    table.intern_model(std::string(1, static_cast<char>('a' + i)));
  }
  Rng rng(5);
  for (int k = 0; k < 200; ++k) {
    for (int32_t i = 0; i < 5; ++i) {
      for (int32_t j = i + 1; j < 5; ++j) {
        const double p =
            numeric::sigmoid(beta[static_cast<size_t>(i)] - beta[static_cast<size_t>(j)]);
        ASSERT_TRUE(
            table.add({.a = i, .b = j, .outcome = rng.unit() < p ? kWinA : kWinB}).has_value());
      }
    }
  }
  const auto fit = fit_gpm(table);
  const auto plain = fit_bradley_terry(table, {.covariance = Covariance::kNone});
  ASSERT_TRUE(fit.has_value() && plain.has_value());
  const std::vector<double> means = mean_log_odds(fit->preference());
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(means[i], (plain->values[i] - 1000) / kEloPerLogit, 0.1);
    for (size_t j = 0; j < 5; ++j) {
      EXPECT_NEAR(fit->log_odds(i, j), beta[i] - beta[j], 0.5);
    }
  }
}

// Any antisymmetric 5 × 5 matrix fits into two planes and β: votes with exactly its shares.
TEST(FitGpm, RecoversAnyPreferencesWithEnoughPlanes) {
  Rng rng(21);
  BattleTable table;
  numeric::Matrix truth(5, 5);
  for (size_t i = 0; i < 5; ++i) {
    table.intern_model("m" + std::to_string(i));
  }
  for (int32_t i = 0; i < 5; ++i) {
    for (int32_t j = 0; j < i; ++j) {
      const double s = rng.normal();
      truth(static_cast<size_t>(i), static_cast<size_t>(j)) = s;
      ASSERT_TRUE(table.add({.a = i, .b = j, .outcome = numeric::sigmoid(s), .count = 1'000'000})
                      .has_value());
    }
  }
  const auto fit = fit_gpm(table, {.dim = 4, .lambda_v = 1e-3});
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  for (size_t i = 0; i < 5; ++i) {
    for (size_t j = 0; j < i; ++j) {
      EXPECT_NEAR(fit->log_odds(i, j), truth(i, j), 1e-5);
    }
  }
}

TEST(FitGpm, IsBradleyTerryInDimensionZero) {
  CUPEL_SKIP_WITHOUT_VOTES();
  const BattleTable food = test::published_votes("food.csv");
  const auto fit = fit_gpm(food, {.dim = 0});
  ASSERT_TRUE(fit.has_value());
  // The BT row of the rank-statistics sheet.
  const std::pair<const char*, double> beta[] = {{"Tacos", 0.919894},
                                                 {"Sushi", 0.096361},
                                                 {"Burger", -0.156763},
                                                 {"Pasta", -0.300590},
                                                 {"Pizza", -0.558902}};
  for (const auto& [name, value] : beta) {
    EXPECT_NEAR(fit->beta[static_cast<size_t>(food.models().find(name).value())], value, 6e-7);
  }
  const auto ratings = fit_ratings(**find_rating_method("gpm"), food, {.settings = {{"dim", 0}}});
  const auto plain = fit_ratings(**find_rating_method("bradley_terry"), food);
  ASSERT_TRUE(ratings.has_value() && plain.has_value());
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(ratings->values[i], plain->values[i], 1e-9);
    for (size_t j = 0; j < 5; ++j) {
      EXPECT_NEAR(ratings->preference(i, j) * kEloPerLogit, plain->values[i] - plain->values[j],
                  1e-9);
    }
  }
}

// The values of a fit with vectors are means of the matrix over all models, itself included.
TEST(FitGpm, ReportsTheMeanOfItsMatrix) {
  const auto ratings = fit_ratings(**find_rating_method("gpm"), rock_paper_scissors(0.9, 300, 1));
  ASSERT_TRUE(ratings.has_value());
  ASSERT_EQ(ratings->preference.rows(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    double sum = 0;
    for (size_t j = 0; j < 3; ++j) {
      sum += ratings->preference(i, j);
    }
    EXPECT_NEAR(ratings->values[i], 1000 + kEloPerLogit * sum / 3, 1e-9);
  }
  ASSERT_EQ(ratings->coefficients.size(), 1U);
  EXPECT_EQ(ratings->coefficients[0].name, "lambda_v");
  ASSERT_EQ(ratings->tuned.size(), 1U);
  EXPECT_EQ(ratings->tuned[0].value, ratings->coefficients[0].value);
}

// Other indices, other names, rows backwards, sides exchanged: the same log-odds, though starts and
// parts are drawn at random and the vectors do not vanish.
TEST(FitGpm, DoesNotDependOnOrderNamesOrSides) {
  constexpr int32_t kModels = 7;
  BattleTable table;
  BattleTable other;
  for (int32_t i = 0; i < kModels; ++i) {
    table.intern_model("m" + std::to_string(i));
  }
  Rng rng(31);
  for (int32_t i = 0; i < kModels; ++i) {
    for (int32_t j = 0; j < i; ++j) {
      const double win = numeric::sigmoid(1.5 * rng.normal());
      for (int k = 0; k < 60; ++k) {
        const double outcome = rng.unit() < 0.2 ? kTie : (rng.unit() < win ? kWinA : kWinB);
        ASSERT_TRUE(table.add({.a = i, .b = j, .outcome = outcome}).has_value());
      }
    }
  }
  const std::vector<int32_t> moved = {3, 6, 0, 5, 1, 4, 2};
  for (int32_t i = 0; i < kModels; ++i) {
    other.intern_model(std::string(1, static_cast<char>('z' - i)));
  }
  for (size_t row = table.rows(); row-- > 0;) {
    Battle battle = table.row(row);
    battle.a = moved[static_cast<size_t>(battle.a)];
    battle.b = moved[static_cast<size_t>(battle.b)];
    if (row % 3 == 0) {
      std::swap(battle.a, battle.b);
      battle.outcome = 1 - battle.outcome;
    }
    ASSERT_TRUE(other.add(battle).has_value());
  }
  for (const int64_t dim : {2, 4}) {
    const auto x = fit_gpm(table, {.dim = dim});
    const auto y = fit_gpm(other, {.dim = dim});
    ASSERT_TRUE(x.has_value() && y.has_value());
    EXPECT_LT(x->lambda_v, x->trials.front().lambda_v);
    EXPECT_NEAR(x->lambda_v / y->lambda_v, 1, 1e-9);
    EXPECT_NEAR(x->report.log_loss, y->report.log_loss, 1e-10);
    for (size_t i = 0; i < kModels; ++i) {
      for (size_t j = 0; j < kModels; ++j) {
        EXPECT_NEAR(x->log_odds(i, j),
                    y->log_odds(static_cast<size_t>(moved[i]), static_cast<size_t>(moved[j])),
                    1e-7);
      }
    }
  }
}

// A resample is fitted from the data's fit; from scratch the same minimum is found.
TEST(FitGpm, ResamplesEndWhereFreshFitsDo) {
  const BattleTable table = rock_paper_scissors(0.9, 300, 1);
  const RatingMethod& method = **find_rating_method("gpm");
  const auto full = fit_ratings(method, table);
  ASSERT_TRUE(full.has_value());
  ASSERT_EQ(full->tuned[0].name, "lambda_v");
  const RatingOptions fixed{.settings = {{"lambda_v", full->tuned[0].value}}};
  RatingOptions resample = fixed;
  resample.resample_of = &*full;
  const BattleTable other = rock_paper_scissors(0.9, 300, 2);
  const auto x = fit_ratings(method, other, fixed);
  const auto y = fit_ratings(method, other, resample);
  ASSERT_TRUE(x.has_value() && y.has_value());
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(x->values[i], y->values[i], 1e-4);
    for (size_t j = 0; j < 3; ++j) {
      EXPECT_NEAR(x->preference(i, j), y->preference(i, j), 1e-6);
    }
  }
}

TEST(FitGpm, RefusesWhatItCannotFit) {
  const BattleTable table = rock_paper_scissors(0.9, 20, 1);
  for (const int64_t dim : {-2, 1, 3, 17, 18}) {
    EXPECT_EQ(fit_gpm(table, {.dim = dim}).error().code, Code::kInvalidArgument) << dim;
  }
  const auto odd = fit_ratings(**find_rating_method("gpm"), table, {.settings = {{"dim", 3}}});
  ASSERT_FALSE(odd.has_value());
  EXPECT_NE(odd.error().message.find("even"), std::string::npos);
  EXPECT_EQ(fit_gpm(table, {.lambda_v = -1}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(fit_gpm(table, {.folds = 1}).error().code, Code::kInvalidArgument);
  BattleTable many;
  ASSERT_TRUE(many.add("m0", "m1", kTie).has_value());
  for (int i = 2; i < 5000; ++i) {
    ASSERT_TRUE(many.add("m0", "m" + std::to_string(i), kTie).has_value());
  }
  EXPECT_EQ(fit_gpm(many).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace cupel::rank
