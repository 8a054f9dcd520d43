// Ratings by likelihood beyond plain Bradley-Terry: tie parameters, style, composite. Numbers are
// the rank-statistics sheet's unless something else is said.
#include "rank/likelihood.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <string>
#include <thread>
#include <tuple>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "rank/bootstrap.h"
#include "rank/leaderboard.h"
#include "rank/methods/bradley_terry.h"
#include "rank/methods/registry.h"
#include "rank/resample.h"

namespace cupel::rank {
namespace {

const RatingMethod& method(const char* name) {
  return **find_rating_method(name);
}

struct Game {
  const char* a;
  const char* b;
  double outcome;
};

BattleTable table_of(std::span<const Game> games) {
  BattleTable table;
  for (const Game& game : games) {
    EXPECT_TRUE(table.add(game.a, game.b, game.outcome).has_value());
  }
  return table;
}

/// The sixteen battles S of the sheet.
BattleTable sixteen() {
  return table_of(std::vector<Game>{{"0", "1", kTie},
                                    {"0", "2", kWinB},
                                    {"0", "2", kTie},
                                    {"0", "4", kTie},
                                    {"1", "0", kWinA},
                                    {"1", "2", kTie},
                                    {"1", "2", kTie},
                                    {"1", "3", kTie},
                                    {"2", "4", kTie},
                                    {"3", "0", kWinA},
                                    {"3", "1", kWinA},
                                    {"3", "2", kWinA},
                                    {"3", "4", kTie},
                                    {"3", "4", kTie},
                                    {"4", "0", kWinA},
                                    {"4", "3", kWinA}});
}

/// w wins, l losses and t ties of x against y.
BattleTable two(int64_t wins, int64_t losses, int64_t ties) {
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

double beta(const Ratings& ratings, const BattleTable& table, const char* name) {
  return (ratings.values[static_cast<size_t>(*table.models().find(name))] - kEloMean) /
         kEloPerLogit;
}

Ratings fit(const char* name, const BattleTable& table, const RatingOptions& options = {}) {
  auto ratings = fit_ratings(method(name), table, options);
  EXPECT_TRUE(ratings.has_value()) << name << ": " << ratings.error().message;
  return ratings.has_value() ? *ratings : Ratings{.values = std::vector<double>(99, NAN)};
}

TEST(Davidson, ReproducesTheSixteenBattles) {
  const BattleTable table = sixteen();
  const Ratings ratings = fit("davidson", table);
  const double expected[] = {-3.945718, -0.660335, -0.657883, 2.623030, 2.640906};
  const char* names[] = {"0", "1", "2", "3", "4"};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(beta(ratings, table, names[i]), expected[i], 1e-5);
  }
  EXPECT_NEAR(ratings.coefficients.at(0).value, 6.921998, 1e-5);
  EXPECT_NEAR(ratings.report.log_likelihood, -11.005993, 6e-7);
}

TEST(RaoKupper, ReproducesTheSixteenBattles) {
  const BattleTable table = sixteen();
  const Ratings ratings = fit("rao_kupper", table);
  const double expected[] = {-2.112143, -0.333516, -0.351206, 1.458494, 1.338372};
  const char* names[] = {"0", "1", "2", "3", "4"};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(beta(ratings, table, names[i]), expected[i], 1e-5);
  }
  EXPECT_NEAR(ratings.coefficients.at(0).value, 2.120989, 1e-5);
  EXPECT_NEAR(ratings.report.log_likelihood, -11.085703, 6e-7);
}

TEST(TieModels, TwoPlayersHaveClosedForms) {
  // w = 6, l = 3, t = 3: δ = ln(w/l), ν = t/√(wl); δ = η = 0.549306.
  const BattleTable table = two(6, 3, 3);
  const Ratings davidson = fit("davidson", table);
  EXPECT_NEAR(beta(davidson, table, "x") - beta(davidson, table, "y"), 0.693147, 1e-6);
  EXPECT_NEAR(davidson.coefficients.at(0).value, 0.707107, 1e-6);
  const Ratings rao_kupper = fit("rao_kupper", table);
  EXPECT_NEAR(beta(rao_kupper, table, "x") - beta(rao_kupper, table, "y"), 0.549306, 1e-6);
  EXPECT_NEAR(rao_kupper.coefficients.at(0).value, 0.549306, 1e-6);
}

TEST(TieModels, PredictTheSharesOfTwoPlayers) {
  // Both models fit the three shares of one pair exactly: 7.5 of 12 points.
  const BattleTable table = two(6, 3, 3);
  for (const char* name : {"davidson", "rao_kupper"}) {
    const Ratings ratings = fit(name, table);
    const double odds = std::exp(method(name).log_odds(ratings, 0, 1));
    EXPECT_NEAR(odds / (1 + odds), 7.5 / 12, 1e-9) << name;
  }
}

TEST(TieModels, WithoutTiesAreBradleyTerry) {
  BattleTable table = two(6, 3, 0);
  ASSERT_TRUE(table.add("x", "z", kWinA).has_value());
  ASSERT_TRUE(table.add("z", "x", kWinA).has_value());
  const Ratings plain = fit("bradley_terry", table, {.covariance = Covariance::kFull});
  for (const char* name : {"davidson", "rao_kupper"}) {
    const Ratings ratings = fit(name, table, {.covariance = Covariance::kFull});
    EXPECT_EQ(ratings.coefficients.at(0).value, 0) << name;
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(ratings.values[i], plain.values[i], 1e-7) << name;
      EXPECT_NEAR(ratings.covariance(i, i), plain.covariance(i, i), 1e-4) << name;
    }
  }
}

