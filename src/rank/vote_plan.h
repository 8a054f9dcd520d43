#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rank/style_features.h"
#include "rank/vote_dialect.h"
#include "rank/vote_reader.h"

namespace cupel::rank {

/// The columns of a vote file, as its format presents them.
struct VoteColumns {
  std::vector<std::string> names;  ///< members of objects too where the format knows them: "a.b"
  bool json_cells = false;   ///< a cell may hold a JSON object: "a.b" is in the column a (CSV)
  bool leaves_only = false;  ///< "a" stands for all of "a.x", "a.y" … (Parquet)
};

/// Which cells of a row are wanted, and for what. Numbers are places in `columns`.
struct VotePlan {
  struct Style {
    StyleSource source;
    std::vector<size_t> a;
    std::vector<size_t> b;
  };
  const VoteDialect* dialect = nullptr;
  std::vector<std::string> columns;  ///< each once; a, b and the winner's come first
  std::optional<size_t> cluster;
  std::vector<size_t> kept;
  std::vector<Style> style;

  [[nodiscard]] size_t winner_cells() const { return dialect->winner_columns.size(); }
};

/// Finds what `options` ask for among the columns of a file.
/// Errors: kInvalidArgument - a column that is absent (the present ones are named) or there twice.
Result<VotePlan> make_vote_plan(const VoteColumns& columns, const VoteReadOptions& options);

/// The usual names of a cluster: "user" and "prompt" have several, any other only its own.
std::vector<std::string> cluster_columns(const std::string& name);

/// A column and the path inside its JSON cells: "conv_metadata.turns" where there is only a column
/// "conv_metadata". Nothing when no beginning of the name is a column.
struct CellPath {
  size_t column = 0;
  std::string path;  ///< empty: the cell itself
};
std::optional<CellPath> find_cell(const std::vector<std::string>& names, std::string_view name);

}  // namespace cupel::rank
