#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "engine/tokenizer/merge.h"
#include "engine/tokenizer/pair_ranks.h"
#include "engine/tokenizer/piece_map.h"

namespace cupel::engine {
namespace {

/// A random merge list over `letters` first ids, and the obvious way to apply it.
struct RandomMerges {
  explicit RandomMerges(uint64_t seed) : ranks(64) {
    Rng rng(seed);
    for (uint32_t rank = 0; rank < 40; ++rank) {
      const auto left = static_cast<TokenId>(rng.below(static_cast<uint64_t>(next)));
      const auto right = static_cast<TokenId>(rng.below(static_cast<uint64_t>(next)));
      // Equal priorities in pairs, so that ties occur.
      const Merge merge{rank / 2, next};
      if (known.emplace(std::pair(left, right), merge).second) {
        ranks.insert(left, right, merge);
        ++next;
      }
    }
  }
  std::vector<TokenId> obvious(std::vector<TokenId> ids) const {
    while (true) {
      size_t best = ids.size();
      Merge merge;
      for (size_t i = 0; i + 1 < ids.size(); ++i) {
        const auto found = known.find({ids[i], ids[i + 1]});
        if (found != known.end() &&
            (best == ids.size() || found->second.priority < merge.priority)) {
          best = i;
          merge = found->second;
        }
      }
      if (best == ids.size()) {
        return ids;
      }
      ids[best] = merge.id;
      ids.erase(ids.begin() + static_cast<ptrdiff_t>(best) + 1);
    }
  }
  PairRanks ranks;
  std::map<std::pair<TokenId, TokenId>, Merge> known;
  TokenId next = 3;
};

struct Find {
  const PairRanks* ranks;
  Merge operator()(const Symbol& left, const Symbol& right) const {
    return ranks->find(left.id, right.id);
  }
};

TEST(SymbolMerger, EqualsTheObviousMergeOnShortAndLongPieces) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const RandomMerges merges(seed);
    Rng rng(seed, 1);
    SymbolMerger<Find> merger(Find{&merges.ranks});
    for (const size_t length : {0U, 1U, 2U, 7U, 40U, 48U, 49U, 120U}) {
      std::vector<TokenId> ids;
      merger.symbols().clear();
      for (size_t i = 0; i < length; ++i) {
        ids.push_back(static_cast<TokenId>(rng.below(3)));
        merger.symbols().push_back({static_cast<uint32_t>(i), 1, ids.back()});
      }
      merger.run();
      std::vector<TokenId> found;
      uint32_t covered = 0;
      for (const Symbol& symbol : merger.symbols()) {
        EXPECT_EQ(symbol.begin, covered);
        covered += symbol.length;
        found.push_back(symbol.id);
      }
      EXPECT_EQ(covered, length);
      ASSERT_EQ(found, merges.obvious(ids)) << "seed " << seed << ", length " << length;
    }
  }
}

TEST(PairRanks, KeepsTheFirstOfEqualPairs) {
  PairRanks ranks(2);
  ranks.insert(1, 2, {5, 7});
  ranks.insert(1, 2, {9, 8});
  EXPECT_EQ(ranks.find(1, 2).id, 7);
  EXPECT_EQ(ranks.find(2, 1).id, -1);
}

TEST(PieceMap, FindsWhatWasInserted) {
  PieceTexts texts;
  for (const char* text : {"a", "ab", "a", "\xFF"}) {
    texts.append(text);
  }
  PieceMap map(texts, texts.size());
  EXPECT_TRUE(map.insert(0));
  EXPECT_TRUE(map.insert(1));
  EXPECT_FALSE(map.insert(2));
  EXPECT_TRUE(map.insert(3));
  EXPECT_EQ(map.find("a"), 0);
  EXPECT_EQ(map.find("ab"), 1);
  EXPECT_EQ(map.find("\xFF"), 3);
  EXPECT_EQ(map.find("b"), -1);
  EXPECT_EQ(map.find("abc"), -1);
  EXPECT_EQ(map.longest(), 2U);
}

}  // namespace
}  // namespace cupel::engine