TEST(TieModels, RefuseWhatHasNoFiniteFit) {
  // All wins one way and ties: ever larger differences and ever more ties fit ever better.
  for (const char* name : {"davidson", "rao_kupper"}) {
    const auto circle = fit_ratings(method(name), two(4, 0, 2));
    ASSERT_FALSE(circle.has_value()) << name;
    EXPECT_EQ(circle.error().code, Code::kFailedPrecondition);
    EXPECT_NE(circle.error().message.find("too many ties"), std::string::npos);
    // A circle with more wins than ties bounds them: x beat y and y beat z, z and x tied.
    const BattleTable chain =
        table_of(std::vector<Game>{{"x", "y", kWinA}, {"y", "z", kWinA}, {"z", "x", kTie}});
    EXPECT_TRUE(fit_ratings(method(name), chain).has_value()) << name;
    BattleTable shaded = two(4, 2, 2);
    ASSERT_TRUE(shaded.add("x", "y", 0.75).has_value());
    EXPECT_EQ(fit_ratings(method(name), shaded).error().code, Code::kInvalidArgument) << name;
  }
}

TEST(TieModels, ARidgeBoundsWhatVotesDoNot) {
  // Four wins one way and two ties: the tie parameter is finite where the strengths are.
  for (const char* name : {"davidson", "rao_kupper"}) {
    const BattleTable table = two(4, 0, 2);
    const Ratings ratings =
        fit(name, table, {.settings = {{"ridge", 0.5}}, .covariance = Covariance::kFull});
    EXPECT_GT(beta(ratings, table, "x"), beta(ratings, table, "y")) << name;
    EXPECT_TRUE(std::isfinite(ratings.coefficients.at(0).value)) << name;
    // At the optimum the penalty's slope is what the votes' gradient leaves.
    EXPECT_LT(ratings.report.gradient_norm, 1e-9);
    const auto ties = fit_ratings(method(name), two(0, 0, 3), {.settings = {{"ridge", 0.5}}});
    ASSERT_FALSE(ties.has_value()) << name;
    EXPECT_NE(ties.error().message.find("ties alone"), std::string::npos) << ties.error().message;
  }
}

/// Derivatives of a tie model against differences of its values.
template <typename Link>
void expect_derivatives() {
  constexpr double kStep = 1e-5;
  for (const double delta : {-3.0, -0.4, 0.0, 0.7, 2.5}) {
    for (const double theta : {0.2, 1.1}) {
      const TiePoint here = Link::at(delta, theta);
      const TiePoint right = Link::at(delta + kStep, theta);
      const TiePoint left = Link::at(delta - kStep, theta);
      const TiePoint up = Link::at(delta, theta + kStep);
      const TiePoint down = Link::at(delta, theta - kStep);
      double probability = 0;
      for (size_t o = 0; o < 3; ++o) {
        EXPECT_NEAR(here.d[o], (right.value[o] - left.value[o]) / (2 * kStep), 1e-8);
        EXPECT_NEAR(here.dd[o], (right.d[o] - left.d[o]) / (2 * kStep), 1e-8);
        EXPECT_NEAR(here.t[o], (up.value[o] - down.value[o]) / (2 * kStep), 1e-8);
        EXPECT_NEAR(here.dt[o], (up.d[o] - down.d[o]) / (2 * kStep), 1e-8);
        EXPECT_NEAR(here.tt[o], (up.t[o] - down.t[o]) / (2 * kStep), 1e-7);
        probability += Link::kHasParameter || o != kTiePlace ? std::exp(-here.value[o]) : 0;
      }
      EXPECT_NEAR(probability, 1, 1e-12);
    }
  }
}

