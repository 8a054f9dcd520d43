#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "base/record_blocks.h"
#include "rank/vote_block_parser.h"
#include "rank/vote_merge.h"

namespace cupel::rank {

/// Makes the parser of a thread by its number.
using MakeVoteParser = std::function<std::unique_ptr<VoteBlockParser>(size_t parser)>;

/// Where the votes of a file begin: what is left of the block that was read to look at it.
struct VoteStart {
  RecordBlock block;
  std::string_view text;  ///< of `block`
  size_t line = 1;        ///< of the file, where `text` begins
};

/// Parses a file block by block on up to `threads` threads, the caller's among them, and merges the
/// blocks in their order: the first error of the file ends the reading, whatever later blocks held.
Result<Ok> run_vote_pipeline(RecordBlocks& blocks,
                             VoteStart start,
                             const MakeVoteParser& make_parser,
                             size_t threads,
                             VoteMerger& merger);

}  // namespace cupel::rank
