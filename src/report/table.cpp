#include "report/table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace cupel::report {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kDropped = 0;  // the width of a column that is left out

size_t total_width(const std::vector<size_t>& widths) {
  size_t total = 0;
  for (const size_t width : widths) {
    total += width == kDropped ? 0 : width + (total > 0 ? kGap : 0);
  }
  return total;
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (Column& column : columns_) {
    column.header = terminal_text(column.header);
  }
}

void Table::add_row(std::vector<Cell> cells) {
  CUPEL_CHECK(cells.size() <= columns_.size(), "a row has more cells than the table has columns");
  cells.resize(columns_.size());
  for (Cell& cell : cells) {
    cell.text = terminal_text(cell.text);
  }
  rows_.push_back({.cells = std::move(cells), .rule = false});
}

void Table::add_row(const std::vector<std::string>& texts) {
  std::vector<Cell> cells;
  cells.reserve(texts.size());
  for (const std::string& text : texts) {
    cells.push_back({.text = text, .style = Style::kPlain});
  }
  add_row(std::move(cells));
}

void Table::add_rule() {
  rows_.push_back({.cells = {}, .rule = true});
}

std::vector<size_t> Table::natural_widths() const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = std::max<size_t>(1, display_width(columns_[c].header));
    for (const Row& row : rows_) {
      if (!row.rule) {
        width = std::max(width, display_width(row.cells[c].text));
      }
    }
    widths.push_back(width);
  }
  return widths;
}

std::vector<size_t> Table::fitted_widths(size_t limit) const {
  std::vector<size_t> widths = natural_widths();
  if (limit == 0) {
    return widths;
  }
  while (total_width(widths) > limit) {
    size_t widest = columns_.size();
    size_t dropped = columns_.size();
    for (size_t c = 0; c < columns_.size(); ++c) {
      const bool can_shrink = columns_[c].min_width > 0 && widths[c] > columns_[c].min_width;
      if (can_shrink && (widest == columns_.size() || widths[c] > widths[widest])) {
        widest = c;
      }
      const bool can_drop = columns_[c].keep > 0 && widths[c] != kDropped;
      if (can_drop && (dropped == columns_.size() || columns_[c].keep >= columns_[dropped].keep)) {
        dropped = c;
      }
    }
    if (widest != columns_.size()) {
      --widths[widest];
    } else if (dropped != columns_.size()) {
      widths[dropped] = kDropped;
    } else {
      break;  // nothing left to give; the terminal wraps
    }
  }
  return widths;
}

std::string Table::render_line(const std::vector<Cell>& cells,
                               const std::vector<size_t>& widths,
                               const Terminal& terminal) const {
  const std::string_view ellipsis = terminal.unicode ? "…" : "..";
  std::string line;
  std::string gap;
  for (size_t c = 0; c < cells.size(); ++c) {
    if (widths[c] == kDropped) {
      continue;
    }
    const std::string text = cut_to_width(cells[c].text, widths[c], ellipsis);
    const std::string padded = pad_to_width(text, widths[c], columns_[c].align);
    // Style only the text: trailing blanks can then be cut off below.
    const size_t lead = padded.find_first_not_of(' ');
    line += gap;
    if (lead == std::string::npos) {
      line += padded;
    } else {
      const size_t end = padded.find_last_not_of(' ') + 1;
      line += padded.substr(0, lead);
      line += styled(padded.substr(lead, end - lead), cells[c].style, terminal);
      line += padded.substr(end);
    }
    gap = std::string(kGap, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

size_t Table::hidden_columns(const Terminal& terminal) const {
  return static_cast<size_t>(std::ranges::count(fitted_widths(terminal.columns), kDropped));
}

std::string Table::render(const Terminal& terminal) const {
  const std::vector<size_t> widths = fitted_widths(terminal.columns);
  std::vector<Cell> headers;
  for (const Column& column : columns_) {
    headers.push_back({.text = column.header, .style = Style::kBold});
  }
  std::string rule;
  const size_t width = total_width(widths);
  for (size_t i = 0; i < width; ++i) {
    rule += terminal.unicode ? "─" : "-";
  }
  rule = styled(rule, Style::kDim, terminal) + "\n";
  std::string out = render_line(headers, widths, terminal) + rule;
  for (const Row& row : rows_) {
    out += row.rule ? rule : render_line(row.cells, widths, terminal);
  }
  return out;
}

}  // namespace cupel::report
