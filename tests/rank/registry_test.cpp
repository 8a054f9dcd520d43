// Every rating method of registry.def must pass this suite; a new entry gets it for free.
#include "rank/methods/registry.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "numeric/logistic.h"
#include "rank/bootstrap.h"

namespace cupel::rank {
namespace {

const std::vector<double> kPlanted = {1.2, 0.6, 0.0, -0.6, -1.2};

/// Battles of all pairs in a shuffled order, a fifth of them ties; model i has the i-th best
/// planted strength.
std::vector<Battle> planted_battles(uint64_t seed, int rounds) {
  std::vector<Battle> battles;
  Rng rng(seed);
  for (int round = 0; round < rounds; ++round) {
    for (int32_t i = 0; i < 5; ++i) {
      for (int32_t j = i + 1; j < 5; ++j) {
        const double p =
            numeric::sigmoid(kPlanted[static_cast<size_t>(i)] - kPlanted[static_cast<size_t>(j)]);
        const double win = rng.unit() < p ? kWinA : kWinB;
        battles.push_back({.a = i, .b = j, .outcome = rng.unit() < 0.2 ? kTie : win});
      }
    }
  }
  for (size_t i = battles.size(); i > 1; --i) {
    std::swap(battles[i - 1], battles[rng.below(i)]);
  }
  return battles;
}

BattleTable table_of(const std::vector<Battle>& battles, const std::vector<std::string>& names) {
  BattleTable table;
  for (const std::string& name : names) {
    table.intern_model(name);
  }
  for (const Battle& battle : battles) {
    EXPECT_TRUE(table.add(battle).has_value());
  }
  return table;
}

const std::vector<std::string> kNames = {"a", "b", "c", "d", "e"};

class RatingRegistry : public ::testing::TestWithParam<RatingMethod> {
 protected:
  static std::vector<double> fit(const BattleTable& table) {
    const auto ratings = fit_ratings(GetParam(), table);
    EXPECT_TRUE(ratings.has_value()) << ratings.error().message;
    return ratings.has_value() ? ratings->values : std::vector<double>(table.model_count());
  }
};

TEST_P(RatingRegistry, DescribesItself) {
  const RatingMethod& method = GetParam();
  EXPECT_FALSE(method.name.empty());
  for (const char c : method.name) {
    EXPECT_TRUE((c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9')) << method.name;
  }
  EXPECT_GE(method.summary.size(), 10U);
  EXPECT_GE(method.source.size(), 8U);
  EXPECT_NE(method.fit, nullptr);
  std::set<std::string_view> names;
  for (const RatingParameter& parameter : method.parameters) {
    EXPECT_TRUE(names.insert(parameter.name).second) << parameter.name;
    EXPECT_FALSE(parameter.summary.empty());
    EXPECT_LE(parameter.low, parameter.value);
    EXPECT_LE(parameter.value, parameter.high);
  }
}

TEST_P(RatingRegistry, RecoversPlantedStrengths) {
  const auto values = fit(table_of(planted_battles(1, 400), kNames));
  for (size_t i = 1; i < values.size(); ++i) {
    EXPECT_GT(values[i - 1], values[i]);
  }
}

TEST_P(RatingRegistry, FollowsAPermutationOfTheModels) {
  const std::vector<int32_t> moved = {3, 0, 4, 1, 2};  // index of each model in the second table
  const auto battles = planted_battles(2, 60);
  auto relabelled = battles;
  for (Battle& battle : relabelled) {
    battle.a = moved[static_cast<size_t>(battle.a)];
    battle.b = moved[static_cast<size_t>(battle.b)];
  }
  const auto x = fit(table_of(battles, kNames));
  const auto y = fit(table_of(relabelled, {"b", "d", "e", "a", "c"}));
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(x[i], y[static_cast<size_t>(moved[i])], 1e-8);
  }
}

TEST_P(RatingRegistry, DoesNotReadNames) {
  const auto battles = planted_battles(3, 60);
  const auto x = fit(table_of(battles, kNames));
  const auto y = fit(table_of(battles, {"zz", "yy", "xx", "ww", "vv"}));
  EXPECT_EQ(x, y);
}

TEST_P(RatingRegistry, SwappingSidesChangesNothing) {
  const auto battles = planted_battles(4, 60);
  auto swapped = battles;
  for (size_t i = 0; i < swapped.size(); i += 2) {
    std::swap(swapped[i].a, swapped[i].b);
    swapped[i].outcome = 1 - swapped[i].outcome;
  }
  const auto x = fit(table_of(battles, kNames));
  const auto y = fit(table_of(swapped, kNames));
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(x[i], y[i], 1e-8);
  }
}

TEST_P(RatingRegistry, OrderMattersOnlyWhereDeclared) {
  const auto battles = planted_battles(5, 60);
  const std::vector<Battle> backwards(battles.rbegin(), battles.rend());
  const auto x = fit(table_of(battles, kNames));
  const auto y = fit(table_of(backwards, kNames));
  double largest = 0;
  for (size_t i = 0; i < 5; ++i) {
    largest = std::max(largest, std::abs(x[i] - y[i]));
  }
  if (GetParam().order_dependent) {
    EXPECT_GT(largest, 1e-6);
  } else {
    EXPECT_LT(largest, 1e-8);
  }
}

TEST_P(RatingRegistry, AllTiesAreEqualOrAnError) {
  auto battles = planted_battles(6, 5);
  for (Battle& battle : battles) {
    battle.outcome = kTie;
  }
  const auto ratings = fit_ratings(GetParam(), table_of(battles, kNames));
  if (!ratings.has_value()) {
    // A tie parameter would be infinite.
    EXPECT_EQ(ratings.error().code, Code::kFailedPrecondition);
    EXPECT_NE(ratings.error().message.find("ties"), std::string::npos);
    return;
  }
  const std::vector<double>& values = ratings->values;
  for (size_t i = 1; i < 5; ++i) {
    EXPECT_NEAR(values[i], values[0], 1e-8);
  }
}

TEST_P(RatingRegistry, RefusesIslands) {
  auto battles = planted_battles(7, 20);
  std::erase_if(battles, [](const Battle& battle) { return (battle.a < 2) != (battle.b < 2); });
  const auto ratings = fit_ratings(GetParam(), table_of(battles, kNames));
  ASSERT_FALSE(ratings.has_value());
  EXPECT_EQ(ratings.error().code, Code::kFailedPrecondition);
  EXPECT_NE(ratings.error().message.find("no battle links \"a\", \"b\" with the other 3 models"),
            std::string::npos)
      << ratings.error().message;
}

TEST_P(RatingRegistry, AWinlessModelIsFiniteOrAnError) {
  auto battles = planted_battles(8, 20);
  for (Battle& battle : battles) {
    if (battle.b == 4) {
      battle.outcome = kWinA;
    }
  }
  const auto ratings = fit_ratings(GetParam(), table_of(battles, kNames));
  EXPECT_EQ(ratings.has_value(), !GetParam().needs_one_group);
  if (!ratings.has_value()) {
    EXPECT_EQ(ratings.error().code, Code::kFailedPrecondition);
    EXPECT_NE(ratings.error().message.find("\"e\""), std::string::npos);
    return;
  }
  EXPECT_TRUE(std::isfinite(ratings->values[4]));
  EXPECT_EQ(std::min_element(ratings->values.begin(), ratings->values.end()),
            ratings->values.begin() + 4);
}

TEST_P(RatingRegistry, RefusesEmptyAndSingleModelTables) {
  BattleTable table;
  EXPECT_EQ(fit_ratings(GetParam(), table).error().code, Code::kInvalidArgument);
  table.intern_model("alone");
  EXPECT_EQ(fit_ratings(GetParam(), table).error().code, Code::kInvalidArgument);
}

TEST_P(RatingRegistry, RefusesUnknownAndOutOfRangeSettings) {
  const auto table = table_of(planted_battles(9, 20), kNames);
  EXPECT_EQ(fit_ratings(GetParam(), table, {.settings = {{"nonsense", 1}}}).error().code,
            Code::kInvalidArgument);
  for (const RatingParameter& parameter : GetParam().parameters) {
    for (const double value : {parameter.low - 1, parameter.high * 2 + 1, std::nan("")}) {
      const auto fit =
          fit_ratings(GetParam(), table, {.settings = {{std::string(parameter.name), value}}});
      ASSERT_FALSE(fit.has_value());
      EXPECT_EQ(fit.error().code, Code::kInvalidArgument);
    }
  }
}

TEST_P(RatingRegistry, GivesACovarianceExactlyWhereDeclared) {
  const auto fit = fit_ratings(GetParam(), table_of(planted_battles(10, 40), kNames),
                               {.covariance = Covariance::kFull});
  ASSERT_TRUE(fit.has_value());
  EXPECT_EQ(!fit->covariance.empty(), GetParam().has_covariance);
}

/// Standard errors of the ratings; empty where the method has none.
std::vector<double> errors_of(const Ratings& ratings) {
  std::vector<double> errors;
  for (size_t i = 0; i < ratings.covariance.rows(); ++i) {
    errors.push_back(std::sqrt(ratings.covariance(i, i)));
  }
  return errors;
}

// Twice the same evidence: the same ratings (counts twice as high), intervals narrower by √2. Twice
// the weight on the same votes is no more evidence.
TEST_P(RatingRegistry, MoreOfTheSameVotesKeepsRatingsAndShrinksIntervals) {
  if (GetParam().order_dependent) {
    return;  // late votes weigh more, so a second round is news
  }
  const auto battles = planted_battles(12, 60);
  auto doubled = battles;
  auto heavy = battles;
  for (size_t i = 0; i < battles.size(); ++i) {
    doubled[i].count = 2;
    heavy[i].weight = 2;
  }
  const RatingOptions options{.covariance = GetParam().has_covariance ? Covariance::kFull
                                                                      : Covariance::kNone};
  const auto x = fit_ratings(GetParam(), table_of(battles, kNames), options);
  const auto y = fit_ratings(GetParam(), table_of(doubled, kNames), options);
  const auto z = fit_ratings(GetParam(), table_of(heavy, kNames), options);
  ASSERT_TRUE(x.has_value() && y.has_value() && z.has_value());
  if (!x->tuned.empty()) {
    return;  // what is chosen by held-out votes may change with them
  }
  const bool counts = GetParam().scale == RatingScale::kShare;
  const double factor = counts ? y->values[0] / x->values[0] : 1;
  EXPECT_TRUE(factor == 2 || std::abs(factor - 1) < 1e-12) << factor;
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(y->values[i], factor * x->values[i], 1e-6);
    EXPECT_NEAR(z->values[i], factor * x->values[i], 1e-6);
  }
  const auto ex = errors_of(*x);
  const auto ey = errors_of(*y);
  const auto ez = errors_of(*z);
  for (size_t i = 0; i < ex.size(); ++i) {
    EXPECT_NEAR(ey[i], ex[i] / std::sqrt(2), 1e-6);
    EXPECT_NEAR(ez[i], ex[i], 1e-6);
  }
}

TEST_P(RatingRegistry, SameSeedGivesTheSameBits) {
  const auto table = table_of(planted_battles(11, 40), kNames);
  const BootstrapOptions options{.rounds = 20, .seed = 42};
  const auto x = bootstrap_ratings(GetParam(), table, {}, options);
  const auto y = bootstrap_ratings(GetParam(), table, {}, options);
  const auto other = bootstrap_ratings(GetParam(), table, {}, {.rounds = 20, .seed = 43});
  ASSERT_TRUE(x.has_value() && y.has_value() && other.has_value());
  EXPECT_TRUE(std::ranges::equal(x->values(), y->values()));
  EXPECT_FALSE(std::ranges::equal(x->values(), other->values()));
}

INSTANTIATE_TEST_SUITE_P(Methods,
                         RatingRegistry,
                         ::testing::ValuesIn(rating_methods().begin(), rating_methods().end()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(RatingMethods, AreSortedAndDistinct) {
  const auto methods = rating_methods();
  ASSERT_GE(methods.size(), 2U);
  for (size_t i = 1; i < methods.size(); ++i) {
    EXPECT_LT(methods[i - 1].name, methods[i].name);
  }
}

TEST(FindRatingMethod, TakesDashesAndHintsAtTypingErrors) {
  ASSERT_TRUE(find_rating_method("bradley-terry").has_value());
  EXPECT_EQ((*find_rating_method("bradley_terry"))->name, "bradley_terry");
  const auto missing = find_rating_method("bradly-terry");
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().message.find("did you mean \"bradley_terry\""), std::string::npos);
  EXPECT_NE(missing.error().message.find("elo"), std::string::npos);
}

}  // namespace
}  // namespace cupel::rank
