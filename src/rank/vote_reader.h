#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/record_blocks.h"
#include "base/result.h"
#include "rank/battle_table.h"
#include "rank/name_index.h"

namespace cupel::rank {

/// What is read, and how.
struct VoteReadOptions {
  std::vector<std::string> paths = {};  ///< files, one after another; "-": standard input
  /// Column whose values name the clusters; "user" and "prompt" stand for the first there is of the
  /// usual names (see cluster_columns); empty: none.
  std::string cluster = {};
  std::vector<std::string> keep = {};   ///< columns whose values are kept, one per vote
  std::vector<std::string> style = {};  ///< style features by name (style_features.h)
  bool skip_bad = false;  ///< rows that break the format are counted and left out, not an error
  size_t threads = 0;     ///< 0: as many as this process may keep busy
  uint64_t most_votes = std::numeric_limits<uint32_t>::max();  ///< more are refused
  RecordLimits limits = {};
};

/// The values of one kept column.
struct VoteColumn {
  std::string name;
  NameIndex values;          ///< distinct values, in order of appearance; "" where a row has none
  std::vector<int32_t> ids;  ///< [rows]
};

/// The votes of all files, in their order, and how they fell.
struct VoteFile {
  BattleTable table;
  int64_t wins_a = 0;
  int64_t wins_b = 0;
  int64_t ties = 0;              ///< both kinds
  int64_t both_bad = 0;          ///< ties in which neither answer was good: information of its own
  std::vector<VoteColumn> kept;  ///< as `keep` names them
  int64_t skipped = 0;           ///< bad rows that were left out
  std::vector<std::string> first_skipped;  ///< `path:line: why` of the first 20 of them
  std::vector<std::string> notes;          ///< what else there is to know of how they were read
};

/// Reads votes from CSV, JSONL and Parquet files, plain or compressed with gzip or zstd.
///
/// Columns: `model_a, model_b, winner` with winner model_a, model_b, tie, "tie (bothbad)",
/// both_bad,
///          bothbad or "tie (inconsistent)", or winner_model_a, winner_model_b, winner_tie with one
///          1 among them (LMArena); `left, right, winner` with left, right, tie (evalica);
///          `model_1, model_2, g1_winner, g2_winner` (FastChat's pairwise judgments: a side wins
///          when it won both games). In any order; others are not looked at unless asked for. A
///          name with dots ("conv_metadata.turns") is a member of a JSON object, also of one in a
///          CSV cell, or of a Parquet struct.
/// Format:  by the first bytes ("PAR1", "{"), else by the name (.jsonl, .ndjson, .json), else CSV.
/// Ties:    all kinds are outcome ½.
/// Clusters: a row with an empty value is a cluster of its own. A value of more than 64 bytes is
///          known by its beginning and its 128-bit fingerprint.
/// Errors:  kCorruptData `path:line: …` (of Parquet the row) - broken CSV or JSON, an unknown
/// winner (with a hint), an
///          empty name, a name that is no UTF-8, a model against itself, a style feature without
///          its numbers: what `skip_bad` leaves out; kInvalidArgument - a missing column (the
///          present ones are named), a column twice, no votes; those of open_source, RecordBlocks
///          and ParquetFile.
/// Cost:    one pass, O(bytes), about a nanosecond a byte and thread for CSV; memory of the table,
///          and of a few blocks for each thread. The result does not depend on the threads.
Result<VoteFile> read_votes(const VoteReadOptions& options);
/// The same from bytes in memory, called `name` in messages; `options.paths` is not used.
Result<VoteFile> parse_votes(std::string_view bytes,
                             const std::string& name,
                             const VoteReadOptions& options = {});

}  // namespace cupel::rank