TEST(TieModels, DerivativesAgreeWithDifferences) {
  expect_derivatives<HalfWin>();
  expect_derivatives<Davidson>();
  expect_derivatives<RaoKupper>();
}

TEST(TieModels, HoldOutAgainstHugeDifferences) {
  for (const double delta : {-800.0, 800.0}) {
    for (const TiePoint& point :
         {HalfWin::at(delta, 0), Davidson::at(delta, 1.0), RaoKupper::at(delta, 1.0)}) {
      for (size_t o = 0; o < 3; ++o) {
        EXPECT_TRUE(std::isfinite(point.value[o]) && std::isfinite(point.d[o]) &&
                    std::isfinite(point.dd[o]));
      }
    }
  }
}

/// X against Y, `times` over: z = +1, X wins 8 of 10; z = −1, X wins 4 of 10.
BattleTable styled(int times = 1) {
  BattleTable table;
  BattleFeatures features{.names = {"z"}, .values = {}};
  const auto play = [&](double z, int wins, int losses) {
    for (int i = 0; i < wins + losses; ++i) {
      EXPECT_TRUE(table.add("X", "Y", i < wins ? kWinA : kWinB).has_value());
      features.values.push_back(static_cast<float>(z));
    }
  };
  play(1, 8 * times, 2 * times);
  play(-1, 4 * times, 6 * times);
  EXPECT_TRUE(table.set_features(std::move(features)).has_value());
  return table;
}

TEST(Style, SeparatesStrengthFromTheFeature) {
  // z has mean 0 and population standard deviation 1, so γ is that of the sheet.
  const BattleTable table = styled();
  const Ratings ratings = fit("style", table, {.covariance = Covariance::kFull});
  EXPECT_NEAR(beta(ratings, table, "X") - beta(ratings, table, "Y"), 0.490415, 1e-6);
  EXPECT_NEAR(ratings.coefficients.at(0).value, 0.895880, 1e-6);
  EXPECT_EQ(ratings.coefficients.at(0).name, "z");
  // Two groups of ten: γ is half the difference of two logits, each with variance 1/(n·p·q) if the
  // model holds, which it does exactly: p = 0.8 and 0.4.
  const double variance = 0.25 * (1 / (10 * 0.8 * 0.2) + 1 / (10 * 0.4 * 0.6));
  EXPECT_NEAR(*ratings.coefficients.at(0).standard_error, std::sqrt(variance), 1e-7);
  const Ratings without = fit("bradley_terry", table);
  EXPECT_NEAR(beta(without, table, "X") - beta(without, table, "Y"), 0.405465, 1e-6);
}

TEST(Style, WithoutFeaturesIsBradleyTerry) {
  const BattleTable table = sixteen();
  const Ratings plain = fit("bradley_terry", table, {.covariance = Covariance::kFull});
  const Ratings style = fit("style", table, {.covariance = Covariance::kFull});
  EXPECT_EQ(plain.values, style.values);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(plain.covariance(i, i), style.covariance(i, i));
  }
}

TEST(Style, RefusesAConstantFeatureByName) {
  BattleTable table = two(3, 2, 1);
  ASSERT_TRUE(
      table.set_features({.names = {"length"}, .values = std::vector<float>(3, 0.5F)}).has_value());
  const auto ratings = fit_ratings(method("style"), table);
  ASSERT_FALSE(ratings.has_value());
  EXPECT_NE(ratings.error().message.find("\"length\" is 0.5 in every battle"), std::string::npos);
}

TEST(Style, RefusesFeaturesThatHaveNoEffectOfTheirOwn) {
  const BattleTable votes = styled(5);
  // The same feature twice, and one that is +1 for every winner.
  for (const bool twice : {true, false}) {
    BattleTable table = votes.without_battles();
    BattleFeatures features{.names = {"z", "other"}, .values = {}};
    for (size_t i = 0; i < votes.rows(); ++i) {
      ASSERT_TRUE(table.add(votes.row(i)).has_value());
      const float z = votes.features(i)[0];
      features.values.push_back(z);
      features.values.push_back(twice ? 2 * z : (votes.row(i).outcome == kWinA ? 1.0F : -1.0F));
    }
    ASSERT_TRUE(table.set_features(std::move(features)).has_value());
    const auto ratings = fit_ratings(method("style"), table);
    ASSERT_FALSE(ratings.has_value()) << twice;
    EXPECT_NE(ratings.error().message.find("feature ridge"), std::string::npos)
        << ratings.error().message;
    EXPECT_TRUE(
        fit_ratings(method("style"), table, {.settings = {{"feature_ridge", 1}}}).has_value());
  }
}

