// Coverage by simulation. Seeds are fixed; bands are the sheet's (300 boards) or stated beside the
// number.
#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "numeric/logistic.h"
#include "rank/bootstrap.h"
#include "rank/leaderboard.h"
#include "rank/methods/registry.h"
#include "rank/score_statistics.h"

namespace cupel::rank {
namespace {

const std::vector<double> kBeta = {0.9, 0.5, 0.1, -0.2, -0.5, -0.8};

/// 1,500 battles of random pairs of six models, drawn from Bradley-Terry itself.
BattleTable random_board(uint64_t seed) {
  BattleTable table;
  for (size_t i = 0; i < kBeta.size(); ++i) {
    table.intern_model("m" + std::to_string(i));
  }
  Rng rng(20240607, seed);
  for (int n = 0; n < 1500; ++n) {
    const size_t i = rng.below(6);
    const size_t j = (i + 1 + rng.below(5)) % 6;
    const bool win = rng.unit() < numeric::sigmoid(kBeta[i] - kBeta[j]);
    EXPECT_TRUE(table
                    .add({.a = static_cast<int32_t>(i),
                          .b = static_cast<int32_t>(j),
                          .outcome = win ? kWinA : kWinB})
                    .has_value());
  }
  return table;
}

TEST(BradleyTerryCoverage, SandwichCoversPairDifferences) {
  const RatingMethod& method = **find_rating_method("bradley_terry");
  int covered = 0;
  int total = 0;
  for (uint64_t board = 0; board < 300; ++board) {
    const auto table = random_board(board);
    const auto fit = fit_ratings(method, table, {.covariance = true});
    ASSERT_TRUE(fit.has_value());
    for (size_t i = 0; i < 6; ++i) {
      for (size_t j = 0; j < i; ++j) {
        const auto d = rating_difference(*fit, table, table.models().name(static_cast<int32_t>(i)),
                                         table.models().name(static_cast<int32_t>(j)));
        const double truth = kEloPerLogit * (kBeta[i] - kBeta[j]);
        covered += std::abs(d->difference - truth) <= 1.959964 * d->standard_error ? 1 : 0;
        ++total;
      }
    }
  }
  const double share = static_cast<double>(covered) / total;
  RecordProperty("coverage", std::to_string(share));
  EXPECT_GE(share, 0.92);
  EXPECT_LE(share, 0.98);
}

TEST(BradleyTerryCoverage, BootstrapCoversPairDifferences) {
  const RatingMethod& method = **find_rating_method("bradley_terry");
  int covered = 0;
  int total = 0;
  std::vector<double> difference(200);
  for (uint64_t board = 0; board < 300; ++board) {
    const auto draws =
        bootstrap_ratings(method, random_board(board), {}, {.rounds = 200, .seed = board});
    ASSERT_TRUE(draws.has_value()) << draws.error().message;
    for (size_t i = 0; i < 6; ++i) {
      for (size_t j = 0; j < i; ++j) {
        for (size_t round = 0; round < 200; ++round) {
          difference[round] = (*draws)(round, i) - (*draws)(round, j);
        }
        const auto interval = numeric::percentile_interval_(difference, 0.95);
        const double truth = kEloPerLogit * (kBeta[i] - kBeta[j]);
        covered += truth >= interval.low && truth <= interval.high ? 1 : 0;
        ++total;
      }
    }
  }
  const double share = static_cast<double>(covered) / total;
  RecordProperty("coverage", std::to_string(share));
  EXPECT_GE(share, 0.92);
  EXPECT_LE(share, 0.98);
}

TEST(ScoreCoverage, QuestionClustersCoverWhereItemsDoNot) {
  // 40 questions of four items that share most of their noise; true difference 0.3.
  int clustered = 0;
  int naive = 0;
  constexpr int kTables = 300;
  for (int t = 0; t < kTables; ++t) {
    Rng rng(99, static_cast<uint64_t>(t));
    ScoreTable by_question;
    ScoreTable by_item;
    for (int q = 0; q < 40; ++q) {
      const double shared = rng.normal();
      for (int64_t item = 0; item < 4; ++item) {
        const double difference = 0.3 + shared + 0.3 * rng.normal();
        const std::string question = std::to_string(q);
        const std::string unit = question + "/" + std::to_string(item);
        ASSERT_TRUE(by_question.add("a", question, item, difference).has_value());
        ASSERT_TRUE(by_question.add("b", question, item, 0).has_value());
        ASSERT_TRUE(by_item.add("a", unit, 0, difference).has_value());
        ASSERT_TRUE(by_item.add("b", unit, 0, 0).has_value());
      }
    }
    const ScoreOptions options{.rounds = 400, .seed = static_cast<uint64_t>(t)};
    const auto x = paired_difference(by_question, "a", "b", options);
    const auto y = paired_difference(by_item, "a", "b", options);
    ASSERT_TRUE(x.has_value() && y.has_value());
    clustered += x->interval->low <= 0.3 && x->interval->high >= 0.3 ? 1 : 0;
    naive += y->interval->low <= 0.3 && y->interval->high >= 0.3 ? 1 : 0;
  }
  // 300 tables at 95%: one sd is 1.3 points; a percentile bootstrap of 40 clusters runs about 1
  // point low.
  EXPECT_GE(clustered, 0.90 * kTables);
  EXPECT_LE(naive, 0.80 * kTables);
}

}  // namespace
}  // namespace cupel::rank
