#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "numeric/statistics.h"

namespace cupel::rank {

/// One line of a ranking that somebody wrote.
struct RankedItem {
  std::string item;
  double rating = 0;                          ///< higher is better
  std::optional<numeric::Interval> interval;  ///< absent where the file has none
};

struct Ranking {
  std::vector<RankedItem> items;  ///< in the order of the file, names distinct
  std::string path;               ///< for messages
};

/// Reads a ranking from CSV text: what `cupel rank --format csv` writes, or any table with a column
/// of names and one of numbers.
///
/// Columns: `item` (or `model`, `name`), `rating` (or `score`), and, both or neither, `ci_low` and
///          `ci_high` (or `lower`, `upper`; `rating_q025`, `rating_q975`); in any order, others are
///          ignored. Empty interval cells: no interval.
/// Errors:  kCorruptData `path:line: …` - broken CSV, a rating that is no finite number, an
/// interval
///          with one end or its ends exchanged, an empty or repeated name; kInvalidArgument - a
///          missing column (the present ones are named), no lines.
/// Cost:    one pass.
Result<Ranking> parse_ranking_csv(std::string_view text, const std::string& path);
/// The same from a file, plain or packed with gzip or zstd, or standard input (`-`): at most 64
/// MiB. Errors of reading name the file.
Result<Ranking> read_ranking_csv(const std::string& path);

}  // namespace cupel::rank