TEST(Style, BootstrapKnowsTheFeatures) {
  const BattleTable table = styled(20);
  const auto sandwich = make_leaderboard(method("style"), table);
  const auto bootstrap = make_leaderboard(
      method("style"), table,
      {.intervals = IntervalKind::kBootstrap, .bootstrap = {.rounds = 400, .seed = 3}});
  ASSERT_TRUE(sandwich.has_value() && bootstrap.has_value()) << bootstrap.error().message;
  // 400 rounds know a standard error to ±3.5% (one sd).
  EXPECT_NEAR(*bootstrap->rows[0].standard_error / *sandwich->rows[0].standard_error, 1, 0.12);
}

/// Two kinds of battles that disagree: x wins 3 of 4 of a hundred short ones, 1 of 4 of eight long
/// ones.
BattleTable two_kinds() {
  BattleTable table;
  BattleComponents kinds;
  kinds.names.intern("short");
  kinds.names.intern("long");
  kinds.weights = {0.5, 0.5};
  const auto play = [&](int32_t kind, int wins, int losses) {
    for (int i = 0; i < wins + losses; ++i) {
      EXPECT_TRUE(table.add("x", "y", i < wins ? kWinA : kWinB).has_value());
      kinds.ids.push_back(kind);
    }
  };
  play(0, 75, 25);
  play(1, 2, 6);
  EXPECT_TRUE(table.set_components(std::move(kinds)).has_value());
  return table;
}

TEST(Composite, WeighsKindsAndNotBattles) {
  // Shares ¾ and ¼ at equal weight cancel; counted together x would win 77 of 108.
  const BattleTable table = two_kinds();
  const Ratings ratings = fit("composite", table, {.covariance = Covariance::kFull});
  EXPECT_NEAR(ratings.values[0] - ratings.values[1], 0, 1e-6);
  // d = (1, −1): H = Σ ω·p·q = ¼ (+ λ), the scores of a kind have variance ¾·¼ around their mean,
  // G = ¼·(1/100 + 1/8)·3/16; the variance of the difference is G/H².
  const double expected = 0.25 * (1.0 / 100 + 1.0 / 8) * 3 / 16 / (0.25 * 0.25);
  const double found =
      (ratings.covariance(0, 0) + ratings.covariance(1, 1) - 2 * ratings.covariance(0, 1)) /
      (kEloPerLogit * kEloPerLogit);
  EXPECT_NEAR(found / expected, 1, 1e-3);
}

/// The same votes by so many users of short ones and of long ones, in turn; with `mixed` the latter
/// are some of the former.
BattleTable two_kinds_by_users(std::array<int, 2> users, bool mixed) {
  const BattleTable plain = two_kinds();
  BattleTable table = plain.without_battles();
  BattleComponents kinds = plain.components();
  std::array<int, 2> seen{};
  for (size_t i = 0; i < plain.rows(); ++i) {
    Battle battle = plain.row(i);
    const auto kind = static_cast<size_t>(kinds.ids[i]);
    const int user = seen[kind]++ % users[kind];
    battle.cluster =
        table.intern_cluster((mixed ? "u" : std::to_string(kind) + "/") + std::to_string(user));
    EXPECT_TRUE(table.add(battle).has_value());
  }
  EXPECT_TRUE(table.set_components(std::move(kinds)).has_value());
  return table;
}

double difference_variance(const Ratings& ratings) {
  const auto& v = ratings.covariance;
  return (v(0, 0) + v(1, 1) - 2 * v(0, 1)) / (kEloPerLogit * kEloPerLogit);
}

TEST(Composite, ClustersOfOneVoteAreNoClusters) {
  const RatingOptions full{.covariance = Covariance::kFull};
  const double clustered =
      difference_variance(fit("composite", two_kinds_by_users({100, 8}, false), full));
  EXPECT_NEAR(clustered / difference_variance(fit("composite", two_kinds(), full)), 1, 1e-9);
}

