#include "rank/resample.h"

#include <gtest/gtest.h>

#include "rank/bootstrap.h"
#include "rank/methods/registry.h"

namespace cupel::rank {
namespace {

constexpr int64_t kBillion = 1'000'000'000;

/// So many battles won by each side; with `clustered` each side's are one cluster's.
BattleTable counted(int64_t each, bool clustered) {
  BattleTable table;
  const int32_t x = table.intern_model("x");
  const int32_t y = table.intern_model("y");
  for (const double outcome : {kWinA, kWinB}) {
    Battle battle{.a = x, .b = y, .outcome = outcome, .count = each};
    if (clustered) {
      battle.cluster = table.intern_cluster(outcome == kWinA ? "first" : "second");
    }
    EXPECT_TRUE(table.add(battle).has_value());
  }
  return table;
}

TEST(PairResampler, CountsBeyondTheRangeOf32Bits) {
  for (const bool clustered : {false, true}) {
    const PairResampler resampler(counted(5 * kBillion, clustered), clustered);
    PairResampler::Block block;
    resampler.draw(1, 0, block);
    for (size_t lane = 0; lane < PairResampler::kLanes; ++lane) {
      const std::vector<PairTotal> pairs = resampler.pairs(block, lane);
      ASSERT_EQ(pairs.size(), 1U);
      // As many battles as there are; of clusters as many clusters, here of one size.
      EXPECT_EQ(pairs[0].mass, 1e10) << clustered;
      if (clustered) {
        EXPECT_TRUE(pairs[0].won == 0 || pairs[0].won == 5e9 || pairs[0].won == 1e10);
      } else {
        EXPECT_NEAR(pairs[0].won, 5e9, 5 * 5e4);  // a binomial's sd is √(10¹⁰/4)
      }
    }
  }
}

TEST(BootstrapRatings, RefusesToDrawTooManyRows) {
  const auto draws = bootstrap_ratings(**find_rating_method("elo"), counted(5 * kBillion, false),
                                       {}, {.rounds = 2});
  ASSERT_FALSE(draws.has_value());
  EXPECT_EQ(draws.error().code, Code::kInvalidArgument);
  EXPECT_NE(draws.error().message.find("10000000000 battles are too many"), std::string::npos);
}

}  // namespace
}  // namespace cupel::rank
