// The worked case: documents 1 … 5 of 3, 5, 2, 4 and 9 tokens, bins of 8 (by hand from the rules).
#include "train/data/packing.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "base/rng.h"

namespace cupel::train {
namespace {

const std::vector<int64_t> kLengths = {3, 5, 2, 4, 9};
const std::vector<int64_t> kItems = {0, 1, 2, 3, 4};

/// "5×8 | 2×5 1×3": documents by number and how many tokens of each.
std::string show(const std::vector<Bin>& bins) {
  std::string text;
  for (const Bin& bin : bins) {
    text += text.empty() ? "" : " | ";
    for (size_t i = 0; i < bin.size(); ++i) {
      text += (i > 0 ? " " : "") + std::to_string(bin[i].item + 1) + "x" +
              std::to_string(bin[i].length());
    }
  }
  return text;
}

TEST(Pack, BestFitDecreasingCutsWhatIsTooLong) {
  EXPECT_EQ(show(pack(kItems, kLengths, 8, Packing::kBfd)), "5x8 | 2x5 1x3 | 4x4 3x2");
}

TEST(Pack, BestFitDecreasingWithSplitKeepsTheRest) {
  const auto bins = pack(kItems, kLengths, 8, Packing::kBfdSplit);
  EXPECT_EQ(show(bins), "5x8 | 2x5 1x3 | 4x4 3x2 5x1");
  EXPECT_EQ(bins[2][2], (Piece{4, 8, 9}));
}

TEST(Pack, WrappedCutsTheStream) {
  EXPECT_EQ(show(pack(kItems, kLengths, 8, Packing::kWrapped)), "1x3 2x5 | 3x2 4x4 5x2 | 5x7");
}

TEST(Pack, WithoutPackingEachHasARowOfItsOwn) {
  EXPECT_EQ(show(pack(kItems, kLengths, 8, Packing::kNone)), "1x3 | 2x5 | 3x2 | 4x4 | 5x8");
}

TEST(Pack, EveryTokenOnceAndNoBinTooFull) {
  Rng rng(1);
  for (int round = 0; round < 200; ++round) {
    const auto length = static_cast<int64_t>(1 + rng.below(20));
    std::vector<int64_t> lengths(rng.below(40));
    std::vector<int64_t> items(lengths.size());
    std::iota(items.begin(), items.end(), 0);
    for (int64_t& tokens : lengths) {
      tokens = static_cast<int64_t>(1 + rng.below(45));
    }
    const int64_t all = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
    for (const Packing packing : {Packing::kWrapped, Packing::kBfdSplit, Packing::kBfd}) {
      std::vector<Bin> bins = pack(items, lengths, length, packing);
      std::vector<Piece> pieces;
      for (const Bin& bin : bins) {
        EXPECT_LE(bin_tokens(bin), length);
        pieces.insert(pieces.end(), bin.begin(), bin.end());
      }
      std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
        return std::pair(a.item, a.begin) < std::pair(b.item, b.begin);
      });
      int64_t sum = 0;
      for (size_t i = 0; i < pieces.size(); ++i) {
        const bool first = i == 0 || pieces[i - 1].item != pieces[i].item;
        EXPECT_EQ(pieces[i].begin, first ? 0 : pieces[i - 1].end);
        sum += pieces[i].length();
      }
      int64_t kept = all;
      if (packing == Packing::kBfd) {
        kept = 0;
        for (const int64_t tokens : lengths) {
          kept += std::min(tokens, length);
        }
      }
      EXPECT_EQ(sum, kept);
      if (packing == Packing::kWrapped && !bins.empty()) {
        EXPECT_EQ(static_cast<int64_t>(bins.size()), (all + length - 1) / length);
      }
    }
  }
}

TEST(Multipack, SpreadsByTokens) {
  // Budget 9, two ranks: 9 and 5 first, 4 joins 5; then 3 and 2 fit nowhere (9 + 9 are full).
  const auto dealt = multipack(kItems, kLengths, 2, 9);
  ASSERT_TRUE(dealt.has_value()) << dealt.error().message;
  ASSERT_EQ(dealt->size(), 2U);
  EXPECT_EQ((*dealt)[0][0], std::vector<int64_t>({4}));
  EXPECT_EQ((*dealt)[0][1], std::vector<int64_t>({1, 3}));
  EXPECT_EQ((*dealt)[1][0], std::vector<int64_t>({0}));
  EXPECT_EQ((*dealt)[1][1], std::vector<int64_t>({2}));
}

TEST(Multipack, HoldsTheBudgetAndEveryItemOnce) {
  Rng rng(2);
  for (int round = 0; round < 100; ++round) {
    std::vector<int64_t> lengths(1 + rng.below(50));
    for (int64_t& tokens : lengths) {
      tokens = static_cast<int64_t>(1 + rng.below(30));
    }
    std::vector<int64_t> items(lengths.size());
    std::iota(items.begin(), items.end(), 0);
    const auto ranks = static_cast<int64_t>(1 + rng.below(4));
    const auto dealt = multipack(items, lengths, ranks, 30);
    ASSERT_TRUE(dealt.has_value());
    std::vector<int64_t> seen;
    for (const auto& micro : *dealt) {
      ASSERT_EQ(static_cast<int64_t>(micro.size()), ranks);
      for (const auto& of_rank : micro) {
        int64_t tokens = 0;
        for (const int64_t item : of_rank) {
          tokens += lengths[static_cast<size_t>(item)];
          seen.push_back(item);
        }
        EXPECT_LE(tokens, 30);
      }
    }
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, items);
  }
}

TEST(Multipack, NamesWhatDoesNotFit) {
  const auto dealt = multipack(kItems, kLengths, 2, 8);
  ASSERT_FALSE(dealt.has_value());
  EXPECT_NE(dealt.error().message.find("9 tokens does not fit"), std::string::npos);
}

TEST(ParsePacking, KnowsItsNames) {
  for (size_t i = 0; i < packing_names().size(); ++i) {
    const auto packing = parse_packing(packing_names()[i]);
    ASSERT_TRUE(packing.has_value());
    EXPECT_EQ(static_cast<size_t>(*packing), i);
  }
  const auto unknown = parse_packing("bfd_spilt");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_NE(unknown.error().message.find("did you mean \"bfd_split\"?"), std::string::npos);
}

}  // namespace
}  // namespace cupel::train