TEST(Composite, ScoresOfClustersAreCentredByKind) {
  // Short: 20 users of 5 votes; long: 3 users (or three of the 20). d = (1, −1), H = ¼, and a
  // user's part of G is (Σ over kinds of ½·(wins − n·share)/N)², with the share of the kind: ¾ of
  // 100, ¼ of 8. Uncentred, with the common p = ½, each user would count ¼ of its votes besides.
  for (const bool mixed : {false, true}) {
    const BattleTable table = two_kinds_by_users({20, 3}, mixed);
    std::vector<std::array<double, 2>> wins(table.clusters().size());
    std::vector<std::array<double, 2>> votes(table.clusters().size());
    for (size_t i = 0; i < table.rows(); ++i) {
      const auto user = static_cast<size_t>(table.row(i).cluster);
      const auto kind = static_cast<size_t>(table.components().ids[i]);
      wins[user][kind] += table.row(i).outcome;
      ++votes[user][kind];
    }
    double moment = 0;
    for (size_t user = 0; user < wins.size(); ++user) {
      const double part = 0.5 * (wins[user][0] - 0.75 * votes[user][0]) / 100 +
                          0.5 * (wins[user][1] - 0.25 * votes[user][1]) / 8;
      moment += part * part;
    }
    const Ratings ratings = fit("composite", table, {.covariance = Covariance::kFull});
    EXPECT_NEAR(difference_variance(ratings) / (moment / (0.25 * 0.25)), 1, 1e-3) << mixed;
  }
}

TEST(Composite, ModelsOfLittleWeightAreFittedAsWell) {
  // z meets y alone and only in a kind that weighs next to nothing; its odds are 3 to 1 all the
  // same.
  BattleTable table;
  BattleComponents kinds;
  kinds.names.intern("usual");
  kinds.names.intern("rare");
  kinds.weights = {1, 1e-12};
  for (const auto& [a, b, kind] :
       {std::tuple("x", "y", 0), std::tuple("y", "x", 0), std::tuple("z", "y", 1),
        std::tuple("z", "y", 1), std::tuple("z", "y", 1), std::tuple("y", "z", 1)}) {
    ASSERT_TRUE(table.add(a, b, kWinA).has_value());
    kinds.ids.push_back(kind);
  }
  ASSERT_TRUE(table.set_components(std::move(kinds)).has_value());
  const Ratings ratings = fit("composite", table, {.settings = {{"lambda", 0}}});
  EXPECT_NEAR(beta(ratings, table, "z") - beta(ratings, table, "y"), std::log(3), 1e-8);
  EXPECT_NEAR(beta(ratings, table, "x") - beta(ratings, table, "y"), 0, 1e-8);
}

TEST(Composite, OfOneKindIsBradleyTerry) {
  const BattleTable table = sixteen();
  const Ratings plain = fit("bradley_terry", table);
  // λ = 1e-5 on the mean loss pulls a little.
  const Ratings composite = fit("composite", table);
  const Ratings exact = fit("composite", table, {.settings = {{"lambda", 0}}});
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(composite.values[i], plain.values[i], 0.1);
    EXPECT_NEAR(exact.values[i], plain.values[i], 1e-6);
  }
}

/// A random tournament of `models` models in which everybody meets about `games` others.
BattleTable tournament(int32_t models, int games, uint64_t seed) {
  BattleTable table;
  Rng rng(seed);
  std::vector<double> strength;
  for (int32_t i = 0; i < models; ++i) {
    table.intern_model("m" + std::to_string(i));
    strength.push_back(rng.normal());
  }
  for (int32_t i = 0; i < models; ++i) {
    for (int k = 0; k < games; ++k) {
      const auto j = static_cast<int32_t>(rng.below(static_cast<uint64_t>(models)));
      if (i != j) {
        const double p =
            numeric::sigmoid(strength[static_cast<size_t>(i)] - strength[static_cast<size_t>(j)]);
        EXPECT_TRUE(
            table.add({.a = i, .b = j, .outcome = rng.unit() < p ? kWinA : kWinB}).has_value());
      }
    }
  }
  return table;
}

