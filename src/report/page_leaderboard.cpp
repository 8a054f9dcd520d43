// The leaderboard, and the paired differences to its first row.
#include <algorithm>
#include <cmath>
#include <string>

#include "base/format.h"
#include "report/numbers.h"
#include "report/page_view.h"

namespace cupel::report {
namespace {

bool is_tied(const EvaluationPage& page, const LeaderboardRow& row) {
  return std::ranges::count(page.leaderboard, row.rank, &LeaderboardRow::rank) > 1;
}

// On a phone the rows become cards (display: grid), which would take the table's meaning from
// assistive technology: hence the explicit roles, and `data-name` as each cell's visible name.
void open_cell(Markup& html, std::string_view name, std::string_view style) {
  html.open("td", {{"role", "cell"}, {"class", style}, {"data-name", name}});
}

void write_share_cell(Markup& html, std::string_view name, int64_t part, int64_t whole) {
  open_cell(html, name, "num");
  const auto share = share_of(part, whole);
  html.text(share ? percent_text(*share) : kPageNoNumber);
  html.element("small", format("{} of {}", count_text(part), count_text(whole))).close();
}

void write_rank_cell(Markup& html, const EvaluationPage& page, const LeaderboardRow& row) {
  html.open("td", {{"role", "cell"}, {"class", "rank"}});
  html.element("span", {{"class", "sr"}}, "rank ");
  html.text(format("{}", row.rank));
  if (is_tied(page, row)) {
    html.element("span", {{"aria-hidden", "true"}}, "=");
    html.element("span", {{"class", "sr"}}, " tied");
  }
  html.close();
}

void write_row(Markup& html, const PageView& view, size_t index) {
  const LeaderboardRow& row = view.page().leaderboard[index];
  html.open("tr", {{"role", "row"}, {"class", index == 0 ? "first" : std::string_view{}}});
  write_rank_cell(html, view.page(), row);
  html.open("th", {{"scope", "row"}, {"role", "rowheader"}, {"class", "model"}});
  write_model_name(html, view, index);
  if (!row.description.empty()) {
    html.open("small", {{"dir", "auto"}});
    write_breakable(html, row.description);
    html.close();
  }
  html.close();
  open_cell(html, "Score", "num score");
  html.element("b", view.score_text(row.score.value));
  html.element("small", view.interval_text(row.score)).close();
  open_cell(html, "Interval", "plot");
  html.trusted(
      whisker_cell(view.score_axis(), {.estimate = row.score, .kind = view.kind_of_row(index)}));
  html.close();
  open_cell(html, "Rating", "num");
  if (row.rating) {
    html.text(signed_text(row.rating->value, 0));
    html.element("small", row.rating->has_interval()
                              ? signed_text(row.rating->interval->low, 0) + " to " +
                                    signed_text(row.rating->interval->high, 0)
                              : std::string(kPageNoNumber));
  } else {
    html.text(kPageNoNumber);
  }
  html.close();
  write_share_cell(html, "Invalid", row.by_program.invalid + row.by_judge.invalid,
                   row.by_program.count + row.by_judge.count);
  write_share_cell(html, "Truncated", row.truncated, row.answers);
  html.close();
}

void write_head_cell(Markup& html, std::string_view name, std::string_view style) {
  html.element("th", {{"scope", "col"}, {"role", "columnheader"}, {"class", style}}, name);
}

std::string difference_note(const PageView& view, const Estimate& difference) {
  return format("{} ({})", signed_text(difference.value, view.page().scale.decimals, true),
                difference.has_interval() ? view.interval_text(difference) : "no interval");
}

Axis difference_axis(const EvaluationPage& page) {
  double low = 0;
  double high = 0;
  for (const PairedDifference& row : page.differences) {
    const double value = std::isfinite(row.difference.value) ? row.difference.value : 0;
    const Interval ends = row.difference.has_interval() ? *row.difference.interval
                                                        : Interval{.low = value, .high = value};
    low = std::min({low, value, ends.low});
    high = std::max({high, value, ends.high});
  }
  return nice_axis(low, high);
}

WhiskerFigure difference_figure(const PageView& view) {
  WhiskerFigure figure{.id = "fig-diff",
                       .title = "Paired differences to the leader",
                       .axis = difference_axis(view.page()),
                       .reference = 0.0};
  for (const PairedDifference& row : view.page().differences) {
    const LeaderboardRow* model = view.row_of(row.model);
    const bool control = model != nullptr && model->is_control;
    const std::string note = difference_note(view, row.difference);
    figure.rows.push_back({.label = view.key_of(row.model) + " " + row.model,
                           .estimate = row.difference,
                           .kind = control ? MarkKind::kControl : MarkKind::kPlain,
                           .note = note});
    figure.description += (figure.description.empty() ? "" : "; ") + row.model + ": " + note;
  }
  return figure;
}

std::string_view zero_text(const Estimate& difference) {
  return !difference.has_interval()  ? kPageNoNumber
         : excludes_zero(difference) ? "excluded"
                                     : "included";
}

void write_difference_table(Markup& html, const PageView& view) {
  open_twin(html, "Table of paired differences");
  html.open("thead").open("tr");
  html.element("th", {{"scope", "col"}}, "Model");
  html.element("th", {{"scope", "col"}, {"class", "num"}}, "Leader minus model");
  html.element("th", {{"scope", "col"}, {"class", "num"}}, "Interval");
  html.element("th", {{"scope", "col"}}, "Zero");
  html.close().close().open("tbody");
  for (const PairedDifference& row : view.page().differences) {
    html.open("tr");
    html.element("th", {{"scope", "row"}, {"dir", "auto"}}, row.model);
    html.element("td", {{"class", "num"}},
                 signed_text(row.difference.value, view.page().scale.decimals, true));
    html.element("td", {{"class", "num"}}, view.interval_text(row.difference));
    html.element("td", zero_text(row.difference)).close();
  }
  close_twin(html);
}

}  // namespace

void write_leaderboard(Markup& html, const PageView& view) {
  open_section(html, "leaderboard", "Leaderboard");
  write_hint(html,
             format("Ordered by {}, from {} (worst) to {} (best), with {} intervals. A rank "
                    "is 1 + the number of contenders shown to be better by a paired difference; = "
                    "marks ranks that are shared.",
                    view.page().scale.name, short_text(view.page().scale.low),
                    short_text(view.page().scale.high), view.confidence_text()));
  open_scroll_box(html, "Leaderboard table");
  html.open("table", {{"class", "board"}, {"role", "table"}, {"aria-labelledby", "leaderboard-h"}});
  html.open("thead", {{"role", "rowgroup"}}).open("tr", {{"role", "row"}});
  write_head_cell(html, "Rank", "rank");
  write_head_cell(html, "Model", "model");
  write_head_cell(html, "Score", "num");
  html.open("th", {{"scope", "col"}, {"role", "columnheader"}, {"class", "plot"}});
  html.element("span", {{"class", "sr"}}, "Interval").trusted(axis_cell(view.score_axis())).close();
  write_head_cell(html, "Rating", "num");
  write_head_cell(html, "Invalid", "num");
  write_head_cell(html, "Truncated", "num");
  html.close().close().open("tbody", {{"role", "rowgroup"}});
  for (size_t i = 0; i < view.page().leaderboard.size(); ++i) {
    write_row(html, view, i);
  }
  html.close().close().close().close();
}

void write_differences(Markup& html, const PageView& view) {
  if (view.page().differences.empty()) {
    return;
  }
  open_section(html, "differences", "Differences to the leader");
  write_hint(
      html,
      "Leader minus contender over the same questions. Pairing removes what makes a question "
      "hard for everybody, so these intervals decide more than the overlap of those above. An "
      "interval right of the dashed zero line favours the leader.");
  html.open("figure", {{"class", "card narrow"}}).trusted(whisker_plot(difference_figure(view)));
  html.close();
  write_difference_table(html, view);
  html.close();
}

}  // namespace cupel::report
