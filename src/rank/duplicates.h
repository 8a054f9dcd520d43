#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "rank/battle_table.h"

namespace cupel::rank {

/// Weights that let each prompt count once, however often it was asked.
struct DuplicateWeights {
  std::vector<double> weights;  ///< [rows] mean 1
  int64_t distinct = 0;         ///< prompts
  int64_t repeated_rows = 0;    ///< rows whose prompt stands in another row too
  int64_t most_copies = 0;      ///< of one prompt
};

/// n copies of a prompt share the weight of one: a row's weight is 1/n, scaled so that weights
/// average 1 and the number of battles keeps its meaning.
///
/// Shapes: `prompts` [rows] number of the prompt of each row; below 0: unknown, a prompt of its
/// own. Cost:   O(rows).   Source: the leaderboards' habit of counting frequent prompts down, in
/// its
///         plainest form; the formula is Cupel's.
DuplicateWeights duplicate_weights(std::span<const int32_t> prompts);

}  // namespace cupel::rank
