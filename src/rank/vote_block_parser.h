#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fields.h"
#include "rank/vote_plan.h"
#include "rank/vote_rows.h"

namespace cupel::rank {

/// Parses blocks of whole records of one format; each thread has one of its own.
class VoteBlockParser {
 public:
  virtual ~VoteBlockParser() = default;
  VoteBlockParser() = default;
  VoteBlockParser(const VoteBlockParser&) = delete;
  VoteBlockParser& operator=(const VoteBlockParser&) = delete;
  /// The votes of a text whose first line has that number. Never fails: what is wrong is in the
  /// block.
  virtual VoteBlock parse(std::string_view text, size_t first_line) = 0;
};

/// CSV without its header, whose names are given.
std::unique_ptr<VoteBlockParser> csv_vote_parser(const VotePlan& plan,
                                                 const std::vector<std::string>& header,
                                                 bool skip_bad,
                                                 size_t parser);
/// One JSON object a line.
std::unique_ptr<VoteBlockParser> jsonl_vote_parser(const VotePlan& plan,
                                                   bool skip_bad,
                                                   size_t parser);

}  // namespace cupel::rank
