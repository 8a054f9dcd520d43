#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "rank/pair_totals.h"

namespace cupel::rank {

struct PageRankOptions {
  double damping = 0.85;  ///< chance to follow a loss instead of jumping anywhere, in [0, 0.999]
};

struct PageRank {
  std::vector<double> scores;  ///< [M], sum 1
  int64_t iterations = 0;
};

/// Where a reader ends who walks from losers to winners: the stationary share of each model.
///
/// From a model the walk goes to one of those that took points from it, in proportion to them; with
/// chance 1 − damping, and from a model that nobody took a point from, it jumps to any model.
/// Not a measure of skill: models that were shown more often are met more often.
/// Ties:   half a point for each side.
/// Errors: kInvalidArgument - damping out of range.
/// Cost:   O(pairs) an iteration, ln(1e-15)/ln(damping) iterations at most.
/// Source: Page, Brin, Motwani & Winograd 1999; the graph as in evalica 0.4.2.
Result<PageRank> pagerank_scores(std::span<const PairTotal> pairs,
                                 size_t models,
                                 const PageRankOptions& options = {});
Result<PageRank> pagerank_scores(const BattleTable& table, const PageRankOptions& options = {});

}  // namespace cupel::rank
