// The leaderboard table, of all votes and of each group.
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "base/format.h"
#include "report/numbers.h"
#include "report/page_parts.h"
#include "report/rank_view.h"

namespace cupel::report {
namespace {

constexpr size_t kWhiskerRows = 1000;  // rows beyond have numbers alone: the page must stay small
constexpr size_t kTallRows = 40;       // longer tables scroll by themselves

/// Which columns a table has: those for which some row has something to say.
struct Columns {
  bool plot = false;
  bool win_rate = false;
  bool rank_class = false;
  bool without_style = false;
};

Columns columns_of(const std::vector<RankRow>& rows) {
  Columns columns;
  for (const RankRow& row : rows) {
    columns.plot = columns.plot || std::isfinite(row.rating.value);
    columns.win_rate = columns.win_rate || row.win_rate.has_value();
    columns.rank_class = columns.rank_class || row.rank_class.has_value();
    columns.without_style = columns.without_style || row.without_style.has_value();
  }
  return columns;
}

struct Board {
  const RankView& view;
  const std::vector<RankRow>& rows;
  Columns columns;
  Axis axis;
  RankCounts ranks;
};

// `data-sort` names what the script sorts by; without it a column has no button.
void write_head_cell(Markup& html,
                     std::string_view name,
                     std::string_view style,
                     std::string_view sort,
                     std::string_view sorted = {}) {
  html.element(
      "th", {{"scope", "col"}, {"class", style}, {"data-sort", sort}, {"aria-sort", sorted}}, name);
}

void write_board_head(Markup& html, const Board& board) {
  html.open("thead").open("tr");
  write_head_cell(html, "Rank", "rank", "number", "ascending");
  write_head_cell(html, "Model", "model", "text");
  write_head_cell(html, "Rating", "num", "number");
  if (board.columns.plot) {
    html.open("th", {{"scope", "col"}, {"class", "plot"}});
    html.element("span", {{"class", "sr"}}, "Interval").trusted(axis_cell(board.axis)).close();
  }
  write_head_cell(html, "Votes", "num", "number");
  if (board.columns.win_rate) {
    write_head_cell(html, "Win rate", "num", "number");
  }
  if (board.columns.without_style) {
    write_head_cell(html, "Without style", "num", "number");
    write_head_cell(html, "Moved", "num", "number");
  }
  if (board.columns.rank_class) {
    write_head_cell(html, "Class", "num", "number");
  }
  html.close().close();
}

void write_rating_cell(Markup& html, const RankView& view, const RankRow& row) {
  html.open("td", {{"class", "num rating"}});
  html.element("b", view.rating_text(row.rating.value));
  if (!view.page().interval_kind.empty()) {
    html.element("small", view.interval_text(row.rating));
  }
  html.close();
}

// Style control moved a model up when its rank without it was a higher number.
void write_style_cells(Markup& html, const RankView& view, const RankRow& row) {
  if (!row.without_style) {
    write_number_cell(html, kPageNoNumber);
    write_number_cell(html, kPageNoNumber);
    return;
  }
  write_number_cell(html, view.rating_text(row.without_style->rating));
  const int64_t moved = row.without_style->rank - row.rank;
  html.open("td", {{"class", "num"}});
  html.text(moved > 0 ? format("+{}", moved) : typographic_text(format("{}", moved)));
  if (moved != 0) {
    html.element("span", {{"aria-hidden", "true"}}, moved > 0 ? " ▲" : " ▼");
    html.element("span", {{"class", "sr"}}, moved > 0 ? " up" : " down");
  }
  html.close();
}

void write_board_row(Markup& html, const Board& board, size_t index) {
  const RankRow& row = board.rows[index];
  html.open("tr", {{"class", row.provisional ? "provisional" : std::string_view{}}});
  html.open("td", {{"class", "rank"}});
  write_rank(html, row.rank, board.ranks);
  html.close();
  html.open("th", {{"scope", "row"}, {"class", "model"}});
  html.element("span", {{"class", "name"}, {"dir", "auto"}}, row.model);
  if (row.provisional) {
    html.text(" ").element("span", {{"class", "tag"}}, "provisional");
  }
  html.close();
  write_rating_cell(html, board.view, row);
  if (board.columns.plot) {
    html.open("td", {{"class", "plot"}});
    if (index < kWhiskerRows) {
      html.trusted(whisker_cell(
          board.axis,
          {.estimate = row.rating, .kind = mark_of(board.rows, row), .outer = row.outer}));
    }
    html.close();
  }
  write_number_cell(html, count_text(row.votes));
  if (board.columns.win_rate) {
    write_number_cell(html, share_text(row.win_rate));
  }
  if (board.columns.without_style) {
    write_style_cells(html, board.view, row);
  }
  if (board.columns.rank_class) {
    write_number_cell(html, row.rank_class ? count_text(*row.rank_class) : kPageNoNumber);
  }
  html.close();
}

void write_term(Markup& html, std::string_view name, std::string_view meaning) {
  html.open("div").element("dt", name);
  html.element("dd", {{"dir", "auto"}}, meaning).close();
}

std::string rank_meaning(const RankPage& page) {
  std::string text = page.rank_rule.empty()
                         ? "the order of the ratings: without intervals nothing is shown to be "
                           "better"
                         : page.rank_rule;
  const bool orderly = std::ranges::is_sorted(page.rows, {}, &RankRow::rank);
  text += orderly ? ""
                  : "; rows follow the ratings, and where differences are less certain a lower row "
                    "can have the better rank";
  const bool tied = rank_counts(page.rows).size() < page.rows.size();
  return tied ? text + "; = marks ranks that are shared" : text;
}

/// What the columns mean.
void write_terms(Markup& html, const RankView& view) {
  const RankPage& page = view.page();
  html.open("dl", {{"class", "terms"}});
  write_term(html, "Rank", rank_meaning(page));
  write_term(html, "Rating", "in " + page.rating_unit);
  if (!page.interval_kind.empty()) {
    write_term(html, view.confidence_text() + " interval", page.interval_kind);
  }
  if (!page.outer_kind.empty()) {
    write_term(html, "Pale box", page.outer_kind);
  }
  if (!page.win_rate_rule.empty()) {
    write_term(html, "Win rate", page.win_rate_rule);
  }
  const Columns columns = columns_of(page.rows);
  if (columns.without_style) {
    write_term(html, "Moved", "places won by style control, against the ranks without it");
  }
  if (columns.rank_class) {
    write_term(html, "Class", "its best model and those not shown to be worse than that");
  }
  if (std::ranges::find(page.rows, true, &RankRow::provisional) != page.rows.end()) {
    write_term(html, "Provisional", "too few votes, or too wide an interval, for a firm place");
  }
  html.close();
}

}  // namespace

void write_rank_table(Markup& html,
                      const RankView& view,
                      const std::vector<RankRow>& rows,
                      size_t limit,
                      std::string_view label) {
  const size_t shown = std::min(limit, rows.size());
  const Board board{view, rows, columns_of(rows), rating_axis(std::span(rows).first(shown)),
                    rank_counts(rows)};
  open_scroll_box(html, label, shown > kTallRows ? " tall" : "");
  html.open("table", {{"class", "ranks sortable"}});
  write_board_head(html, board);
  html.open("tbody");
  for (size_t i = 0; i < shown; ++i) {
    write_board_row(html, board, i);
  }
  html.close().close().close();
}

void write_rank_board(Markup& html, const RankView& view) {
  const RankPage& page = view.page();
  open_section(html, "leaderboard", "Leaderboard");
  if (page.rows.empty()) {
    write_hint(html, "No model has a rating.");
    html.close();
    return;
  }
  write_terms(html, view);
  write_rank_table(html, view, page.rows, page.rows.size(), "Leaderboard table");
  if (page.rows.size() > kWhiskerRows) {
    write_hint(html, format("Intervals are drawn for the first {} models; all have their numbers.",
                            count_text(kWhiskerRows)));
  }
  html.close();
}

}  // namespace cupel::report
