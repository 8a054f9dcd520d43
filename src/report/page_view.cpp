#include "report/page_view.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "report/numbers.h"

namespace cupel::report {
namespace {

Axis axis_of_scores(const EvaluationPage& page) {
  double low = page.scale.high;
  double high = page.scale.low;
  for (const LeaderboardRow& row : page.leaderboard) {
    for (const double value : {row.score.value, row.score.ci_low, row.score.ci_high}) {
      if (std::isfinite(value)) {
        low = std::min(low, value);
        high = std::max(high, value);
      }
    }
  }
  if (low > high) {
    return nice_axis(page.scale.low, page.scale.high);
  }
  return nice_axis(low, high);
}

}  // namespace

PageView::PageView(const EvaluationPage& page) : page_(page), score_axis_(axis_of_scores(page)) {}

std::string PageView::key_of_row(size_t row) const {
  return row < 26 ? std::string(1, static_cast<char>('A' + row)) : format("{}", row + 1);
}

std::string PageView::key_of(std::string_view model) const {
  for (size_t i = 0; i < page_.leaderboard.size(); ++i) {
    if (page_.leaderboard[i].model == model) {
      return key_of_row(i);
    }
  }
  return "?";
}

MarkKind PageView::kind_of_row(size_t row) const {
  if (page_.leaderboard[row].is_control) {
    return MarkKind::kControl;
  }
  return row == 0 ? MarkKind::kLead : MarkKind::kPlain;
}

const LeaderboardRow* PageView::row_of(std::string_view model) const {
  for (const LeaderboardRow& row : page_.leaderboard) {
    if (row.model == model) {
      return &row;
    }
  }
  return nullptr;
}

const PairedDifference* PageView::difference_of(std::string_view model) const {
  for (const PairedDifference& difference : page_.differences) {
    if (difference.model == model) {
      return &difference;
    }
  }
  return nullptr;
}

std::string PageView::score_text(std::optional<double> score) const {
  return score ? signed_text(*score, page_.scale.decimals) : kNoNumber;
}

std::string PageView::interval_text(const Estimate& estimate) const {
  return score_text(estimate.ci_low) + " to " + score_text(estimate.ci_high);
}

std::string PageView::confidence_text() const {
  return short_text(page_.confidence * 100, 1) + "%";
}

bool excludes_zero(const Estimate& difference) {
  return difference.ci_low > 0 || difference.ci_high < 0;
}

void open_section(Markup& html, std::string_view id, std::string_view heading) {
  const std::string heading_id = std::string(id) + "-h";
  html.open("section", {{"id", id}, {"aria-labelledby", heading_id}});
  html.element("h2", {{"id", heading_id}}, heading);
}

void open_scroll_box(Markup& html, std::string_view label) {
  html.open("div",
            {{"class", "scroll"}, {"role", "region"}, {"tabindex", "0"}, {"aria-label", label}});
}

void write_model_name(Markup& html, const PageView& view, size_t row) {
  const LeaderboardRow& model = view.page().leaderboard[row];
  html.element("span", {{"class", "key"}}, view.key_of_row(row)).text(" ");
  html.element("span", {{"class", "name"}, {"dir", "auto"}}, model.model);
  if (model.is_control) {
    html.text(" ").element("span", {{"class", "tag"}}, "control");
  }
}

void write_hint(Markup& html, std::string_view text) {
  html.element("p", {{"class", "hint"}}, text);
}

}  // namespace cupel::report
