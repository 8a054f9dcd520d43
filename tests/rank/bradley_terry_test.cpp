#include "rank/methods/bradley_terry.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "numeric/logistic.h"
#include "rank/leaderboard.h"
#include "rank/methods/registry.h"
#include "rank/pairwise_objective.h"

namespace cupel::rank {
namespace {

BattleTable two_players(int64_t wins, int64_t losses, int64_t ties) {
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

/// `rounds` battles of each pair with probabilities of the model itself, no ties.
BattleTable simulated(std::span<const double> beta, int rounds, uint64_t seed) {
  BattleTable table;
  for (size_t i = 0; i < beta.size(); ++i) {
    table.intern_model("m" + std::to_string(i));
  }
  Rng rng(seed);
  for (size_t i = 0; i < beta.size(); ++i) {
    for (size_t j = i + 1; j < beta.size(); ++j) {
      for (int k = 0; k < rounds; ++k) {
        const double outcome = rng.unit() < numeric::sigmoid(beta[i] - beta[j]) ? kWinA : kWinB;
        EXPECT_TRUE(table
                        .add({.a = static_cast<int32_t>(i),
                              .b = static_cast<int32_t>(j),
                              .outcome = outcome})
                        .has_value());
      }
    }
  }
  return table;
}

/// A copy with each row changed.
template <typename Change>
BattleTable mapped(const BattleTable& table, Change change) {
  BattleTable copy = table.without_battles();
  for (size_t i = 0; i < table.rows(); ++i) {
    EXPECT_TRUE(copy.add(change(table.row(i))).has_value());
  }
  return copy;
}

const std::vector<double> kBeta = {1.0, 0.2, -0.3, -0.9};

TEST(FitBradleyTerry, TwoPlayersAreALogit) {
  // 6 wins, 3 losses, 3 ties: δ = logit(7.5/12) = 0.510826 (rank-statistics sheet).
  const auto fit = fit_bradley_terry(two_players(6, 3, 3));
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  EXPECT_NEAR((fit->values[0] - fit->values[1]) / kEloPerLogit, 0.510826, 1e-6);
  EXPECT_NEAR(fit->values[0] + fit->values[1], 2000, 1e-9);
  // H = 12·p·q, G = 6·(1 − p)² + 3·p² + 3·(½ − p)² along d; the difference has variance G/H².
  const double p = 7.5 / 12;
  const double g = 6 * (1 - p) * (1 - p) + 3 * p * p + 3 * (0.5 - p) * (0.5 - p);
  const auto difference = rating_difference(*fit, two_players(6, 3, 3), "x", "y");
  ASSERT_TRUE(difference.has_value());
  EXPECT_NEAR(difference->standard_error, kEloPerLogit * std::sqrt(g) / (12 * p * (1 - p)), 1e-7);
}

TEST(FitBradleyTerry, RidgeHasItsClosedForm) {
  // One winner of n battles, β = ±b: the gradient of n·ln(1 + e^−2b) + ridge·b² vanishes at
  // n·σ(−2b) = ridge·b.
  const auto fit = fit_bradley_terry(two_players(10, 0, 0), {.ridge = 0.5});
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  const double b = (fit->values[0] - fit->values[1]) / (2 * kEloPerLogit);
  EXPECT_GT(b, 0);
  EXPECT_NEAR(10 * numeric::sigmoid(-2 * b), 0.5 * b, 1e-8);
  EXPECT_NEAR(fit->values[0] + fit->values[1], 2000, 1e-9);
}

TEST(FitBradleyTerry, WinlessModelNeedsARidge) {
  BattleTable table = two_players(6, 3, 3);
  ASSERT_TRUE(table.add("x", "zero", kWinA).has_value());
  ASSERT_TRUE(table.add("zero", "y", kWinB).has_value());
  const auto plain = fit_bradley_terry(table);
  ASSERT_FALSE(plain.has_value());
  EXPECT_EQ(plain.error().code, Code::kFailedPrecondition);
  EXPECT_NE(plain.error().message.find("\"zero\" never beat or tied"), std::string::npos);
  const auto ridge = fit_bradley_terry(table, {.ridge = 0.01});
  ASSERT_TRUE(ridge.has_value()) << ridge.error().message;
  EXPECT_LT(ridge->values[2], ridge->values[1]);
  EXPECT_TRUE(std::isfinite(ridge->values[2]));
  EXPECT_GT(ridge->covariance(2, 2), 0);
}

TEST(FitBradleyTerry, IslandsFailEvenWithARidge) {
  BattleTable table = two_players(2, 2, 0);
  ASSERT_TRUE(table.add("p", "q", kTie).has_value());
  for (const double ridge : {0.0, 1.0}) {
    const auto fit = fit_bradley_terry(table, {.ridge = ridge});
    ASSERT_FALSE(fit.has_value());
    EXPECT_EQ(fit.error().code, Code::kFailedPrecondition);
    EXPECT_NE(fit.error().message.find("no battle links"), std::string::npos);
  }
}

TEST(FitBradleyTerry, RefusesNonsense) {
  EXPECT_EQ(fit_bradley_terry(BattleTable()).error().code, Code::kInvalidArgument);
  EXPECT_EQ(fit_bradley_terry(two_players(1, 1, 0), {.ridge = -1}).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(fit_bradley_terry(two_players(1, 1, 0), {.ridge = NAN}).error().code,
            Code::kInvalidArgument);
}

TEST(FitBradleyTerry, AllTiesAreEqual) {
  const auto fit = fit_bradley_terry(two_players(0, 0, 7));
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  EXPECT_NEAR(fit->values[0], 1000, 1e-9);
  EXPECT_NEAR(fit->values[1], 1000, 1e-9);
}

TEST(FitBradleyTerry, SwappingSidesChangesNothing) {
  const BattleTable table = simulated(kBeta, 25, 11);
  const BattleTable swapped = mapped(table, [](Battle battle) {
    std::swap(battle.a, battle.b);
    battle.outcome = 1 - battle.outcome;
    return battle;
  });
  const auto x = fit_bradley_terry(table);
  const auto y = fit_bradley_terry(swapped);
  ASSERT_TRUE(x.has_value() && y.has_value());
  for (size_t i = 0; i < kBeta.size(); ++i) {
    EXPECT_NEAR(x->values[i], y->values[i], 1e-9);
    EXPECT_NEAR(x->covariance(i, i), y->covariance(i, i), 1e-9);
  }
}

TEST(FitBradleyTerry, ReversingOutcomesFlipsSigns) {
  const BattleTable table = simulated(kBeta, 25, 11);
  const BattleTable reversed = mapped(table, [](Battle battle) {
    battle.outcome = 1 - battle.outcome;
    return battle;
  });
  const auto x = fit_bradley_terry(table);
  const auto y = fit_bradley_terry(reversed);
  ASSERT_TRUE(x.has_value() && y.has_value());
  for (size_t i = 0; i < kBeta.size(); ++i) {
    EXPECT_NEAR(x->values[i] - 1000, 1000 - y->values[i], 1e-8);
  }
}

TEST(FitBradleyTerry, DoublingCountsHalvesTheCovariance) {
  const BattleTable table = simulated(kBeta, 25, 3);
  const auto x = fit_bradley_terry(table);
  const auto y = fit_bradley_terry(mapped(table, [](Battle battle) {
    battle.count = 2;
    return battle;
  }));
  ASSERT_TRUE(x.has_value() && y.has_value());
  for (size_t i = 0; i < kBeta.size(); ++i) {
    EXPECT_NEAR(x->values[i], y->values[i], 1e-8);
    EXPECT_NEAR(x->covariance(i, i) / y->covariance(i, i), 2, 1e-8);
  }
}

TEST(FitBradleyTerry, DoublingWeightsChangesNothing) {
  const BattleTable table = simulated(kBeta, 25, 3);
  const auto x = fit_bradley_terry(table);
  const auto y = fit_bradley_terry(mapped(table, [](Battle battle) {
    battle.weight = 2;
    return battle;
  }));
  ASSERT_TRUE(x.has_value() && y.has_value());
  for (size_t i = 0; i < kBeta.size(); ++i) {
    EXPECT_NEAR(x->values[i], y->values[i], 1e-8);
    EXPECT_NEAR(x->covariance(i, i) / y->covariance(i, i), 1, 1e-8);
  }
}

TEST(FitBradleyTerry, AClusterOfCopiesCountsOnce) {
  // Every battle copied three times inside its own cluster: the clustered covariance is that of the
  // single copies, the plain one a third of it.
  const BattleTable single = simulated(kBeta, 20, 8);
  BattleTable copies = single.without_battles();
  for (size_t i = 0; i < single.rows(); ++i) {
    Battle battle = single.row(i);
    battle.cluster = copies.intern_cluster("c" + std::to_string(i));
    battle.count = 3;
    ASSERT_TRUE(copies.add(battle).has_value());
  }
  const auto once = fit_bradley_terry(single);
  const auto clustered = fit_bradley_terry(copies);
  const auto naive = fit_bradley_terry(copies, {.clustered = false});
  ASSERT_TRUE(once.has_value() && clustered.has_value() && naive.has_value());
  EXPECT_NEAR(clustered->covariance(0, 0) / once->covariance(0, 0), 1, 1e-8);
  EXPECT_NEAR(naive->covariance(0, 0) / once->covariance(0, 0), 1.0 / 3, 1e-8);
}

TEST(FitBradleyTerry, SingletonClustersEqualNoClusters) {
  const BattleTable single = simulated(kBeta, 20, 8);
  BattleTable clusters = single.without_battles();
  for (size_t i = 0; i < single.rows(); ++i) {
    Battle battle = single.row(i);
    battle.cluster = clusters.intern_cluster(std::to_string(i));
    ASSERT_TRUE(clusters.add(battle).has_value());
  }
  const auto x = fit_bradley_terry(single);
  const auto y = fit_bradley_terry(clusters);
  ASSERT_TRUE(x.has_value() && y.has_value());
  for (size_t i = 0; i < kBeta.size(); ++i) {
    for (size_t j = 0; j < kBeta.size(); ++j) {
      EXPECT_NEAR(x->covariance(i, j), y->covariance(i, j), 1e-8);
    }
  }
}

TEST(FitBradleyTerry, SandwichApproachesInverseFisher) {
  // Sheet, Done means 3: ratio in [0.9, 1.1] for 20,000 battles drawn from the model, no ties.
  const BattleTable table = simulated(kBeta, 3334, 17);
  const auto fit = fit_bradley_terry(table);
  ASSERT_TRUE(fit.has_value());
  std::vector<double> beta;
  for (const double value : fit->values) {
    beta.push_back((value - 1000) / kEloPerLogit);
  }
  const auto pairs = pair_totals(table);
  const PairwiseObjective objective({.items = pairs, .models = beta.size()});
  numeric::Matrix hessian(beta.size(), beta.size());
  objective.hessian(beta, hessian);
  const auto factor = numeric::Cholesky::factor(hessian);
  ASSERT_TRUE(factor.has_value());
  const numeric::Matrix inverse = factor->inverse();
  for (size_t i = 0; i < beta.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const double fisher = inverse(i, i) + inverse(j, j) - 2 * inverse(i, j);
      const double sandwich =
          (fit->covariance(i, i) + fit->covariance(j, j) - 2 * fit->covariance(i, j)) /
          (kEloPerLogit * kEloPerLogit);
      EXPECT_NEAR(sandwich / fisher, 1, 0.1);
    }
  }
}

TEST(FitBradleyTerry, ReproducesTheWorkedExampleOfTheSheet) {
  // 22 games A-B 2:3, A-D 1:4, B-C 5:3, C-D 1:3; strengths with geometric mean 1.
  BattleTable table;
  const auto play = [&](const char* a, const char* b, int wins, int losses) {
    for (int i = 0; i < wins + losses; ++i) {
      ASSERT_TRUE(table.add(a, b, i < wins ? kWinA : kWinB).has_value());
    }
  };
  play("A", "B", 2, 3);
  play("A", "D", 1, 4);
  play("B", "C", 5, 3);
  play("C", "D", 1, 3);
  const auto fit = fit_bradley_terry(table);
  ASSERT_TRUE(fit.has_value());
  const auto strength = [&](const char* name) {
    return std::exp((fit->values[static_cast<size_t>(*table.models().find(name))] - 1000) /
                    kEloPerLogit);
  };
  EXPECT_NEAR(strength("A"), 0.6398, 5e-5);
  EXPECT_NEAR(strength("B"), 1.0433, 5e-5);
  EXPECT_NEAR(strength("C"), 0.6598, 5e-5);
  EXPECT_NEAR(strength("D"), 2.2704, 5e-5);
}

TEST(FitBradleyTerry, AStartChangesTheWayAndNotTheEnd) {
  const BattleTable table = simulated(kBeta, 40, 2);
  const auto cold = fit_bradley_terry(table);
  ASSERT_TRUE(cold.has_value());
  const auto warm =
      fit_ratings(**find_rating_method("bradley_terry"), table, {.resample_of = &*cold});
  ASSERT_TRUE(warm.has_value());
  EXPECT_EQ(warm->report.iterations, 0);
  EXPECT_LE(cold->report.iterations, 8);
  for (size_t i = 0; i < kBeta.size(); ++i) {
    EXPECT_NEAR(cold->values[i], warm->values[i], 1e-9);
  }
}

TEST(FitBradleyTerry, ManyModelsUseTheSparsePairTable) {
  BattleTable table;
  constexpr int kModels = 2100;
  for (int i = 0; i < kModels; ++i) {
    table.intern_model(std::to_string(i));
  }
  for (int i = 0; i < kModels; ++i) {
    ASSERT_TRUE(table.add({.a = i, .b = (i + 1) % kModels, .outcome = kTie}).has_value());
  }
  EXPECT_EQ(pair_totals(table).size(), static_cast<size_t>(kModels));
}

}  // namespace
}  // namespace cupel::rank
