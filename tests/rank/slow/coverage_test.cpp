// Coverage by simulation. Seeds are fixed; the bands are stated beside the numbers.
#include <cmath>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "numeric/logistic.h"
#include "numeric/statistics.h"
#include "rank/bootstrap.h"
#include "rank/leaderboard.h"
#include "rank/methods/registry.h"
#include "rank/score_statistics.h"
#include "rank/simultaneous.h"

namespace cupel::rank {
namespace {

constexpr uint64_t kBoards = 2000;  // one sd of a coverage of 95 % is 0.5 points
const std::vector<double> kBeta = {0.9, 0.5, 0.1, -0.2, -0.5, -0.8};
const std::vector<double> kTied = {0.4, 0.4, 0.4, -0.1, -0.1, -1.0};

/// How users vote: `votes` times on one pair; each vote after the first repeats it with that
/// probability, else it is drawn anew. So every vote follows the model, and votes of a user depend
/// on each other.
struct Users {
  int votes = 1;
  double repeat = 0;
};

/// 1,500 votes on random pairs of six models, drawn from Bradley-Terry itself.
BattleTable random_board(uint64_t seed,
                         const std::vector<double>& beta = kBeta,
                         const Users& users = {}) {
  BattleTable table;
  for (size_t i = 0; i < beta.size(); ++i) {
    table.intern_model("m" + std::to_string(i));
  }
  Rng rng(20240607, seed);
  for (int user = 0; user < 1500 / users.votes; ++user) {
    const size_t i = rng.below(6);
    const size_t j = (i + 1 + rng.below(5)) % 6;
    Battle battle{.a = static_cast<int32_t>(i), .b = static_cast<int32_t>(j)};
    if (users.votes > 1) {
      battle.cluster = table.intern_cluster("u" + std::to_string(user));
    }
    for (int vote = 0; vote < users.votes; ++vote) {
      if (vote == 0 || rng.unit() >= users.repeat) {
        battle.outcome = rng.unit() < numeric::sigmoid(beta[i] - beta[j]) ? kWinA : kWinB;
      }
      EXPECT_TRUE(table.add(battle).has_value());
    }
  }
  return table;
}

/// So many users vote 100 times each on random pairs (where `uneven`, an exponential number with
/// that mean), and their votes hang together: each has a taste for every model, and a vote's latent
/// normal is √½ of the difference of two tastes and √½ of its own noise. Every vote by itself
/// follows Bradley-Terry.
BattleTable few_users_board(uint64_t seed, int users, bool uneven) {
  BattleTable table;
  for (size_t i = 0; i < kBeta.size(); ++i) {
    table.intern_model("m" + std::to_string(i));
  }
  Rng rng(777, seed);
  for (int user = 0; user < users; ++user) {
    std::vector<double> taste(kBeta.size());
    for (double& value : taste) {
      value = rng.normal();
    }
    const int votes = uneven ? 1 - static_cast<int>(100 * std::log(1 - rng.unit())) : 100;
    for (int vote = 0; vote < votes; ++vote) {
      const size_t i = rng.below(6);
      const size_t j = (i + 1 + rng.below(5)) % 6;
      const double latent =
          std::sqrt(0.5) * ((taste[i] - taste[j]) / std::sqrt(2.0) + rng.normal());
      const bool wins = numeric::normal_cdf(latent) > numeric::sigmoid(kBeta[j] - kBeta[i]);
      EXPECT_TRUE(table
                      .add({.a = static_cast<int32_t>(i),
                            .b = static_cast<int32_t>(j),
                            .outcome = wins ? kWinA : kWinB,
                            .cluster = table.intern_cluster(std::to_string(user))})
                      .has_value());
    }
  }
  return table;
}

/// The planted ratings on the board's scale, by model index.
std::vector<double> planted(const std::vector<double>& beta) {
  std::vector<double> values;
  for (const double b : beta) {
    values.push_back(kEloPerLogit * b);
  }
  center_(values, kEloMean);
  return values;
}

struct Coverage {
  int64_t ratings = 0;
  int64_t rating_cases = 0;
  int64_t whole = 0;      // boards on which every interval covers
  int64_t shadows = 0;    // boards on which every shadow of the ellipsoid covers
  int64_t ellipsoid = 0;  // boards whose ellipsoid holds the vector
  int64_t misranked = 0;  // boards on which somebody stands above an equal or a better one
  [[nodiscard]] double each() const {
    return static_cast<double>(ratings) / static_cast<double>(rating_cases);
  }
  static double share(int64_t boards) {
    return static_cast<double>(boards) / static_cast<double>(kBoards);
  }
};

bool holds(const numeric::Interval& interval, double truth) {
  return interval.low <= truth && truth <= interval.high;
}

void count(const Leaderboard& board, const std::vector<double>& truth, Coverage& coverage) {
  bool whole = true;
  bool shadows = true;
  bool misranked = false;
  for (const LeaderboardRow& row : board.rows) {
    const bool covered = holds(*row.interval, truth[row.index]);
    coverage.ratings += covered ? 1 : 0;
    ++coverage.rating_cases;
    whole = whole && covered;
    shadows = shadows && row.ellipsoid_interval && holds(*row.ellipsoid_interval, truth[row.index]);
    // A rank says that so many models at least are better.
    int64_t better = 0;
    for (const double other : truth) {
      better += other > truth[row.index] + 1e-9 ? 1 : 0;
    }
    misranked = misranked || row.rank > 1 + better;
  }
  coverage.whole += whole ? 1 : 0;
  coverage.shadows += shadows ? 1 : 0;
  coverage.misranked += misranked ? 1 : 0;
}

Coverage simulate(const LeaderboardOptions& options,
                  const std::vector<double>& beta = kBeta,
                  const Users& users = {}) {
  const RatingMethod& method = **find_rating_method("bradley_terry");
  const std::vector<double> truth = planted(beta);
  Coverage coverage;
  for (uint64_t seed = 0; seed < kBoards; ++seed) {
    LeaderboardOptions seeded = options;
    seeded.bootstrap.seed = seed;
    const BattleTable table = random_board(seed, beta, users);
    const auto board = make_leaderboard(method, table, seeded);
    if (!board.has_value()) {
      ADD_FAILURE() << board.error().message;
      return coverage;
    }
    count(*board, truth, coverage);
    if (!board->ratings.covariance.empty()) {
      const auto distance =
          squared_distance(board->ratings.values, truth, board->ratings.covariance);
      EXPECT_TRUE(distance.has_value());
      coverage.ellipsoid += *distance <= numeric::chi_square_quantile(0.95, 5) ? 1 : 0;
    }
  }
  return coverage;
}

TEST(BradleyTerryCoverage, SandwichCoversEachRating) {
  const Coverage coverage = simulate({.intervals = IntervalKind::kSandwich});
  EXPECT_NEAR(coverage.each(), 0.95, 0.015);
}

TEST(BradleyTerryCoverage, BootstrapCoversEachRating) {
  const Coverage coverage =
      simulate({.intervals = IntervalKind::kBootstrap, .bootstrap = {.rounds = 400}});
  EXPECT_NEAR(coverage.each(), 0.95, 0.015);
}

TEST(BradleyTerryCoverage, SimultaneousSetsCoverTheWholeVector) {
  const Coverage coverage = simulate({.intervals = IntervalKind::kSimultaneous});
  EXPECT_NEAR(Coverage::share(coverage.whole), 0.95, 0.015);
  EXPECT_NEAR(Coverage::share(coverage.ellipsoid), 0.95, 0.015);
  // The boxes around the ellipsoid are wider than they need to be.
  EXPECT_GT(Coverage::share(coverage.shadows), 0.975);
}

TEST(BradleyTerryCoverage, ClustersCoverWhereSingleVotesDoNot) {
  const Users users{.votes = 5, .repeat = 0.6};
  const Coverage sandwich = simulate({.intervals = IntervalKind::kSimultaneous}, kBeta, users);
  EXPECT_NEAR(Coverage::share(sandwich.whole), 0.95, 0.015);
  EXPECT_NEAR(Coverage::share(sandwich.ellipsoid), 0.95, 0.015);
  const Coverage each = simulate({.intervals = IntervalKind::kSandwich}, kBeta, users);
  EXPECT_NEAR(each.each(), 0.95, 0.015);
  const Coverage bootstrap =
      simulate({.intervals = IntervalKind::kBootstrap, .bootstrap = {.rounds = 400}}, kBeta, users);
  EXPECT_NEAR(bootstrap.each(), 0.95, 0.015);
  // The same votes as if they were independent.
  const Coverage naive = simulate(
      {.intervals = IntervalKind::kSimultaneous, .rating = {.clustered = false}}, kBeta, users);
  EXPECT_LT(Coverage::share(naive.whole), 0.80);
}

/// Shares of intervals that cover, as they are and as they would be for a large sample.
struct FewClusters {
  double each = 0;
  double large_sample = 0;
};

FewClusters simulate_few(int users, bool uneven, int boards) {
  const RatingMethod& method = **find_rating_method("bradley_terry");
  const std::vector<double> truth = planted(kBeta);
  FewClusters covered;
  for (int seed = 0; seed < boards; ++seed) {
    const BattleTable table = few_users_board(static_cast<uint64_t>(seed), users, uneven);
    const auto board = make_leaderboard(method, table);
    EXPECT_TRUE(board.has_value());
    for (const LeaderboardRow& row : board->rows) {
      const double gap = std::abs(row.rating - truth[row.index]);
      const double error = std::sqrt(board->ratings.covariance(row.index, row.index));
      covered.each += holds(*row.interval, truth[row.index]) ? 1 : 0;
      covered.large_sample += gap <= numeric::normal_z(0.95) * error ? 1 : 0;
    }
  }
  covered.each /= 6.0 * boards;
  covered.large_sample /= 6.0 * boards;
  return covered;
}

TEST(BradleyTerryCoverage, FewClustersCoverAsManyDo) {
  // 500 boards of six ratings, two of which say nearly all: one sd is about 0.7 points.
  struct Case {
    int users;
    bool uneven;
    double large_sample;  // at most, without the correction
  };
  for (const Case& c : {Case{6, false, 0.89}, Case{10, false, 0.92}, Case{20, false, 0.94},
                        Case{40, false, 0.955}, Case{10, true, 0.87}, Case{40, true, 0.93}}) {
    const FewClusters covered = simulate_few(c.users, c.uneven, 500);
    EXPECT_NEAR(covered.each, 0.95, 0.025) << c.users << c.uneven;
    EXPECT_LT(covered.large_sample, c.large_sample) << c.users << c.uneven;
  }
}

TEST(BradleyTerryCoverage, RanksAreWrongInAtMostOneBoardOfTwenty) {
  const Coverage tied = simulate({.intervals = IntervalKind::kSandwich}, kTied);
  EXPECT_LE(Coverage::share(tied.misranked), 0.05);
  // Nobody better than anybody: the hardest case, which the critical value is made for.
  const Coverage equal =
      simulate({.intervals = IntervalKind::kSandwich}, std::vector<double>(6, 0.0));
  EXPECT_NEAR(Coverage::share(equal.misranked), 0.05, 0.015);
  const Coverage bootstrap =
      simulate({.intervals = IntervalKind::kBootstrap, .bootstrap = {.rounds = 400}}, kTied);
  EXPECT_LE(Coverage::share(bootstrap.misranked), 0.05);
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
