#pragma once

#include <string>
#include <vector>

#include "report/terminal.h"
#include "report/text_width.h"

namespace cupel::report {

/// One column of a terminal table.
struct Column {
  std::string header{};
  Align align = Align::kLeft;
  size_t min_width = 0;  ///< may be cut down to this many columns to fit; 0 = never cut
  int keep = 0;  ///< 0: always shown; else the highest number is dropped first when too wide
};

/// One cell: a text of one line and how to show it.
struct Cell {
  std::string text{};
  Style style = Style::kPlain;
};

/// A table that fits the terminal: first columns with a `min_width` are cut (widest first, with an
/// ellipsis), then columns with the highest `keep` are left out. Without a width limit nothing is
/// cut. Texts are made printable (see `terminal_text`); widths count columns, not bytes.
class Table {
 public:
  explicit Table(std::vector<Column> columns);

  /// A row has one cell a column; missing cells are empty, extra ones are a bug.
  void add_row(std::vector<Cell> cells);
  void add_row(const std::vector<std::string>& texts);
  /// A rule before the next row.
  void add_rule();

  /// Lines ending in "\n": header, rule, rows.
  [[nodiscard]] std::string render(const Terminal& terminal) const;

  /// How many columns `render` leaves out on this terminal.
  [[nodiscard]] size_t hidden_columns(const Terminal& terminal) const;

 private:
  struct Row {
    std::vector<Cell> cells{};
    bool rule = false;
  };
  [[nodiscard]] std::vector<size_t> natural_widths() const;
  [[nodiscard]] std::vector<size_t> fitted_widths(size_t limit) const;
  [[nodiscard]] std::string render_line(const std::vector<Cell>& cells,
                                        const std::vector<size_t>& widths,
                                        const Terminal& terminal) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace cupel::report
