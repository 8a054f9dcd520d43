#pragma once

#include <string>
#include <vector>

#include "rank/vote_reader.h"
#include "rank/vote_rows.h"

namespace cupel::rank {

/// Joins the blocks of several parsers in the order of the files, so that models, clusters and
/// values are numbered as one parser that reads all rows would number them.
class VoteMerger {
 public:
  explicit VoteMerger(const VoteReadOptions& options);

  /// Parsers are numbered anew for the next file.
  void begin_file(std::string name);
  /// Appends the rows of a block. Errors: why the block ended, with its place.
  Result<Ok> add(VoteBlock block);
  /// Errors: kInvalidArgument - the file had no votes.
  Result<Ok> end_file();
  Result<VoteFile> finish();
  void note(std::string text);

 private:
  /// Names of a parser's column, by its numbers, and the numbers that they have in the result.
  struct Names {
    std::vector<std::string> names;
    std::vector<int32_t> places;  // -1: not met yet in a row that counts
  };
  struct Parser {
    Names models;
    Names cluster;
    std::vector<Names> kept;
  };
  Parser& parser_of(const VoteBlock& block);
  void renumber(Parser& parser, VoteBlock& block);
  void tally(const VoteBlock& block);
  void take_names(Parser& parser, VoteBlock& block);
  [[nodiscard]] std::string place(size_t line) const;

  VoteReadOptions options_;
  VoteFile result_;
  std::vector<float> features_;
  std::vector<Parser> parsers_;
  std::string file_;
  size_t rows_before_ = 0;  // of the files before
  int64_t skipped_before_ = 0;
  size_t listed_before_ = 0;
};

}  // namespace cupel::rank
