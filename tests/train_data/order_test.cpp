#include "train/data/order.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

namespace cupel::train {
namespace {

std::vector<int64_t> sorted(std::vector<int64_t> items) {
  std::sort(items.begin(), items.end());
  return items;
}

std::vector<int64_t> counting(int64_t count) {
  std::vector<int64_t> items(static_cast<size_t>(count));
  std::iota(items.begin(), items.end(), 0);
  return items;
}

const std::vector<int64_t> kOnes(100, 1);

TEST(EpochOrder, IsAPermutationThatSeedAndEpochDecide) {
  const auto first = epoch_order({.seed = 1}, kOnes, {}, 0);
  EXPECT_EQ(sorted(first), counting(100));
  EXPECT_EQ(epoch_order({.seed = 1}, kOnes, {}, 0), first);
  EXPECT_NE(epoch_order({.seed = 1}, kOnes, {}, 1), first);
  EXPECT_NE(epoch_order({.seed = 2}, kOnes, {}, 0), first);
  EXPECT_EQ(epoch_order({.shuffle = false}, kOnes, {}, 3), counting(100));
}

TEST(EpochOrder, EveryItemStandsEverywhereEquallyOften) {
  // 4 items, 4000 epochs: each of 16 cells expects 1000 with standard deviation √(4000·3/16) = 27;
  // six of them is one in 10^8.
  const std::vector<int64_t> ones(4, 1);
  std::vector<std::vector<int>> seen(4, std::vector<int>(4));
  for (int64_t epoch = 0; epoch < 4000; ++epoch) {
    const auto order = epoch_order({}, ones, {}, epoch);
    for (size_t i = 0; i < 4; ++i) {
      ++seen[i][static_cast<size_t>(order[i])];
    }
  }
  for (const auto& row : seen) {
    for (const int count : row) {
      EXPECT_NEAR(count, 1000, 165);
    }
  }
}

TEST(EpochOrder, GroupsByLengthWithTheLongestFirst) {
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < 400; ++i) {
    lengths.push_back(1 + (i * 7919) % 400);
  }
  const auto order = epoch_order({.group_by_length = 2}, lengths, {}, 0);
  EXPECT_EQ(sorted(order), counting(400));
  EXPECT_EQ(lengths[static_cast<size_t>(order[0])], 400);
  int64_t rises = 0;  // within a stretch of 100 lengths only fall, but for the swap to the front
  for (size_t i = 1; i < order.size(); ++i) {
    if (i % 100 != 0 &&
        lengths[static_cast<size_t>(order[i])] > lengths[static_cast<size_t>(order[i - 1])]) {
      ++rises;
    }
  }
  EXPECT_LE(rises, 2);
}

TEST(EpochOrder, DrawsSourcesByProbability) {
  const OrderOptions options{.mixture = {{.begin = 0, .count = 90, .probability = 1},
                                         {.begin = 90, .count = 10, .probability = 3}}};
  std::vector<int64_t> lengths(4000, 1);
  ASSERT_TRUE(check_mixture(options.mixture, 4000).has_value());
  const auto order = epoch_order(options, lengths, {}, 0);
  ASSERT_EQ(order.size(), 4000U);
  const auto of_second =
      std::count_if(order.begin(), order.end(), [](int64_t i) { return i >= 90; });
  // Expected 3000, standard deviation √(4000·3/16) = 27.
  EXPECT_NEAR(static_cast<double>(of_second), 3000, 165);
  std::vector<int64_t> counts(100);
  for (const int64_t item : order) {
    ++counts[static_cast<size_t>(item)];
  }
  // A source is used up before any of it comes again.
  EXPECT_LE(*std::max_element(counts.begin() + 90, counts.end()) -
                *std::min_element(counts.begin() + 90, counts.end()),
            1);
  EXPECT_NE(epoch_order(options, lengths, {}, 1), order);
}

TEST(EpochOrder, TakesBudgetsOfTokensAndCharacters) {
  std::vector<int64_t> lengths(20, 10);
  std::vector<int64_t> characters(20, 7);
  OrderOptions options{.mixture = {{.begin = 0, .count = 10, .tokens = 35},
                                   {.begin = 10, .count = 10, .tokens = 150}}};
  auto order = epoch_order(options, lengths, characters, 0);
  // 4 items of ten tokens reach 35; 15 reach 150, so the second source comes again.
  EXPECT_EQ(std::count_if(order.begin(), order.end(), [](int64_t i) { return i < 10; }), 4);
  EXPECT_EQ(order.size(), 19U);
  options.mixture = {{.begin = 0, .count = 20, .characters = 21}};
  order = epoch_order(options, lengths, characters, 0);
  EXPECT_EQ(order.size(), 3U);
  EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 3U);
}

TEST(CheckMixture, RefusesWhatSaysNothingOrTwoThings) {
  const auto refused = [](std::vector<MixtureSource> mixture, std::string_view part) {
    const auto checked = check_mixture(mixture, 10);
    ASSERT_FALSE(checked.has_value());
    EXPECT_NE(checked.error().message.find(part), std::string::npos) << checked.error().message;
  };
  refused({{.begin = 0, .count = 5}}, "source 1 of the mixture needs one of");
  refused({{.begin = 0, .count = 5, .probability = 1, .tokens = 4}}, "needs one of");
  refused({{.begin = 0, .count = 5, .probability = 1}, {.begin = 5, .count = 5, .tokens = 4}},
          "source 2 of the mixture says how much is taken in another way");
  refused({{.begin = 5, .count = 6, .probability = 1}}, "no rows");
}

}  // namespace
}  // namespace cupel::train
