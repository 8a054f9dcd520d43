#include "rank/rank_classes.h"

#include <gtest/gtest.h>

namespace cupel::rank {
namespace {

TEST(TiedRanks, CountWhoIsShownToBeBetter) {
  // Ratings 3, 2, 1, -9 with every difference above 1.5 shown.
  const std::vector<double> ratings = {3, 2, 1, -9};
  const ShownBetter better = [&](size_t i, size_t j) { return ratings[i] - ratings[j] > 1.5; };
  EXPECT_EQ(tied_ranks(4, better), (std::vector<int64_t>{1, 1, 2, 4}));
}

TEST(RankClasses, DoNotChainOverlapsIntoOneClass) {
  const std::vector<double> ratings = {5, 4, 3, 2, 1};
  const ShownBetter better = [&](size_t i, size_t j) { return ratings[i] - ratings[j] > 1.5; };
  const std::vector<size_t> order = {0, 1, 2, 3, 4};
  // Each neighbour pair overlaps, yet 5 is shown above 3, and 3 above 1.
  EXPECT_EQ(rank_classes(order, better), (std::vector<int64_t>{1, 1, 2, 2, 3}));
}

TEST(RankClasses, NothingShownIsOneClass) {
  const ShownBetter never = [](size_t, size_t) { return false; };
  EXPECT_EQ(tied_ranks(3, never), (std::vector<int64_t>{1, 1, 1}));
  EXPECT_EQ(rank_classes(std::vector<size_t>{2, 0, 1}, never), (std::vector<int64_t>{1, 1, 1}));
}

TEST(BestFirst, SettlesEqualValuesByTheGivenOrder) {
  const std::vector<double> values = {1, 2, 1};
  EXPECT_EQ(best_first(values, std::greater<>()), (std::vector<size_t>{1, 2, 0}));
}

}  // namespace
}  // namespace cupel::rank
