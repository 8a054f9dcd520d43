#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "rank/analysis.h"
#include "rank/vote_reader.h"
#include "report/rank_page.h"

namespace cupel::cli {

/// One leaderboard of a run: all votes, or those of one group.
struct RankedGroup {
  std::string name;  ///< value of the --by column; empty: all votes
  int64_t votes = 0;
  std::optional<rank::Analysis> analysis;  ///< none: `failure` says why
  std::string failure;
};

/// Everything that `cupel rank` says.
struct RankOutput {
  std::vector<std::string> files;
  std::string method;      ///< as flags spell it
  std::string grouped_by;  ///< column; empty: one leaderboard
  double confidence = 0.95;
  uint64_t seed = 0;
  std::string cluster;
  std::vector<std::string> choices;  ///< flags that changed how votes are rated
  rank::VoteFile votes;              ///< its table may have been moved away
  std::vector<RankedGroup> groups;
  std::vector<std::string> warnings;
};

/// For terminals: one table a group and what a reader must know below it.
std::string rank_text(const RankOutput& output);
/// `item,rating,ci_low,ci_high,rank,votes`; with groups one more column `group` in front.
std::string rank_csv(const RankOutput& output);
Json rank_json(const RankOutput& output);
report::RankPage rank_page(const RankOutput& output);

}  // namespace cupel::cli
