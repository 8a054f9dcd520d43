#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "rank/battle_table.h"
#include "rank/name_table.h"
#include "rank/vote_plan.h"

namespace cupel::rank {

/// A row that breaks the format.
struct BadRow {
  size_t line = 0;
  Error error;
};
inline constexpr size_t kListedBadRows = 20;

/// A column of names as numbers of the parser that read them.
struct NameIds {
  std::vector<int32_t> ids;        ///< [rows]; -1: none
  std::vector<std::string> fresh;  ///< names that the parser met here first, in order of numbers
};

/// The votes of a block of rows.
struct VoteBlock {
  size_t parser = 0;  ///< whose numbers these are
  std::vector<int32_t> a;
  std::vector<int32_t> b;
  std::vector<uint8_t> votes;  ///< [rows]: 0, 1 or 2, as in BattleTable::append_votes
  std::vector<std::string> fresh_models;
  NameIds cluster;
  std::vector<NameIds> kept;
  std::vector<float> features;  ///< [rows, K], row-major
  int64_t both_bad = 0;
  int64_t skipped = 0;
  std::vector<BadRow> bad;     ///< the first of those that were skipped
  std::optional<BadRow> stop;  ///< why the reading ends here, behind the rows
};

/// Turns the cells of rows into votes; one for each thread.
class VoteRowParser {
 public:
  VoteRowParser(const VotePlan& plan, size_t parser);

  /// Takes a row, whose cells are in the order of the plan's columns. False when it is bad; then
  /// `error` says why and nothing was taken.
  bool add(std::span<const std::string_view> cells);
  [[nodiscard]] const Error& error() const { return error_; }

  /// A bad row: counted and listed, or the end of the block. False when the block ends.
  bool reject(size_t line, const Error& error, bool skip);
  void stop(size_t line, Error error) { block_.stop = BadRow{line, std::move(error)}; }
  /// The votes since the last call.
  VoteBlock take();

 private:
  /// Names of one column; what is new goes to `fresh` with the next block.
  struct Column {
    std::string name;
    NameTable names;
    std::vector<std::string> fresh;
    int32_t last = -1;
  };
  int32_t model(std::string_view column, std::string_view cell);
  int32_t new_model(std::string_view column, std::string_view name);
  std::optional<VoteKind> winner_with_space(std::span<const std::string_view> cells);
  int32_t value(Column& column, std::string_view text);
  int32_t new_name(NameTable& names,
                   std::vector<std::string>& fresh,
                   std::string_view column,
                   std::string_view name);
  bool add_others(std::span<const std::string_view> cells);
  bool add_style(std::span<const std::string_view> cells);
  bool add_feature(const VotePlan::Style& style, std::span<const std::string_view> cells);
  Result<double> amount(const VotePlan::Style& style,
                        const std::vector<size_t>& columns,
                        std::span<const std::string_view> cells);
  bool fail(Error error);

  const VotePlan* plan_;
  WinnerReader winner_;
  size_t parser_;
  bool plain_;  // no cluster, nothing kept, no style
  NameTable models_;
  Column cluster_;
  std::vector<Column> kept_;
  std::vector<std::string_view> style_cells_;
  std::vector<int32_t> row_ids_;  // of a row until all of it is known to be good
  std::vector<float> row_features_;
  VoteBlock block_;
  Error error_;
};

}  // namespace cupel::rank
