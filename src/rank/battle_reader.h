#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "rank/battle_table.h"

namespace cupel::rank {

struct BattleReadOptions {
  std::string cluster_column = {};  ///< column whose values name the clusters; empty: none
};

/// Battles of a file and how its votes fell.
struct BattleFile {
  BattleTable table;
  int64_t wins_a = 0;
  int64_t wins_b = 0;
  int64_t ties = 0;      ///< both kinds
  int64_t both_bad = 0;  ///< ties in which neither answer was good: information of its own
};

/// Reads votes from CSV text, one battle per record.
///
/// Columns: `model_a, model_b, winner` with winner model_a, model_b, tie, "tie (bothbad)" or
/// both_bad (LMArena,
///          FastChat), or `left, right, winner` with winner left, right or tie (evalica); in any
///          order, others are ignored unless they are the cluster column.
/// Ties:    both kinds are outcome ½.
/// Errors:  kCorruptData `path:line: …` - broken CSV, an unknown winner (with a hint), an empty
/// name, a name that
///          is no UTF-8, a model against itself; kInvalidArgument - a missing column (the present
///          ones are named), no votes.
/// Cost:    one pass, O(text).
Result<BattleFile> parse_battles_csv(std::string_view text,
                                     const std::string& path,
                                     const BattleReadOptions& options = {});
/// The same from a file; errors of reading name the file.
Result<BattleFile> read_battles_csv(const std::string& path, const BattleReadOptions& options = {});

}  // namespace cupel::rank
