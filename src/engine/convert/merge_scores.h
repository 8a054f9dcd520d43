#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cupel::engine {

/// A merge of two pieces, as a tokenizer.json lists them, best first.
using PieceMerge = std::pair<std::string, std::string>;

/// Scores of a "llama" vocabulary under which pieces merge in the order of `merges`: minus the
/// place of a piece's merges, 0 for pieces that no merge makes. `mergeable` tells the pieces that
/// may merge and be merged (no special ones and no bytes).
///
/// A score belongs to a piece, so that all ways to make it must be listed, one after another.
/// Errors: kUnsupported - merges of another order, or a way that is missing; names the merge.
Result<std::vector<float>> scores_of_merges(std::span<const std::string> tokens,
                                            const std::vector<bool>& mergeable,
                                            std::span<const PieceMerge> merges);

/// The merges of a "llama" vocabulary, best first: for each piece every way to make it of two, by
/// descending score, ties by id; within a piece by the ids of its halves.
std::vector<PieceMerge> merges_of_scores(std::span<const std::string> tokens,
                                         const std::vector<bool>& mergeable,
                                         std::span<const float> scores);

}  // namespace cupel::engine
