#include "rank/vote_block_parser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/csv.h"
#include "base/text.h"

namespace cupel::rank {
namespace {

class CsvVoteParser : public VoteBlockParser {
 public:
  CsvVoteParser(const VotePlan& plan,
                const std::vector<std::string>& header,
                bool skip_bad,
                size_t parser)
      : rows_(plan, parser), width_(header.size()), skip_bad_(skip_bad) {
    cells_.resize(plan.columns.size());
    for (size_t cell = 0; cell < plan.columns.size(); ++cell) {
      const std::optional<CellPath> found = find_cell(header, plan.columns[cell]);
      CUPEL_CHECK(found.has_value(), "a plan names columns of its file");
      if (found->path.empty()) {
        whole_.push_back({found->column, cell});
      } else {
        add_member(header, *found, cell);
      }
    }
    for (Members& members : members_) {
      members.reader.emplace(members.paths);
    }
  }

  VoteBlock parse(std::string_view text, size_t first_line) override {
    CsvReader reader(text, width_);
    for (auto step = reader.next(); step != CsvReader::Step::kEnd; step = reader.next()) {
      if (step == CsvReader::Step::kRecord && take(reader)) {
        continue;
      }
      const Error& error = step == CsvReader::Step::kBad ? reader.error() : error_;
      if (!rows_.reject(first_line + reader.line() - 1, error, skip_bad_)) {
        break;
      }
    }
    return rows_.take();
  }

 private:
  struct Cell {
    size_t column;
    size_t cell;
  };
  /// Members of the JSON object in the cells of one column.
  struct Members {
    size_t column;
    std::string name;
    std::vector<std::string> paths;
    std::vector<size_t> cells;
    std::optional<JsonFieldReader> reader;
  };

  void add_member(const std::vector<std::string>& header, const CellPath& found, size_t cell) {
    auto members = std::find_if(members_.begin(), members_.end(),
                                [&](const Members& m) { return m.column == found.column; });
    if (members == members_.end()) {
      members = members_.insert(members_.end(), Members{found.column, header[found.column]});
    }
    members->paths.push_back(found.path);
    members->cells.push_back(cell);
  }

  bool take(CsvReader& reader) {
    for (const Cell& cell : whole_) {
      cells_[cell.cell] = reader.value(cell.column);
    }
    for (Members& members : members_) {
      if (auto read = members.reader->read(reader.value(members.column)); !read.has_value()) {
        error_ = in_context(std::move(read).error(), format("column {}", members.name));
        return false;
      }
      for (size_t i = 0; i < members.cells.size(); ++i) {
        cells_[members.cells[i]] = members.reader->value(i);
      }
    }
    if (rows_.add(cells_)) {
      return true;
    }
    error_ = rows_.error();
    return false;
  }

  VoteRowParser rows_;
  size_t width_;
  bool skip_bad_;
  std::vector<Cell> whole_;
  std::vector<Members> members_;
  std::vector<std::string_view> cells_;
  Error error_;
};

class JsonlVoteParser : public VoteBlockParser {
 public:
  JsonlVoteParser(const VotePlan& plan, bool skip_bad, size_t parser)
      : rows_(plan, parser), reader_(plan.columns), skip_bad_(skip_bad) {
    cells_.resize(plan.columns.size());
  }

  VoteBlock parse(std::string_view text, size_t first_line) override {
    for (size_t line = first_line; !text.empty(); ++line) {
      const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
      const std::string_view record = trim(text.substr(0, end));
      text.remove_prefix(end);
      if (!record.empty() && !take(record) && !rows_.reject(line, error_, skip_bad_)) {
        break;
      }
    }
    return rows_.take();
  }

 private:
  bool take(std::string_view record) {
    if (auto read = reader_.read(record); !read.has_value()) {
      error_ = std::move(read).error();
      return false;
    }
    for (size_t i = 0; i < cells_.size(); ++i) {
      cells_[i] = reader_.value(i);
    }
    if (rows_.add(cells_)) {
      return true;
    }
    error_ = rows_.error();
    return false;
  }

  VoteRowParser rows_;
  JsonFieldReader reader_;
  bool skip_bad_;
  std::vector<std::string_view> cells_;
  Error error_;
};

}  // namespace

std::unique_ptr<VoteBlockParser> csv_vote_parser(const VotePlan& plan,
                                                 const std::vector<std::string>& header,
                                                 bool skip_bad,
                                                 size_t parser) {
  return std::make_unique<CsvVoteParser>(plan, header, skip_bad, parser);
}

std::unique_ptr<VoteBlockParser> jsonl_vote_parser(const VotePlan& plan,
                                                   bool skip_bad,
                                                   size_t parser) {
  return std::make_unique<JsonlVoteParser>(plan, skip_bad, parser);
}

}  // namespace cupel::rank
