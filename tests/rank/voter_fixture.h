#pragma once

#include <string>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "rank/battle_table.h"

namespace cupel::rank::test {

enum class Behaviour { kHonest, kRandom, kContrarian };

/// The sheet's setting: 10 pairs at 90%, 200 earlier votes on each (nobody's in particular), and
/// one voter with 60 votes on random pairs. Favourites lie on either side.
inline BattleTable votes_with(Behaviour behaviour, uint64_t seed) {
  BattleTable table;
  for (int i = 0; i < 20; ++i) {
    table.intern_model("m" + std::to_string(i));
  }
  const int32_t voter = table.intern_cluster("voter");
  Rng rng(20240707, seed);
  const auto add = [&](int32_t pair, bool favourite, int32_t cluster) {
    const bool first = (pair % 2 == 0) == favourite;
    EXPECT_TRUE(table
                    .add({.a = 2 * pair,
                          .b = 2 * pair + 1,
                          .outcome = first ? kWinA : kWinB,
                          .cluster = cluster})
                    .has_value());
  };
  for (int32_t pair = 0; pair < 10; ++pair) {
    for (int k = 0; k < 200; ++k) {
      add(pair, rng.unit() < 0.9, kNoCluster);
    }
  }
  for (int k = 0; k < 60; ++k) {
    const double favourite =
        behaviour == Behaviour::kHonest ? 0.9 : (behaviour == Behaviour::kRandom ? 0.5 : 0.1);
    add(static_cast<int32_t>(rng.below(10)), rng.unit() < favourite, voter);
  }
  return table;
}

}  // namespace cupel::rank::test
