// Ratings at one glance, and what the fit says about style.
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "base/format.h"
#include "report/numbers.h"
#include "report/page_parts.h"
#include "report/rank_view.h"
#include "report/text_width.h"

namespace cupel::report {
namespace {

constexpr size_t kFigureRows = 60;
constexpr int kCoefficientDecimals = 3;
constexpr size_t kNameColumns = 20;  // beside the numbers on a phone; the table has all of it

std::string ratings_description(const RankView& view, size_t shown) {
  const std::vector<RankRow>& rows = view.page().rows;
  const auto named = [&](const RankRow& row) {
    return view.rating_text(row.rating.value) + " of " + row.model;
  };
  return format("{} from the best down: {} to {}",
                counted(static_cast<int64_t>(shown), "model", "models"), named(rows.front()),
                named(rows[shown - 1]));
}

WhiskerFigure ratings_figure(const RankView& view, size_t shown) {
  const std::vector<RankRow>& rows = view.page().rows;
  WhiskerFigure figure{.id = "fig-ratings",
                       .title = "Ratings with intervals",
                       .description = ratings_description(view, shown),
                       .axis = rating_axis(std::span(rows).first(shown))};
  for (size_t i = 0; i < shown; ++i) {
    figure.rows.push_back({.label = rows[i].model,
                           .estimate = rows[i].rating,
                           .kind = mark_of(rows, rows[i]),
                           .note = view.rating_note(rows[i]),
                           .outer = rows[i].outer});
  }
  return figure;
}

void write_ratings_twin(Markup& html, const RankView& view, size_t shown) {
  const bool outer = !view.page().outer_kind.empty();
  open_twin(html, "Table of ratings and intervals");
  std::vector<std::string_view> heads = {"Model", "Rating", "Interval"};
  if (outer) {
    heads.emplace_back("Wider interval");
  }
  write_number_heads(html, heads);
  for (size_t i = 0; i < shown; ++i) {
    const RankRow& row = view.page().rows[i];
    html.open("tr").element("th", {{"scope", "row"}, {"dir", "auto"}}, row.model);
    write_number_cell(html, view.rating_text(row.rating.value));
    write_number_cell(html, view.interval_text(row.rating));
    if (outer) {
      write_number_cell(html, row.outer ? view.interval_text(*row.outer) : kPageNoNumber);
    }
    html.close();
  }
  close_twin(html);
}

std::string coefficient_text(double value) {
  return signed_text(value, kCoefficientDecimals, true);
}

std::string coefficient_interval(const Estimate& estimate) {
  return estimate.has_interval()
             ? signed_text(estimate.interval->low, kCoefficientDecimals) + " to " +
                   signed_text(estimate.interval->high, kCoefficientDecimals)
             : kPageNoNumber;
}

Axis style_axis(const std::vector<Coefficient>& style) {
  double low = 0;
  double high = 0;
  for (const Coefficient& row : style) {
    const double value = std::isfinite(row.value.value) ? row.value.value : 0;
    const Interval ends =
        row.value.has_interval() ? *row.value.interval : Interval{.low = value, .high = value};
    low = std::min({low, value, ends.low});
    high = std::max({high, value, ends.high});
  }
  return nice_axis(low, high);
}

WhiskerFigure style_figure(const std::vector<Coefficient>& style) {
  WhiskerFigure figure{.id = "fig-style",
                       .title = "Style coefficients with intervals",
                       .axis = style_axis(style),
                       .reference = 0.0};
  for (const Coefficient& row : style) {
    const std::string note =
        row.value.has_interval()
            ? format("{} ({})", coefficient_text(row.value.value), coefficient_interval(row.value))
            : coefficient_text(row.value.value);
    figure.rows.push_back(
        {.label = cut_to_width(row.name, kNameColumns), .estimate = row.value, .note = note});
    figure.description += (figure.description.empty() ? "" : "; ") + row.name + ": " + note;
  }
  return figure;
}

void write_style_twin(Markup& html, const std::vector<Coefficient>& style) {
  open_twin(html, "Table of style coefficients");
  write_number_heads(html, {"Feature", "Coefficient", "Interval", "Odds ×"});
  for (const Coefficient& row : style) {
    html.open("tr").element("th", {{"scope", "row"}, {"dir", "auto"}}, row.name);
    write_number_cell(html, coefficient_text(row.value.value));
    write_number_cell(html, coefficient_interval(row.value));
    write_number_cell(html, signed_text(std::exp(row.value.value), 2));
    html.close();
  }
  close_twin(html);
}

}  // namespace

void write_rank_ratings(Markup& html, const RankView& view) {
  const RankPage& page = view.page();
  if (page.rows.size() < 2) {
    return;
  }
  const size_t shown = std::min(kFigureRows, page.rows.size());
  open_section(html, "ratings", "Ratings at a glance");
  std::string hint = page.interval_kind.empty()
                         ? "One mark a model."
                         : "Lines and boxes are the intervals of the table above. Whether two "
                           "models can be told apart is decided by their difference, not by "
                           "whether their lines overlap.";
  if (shown < page.rows.size()) {
    hint += format(" The first {} of {} models.", shown,
                   count_text(static_cast<int64_t>(page.rows.size())));
  }
  write_hint(html, hint);
  html.open("figure", {{"class", "card glance"}});
  html.trusted(compact_whisker_plot(ratings_figure(view, shown)));
  write_ratings_twin(html, view, shown);
  html.close().close();
}

void write_rank_style(Markup& html, const RankView& view) {
  const std::vector<Coefficient>& style = view.page().style;
  if (style.empty()) {
    return;
  }
  open_section(html, "style", "What style is worth");
  write_hint(html,
             "Log-odds that one standard deviation more of a feature adds to an answer, all else "
             "equal; right of the dashed line voters favour it. The ratings above have these "
             "effects taken out.");
  html.open("figure", {{"class", "card narrow"}}).trusted(whisker_plot(style_figure(style)));
  write_style_twin(html, style);
  html.close().close();
}

}  // namespace cupel::report