TEST(SparsePath, AgreesWithTheDenseOne) {
  // 1,300 models take the sparse path; a ridge keeps all strengths finite. The dense answer comes
  // from Newton's method on the same objective written out here.
  const BattleTable table = tournament(1300, 12, 5);
  const auto pairs = pair_totals(table);
  const PairwiseObjective objective({.items = pairs, .models = 1300, .ridge = 0.1});
  ASSERT_GT(objective.dimension(), PairwiseObjective::kMostDenseParameters);
  const auto sparse = fit_bradley_terry(table, {.ridge = 0.1, .covariance = Covariance::kFull});
  ASSERT_TRUE(sparse.has_value()) << sparse.error().message;
  ASSERT_EQ(sparse->variances.size(), 1300U);
  ASSERT_TRUE(sparse->covariance.empty());
  std::vector<double> x;
  for (const double value : sparse->values) {
    x.push_back((value - kEloMean) / kEloPerLogit);
  }
  std::vector<double> gradient(1300);
  objective.evaluate(x, gradient);
  for (const double slope : gradient) {
    EXPECT_NEAR(slope, 0, 1e-6);
  }
  numeric::Matrix hessian(1300, 1300);
  objective.hessian(x, hessian);
  const auto factor = numeric::Cholesky::factor(hessian);
  ASSERT_TRUE(factor.has_value());
  const numeric::Matrix moment = objective.score_moment(x);
  for (const size_t i : {0U, 17U, 640U, 1299U}) {
    std::vector<double> column(1300);
    column[i] = 1;
    factor->solve_(column);
    double variance = 0;
    for (size_t a = 0; a < 1300; ++a) {
      for (size_t b = 0; b < 1300; ++b) {
        variance += column[a] * moment(a, b) * column[b];
      }
    }
    EXPECT_NEAR(sparse->variances[i] / (variance * kEloPerLogit * kEloPerLogit), 1, 1e-5) << i;
  }
}

/// The most threads that this process has while `body` runs.
template <typename Body>
size_t most_threads(Body body) {
  std::atomic<bool> done = false;
  size_t most = 0;
  std::thread watcher([&] {
    while (!done) {
      size_t now = 0;
      for ([[maybe_unused]] const auto& task :
           std::filesystem::directory_iterator("/proc/self/task")) {
        ++now;
      }
      most = std::max(most, now);
    }
  });
  body();
  done = true;
  watcher.join();
  return most;
}

TEST(SparsePath, VariancesTakeAsManyThreadsAsTheyMay) {
  const BattleTable table = tournament(1300, 12, 5);
  std::vector<double> variances;
  const auto most_of = [&](size_t threads) {
    return most_threads([&] {
      const Ratings ratings = fit(
          "bradley_terry", table,
          {.settings = {{"ridge", 0.1}}, .covariance = Covariance::kDiagonal, .threads = threads});
      EXPECT_TRUE(variances.empty() || variances == ratings.variances);
      variances = ratings.variances;
    });
  };
  const size_t one = most_of(1);
  EXPECT_EQ(most_of(4), one + 3);
}

TEST(Bootstrap, EveryRoundConverges) {
  // Rounds that take the short way of a fixed Hessian end where Newton's method ends.
  const BattleTable table = tournament(20, 200, 9);
  const auto full = fit_bradley_terry(table);
  ASSERT_TRUE(full.has_value());
  const auto draws = bootstrap_ratings(method("bradley_terry"), table, {}, {.rounds = 40});
  ASSERT_TRUE(draws.has_value());
  const PairResampler resampler(table, false);
  PairResampler::Block block;
  for (size_t first = 0; first < 32; first += PairResampler::kLanes) {
    resampler.draw(0, first, block);
    for (size_t lane = 0; lane < PairResampler::kLanes; ++lane) {
      const auto pairs = resampler.pairs(block, lane);
      std::vector<double> x;
      for (const double value : draws->row(first + lane)) {
        x.push_back((value - kEloMean) / kEloPerLogit);
      }
      std::vector<double> gradient(20);
      PairwiseObjective({.items = pairs, .models = 20}).evaluate(x, gradient);
      for (const double slope : gradient) {
        EXPECT_NEAR(slope, 0, 1e-6) << "round " << first + lane;
      }
    }
  }
}

TEST(Bootstrap, ThreadsChangeNothing) {
  const BattleTable table = tournament(10, 60, 4);
  const auto one = bootstrap_ratings(method("bradley_terry"), table, {},
                                     {.rounds = 50, .seed = 1, .threads = 1});
  const auto three = bootstrap_ratings(method("bradley_terry"), table, {},
                                       {.rounds = 50, .seed = 1, .threads = 3});
  ASSERT_TRUE(one.has_value() && three.has_value());
  EXPECT_TRUE(std::ranges::equal(one->values(), three->values()));
}

}  // namespace
}  // namespace cupel::rank
