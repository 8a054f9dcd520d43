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
    if (std::isfinite(row.score.value)) {
      low = std::min(low, row.score.value);
      high = std::max(high, row.score.value);
    }
    if (row.score.has_interval()) {
      low = std::min(low, row.score.interval->low);
      high = std::max(high, row.score.interval->high);
    }
  }
  const bool none = low > high;
  const Axis axis = nice_axis(none ? page.scale.low : low, none ? page.scale.high : high);
  return clipped_axis(axis, page.scale.low, page.scale.high);
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
  // Nobody leads alone.
  return row == 0 && page_.leaderboard.size() > 1 ? MarkKind::kLead : MarkKind::kPlain;
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
  return score ? signed_text(*score, page_.scale.decimals) : kPageNoNumber;
}

std::string PageView::interval_text(const Estimate& estimate) const {
  return estimate.has_interval()
             ? score_text(estimate.interval->low) + " to " + score_text(estimate.interval->high)
             : kPageNoNumber;
}

std::string PageView::confidence_text() const {
  return short_text(page_.confidence * 100, 1) + "%";
}

bool excludes_zero(const Estimate& difference) {
  return difference.has_interval() &&
         (difference.interval->low > 0 || difference.interval->high < 0);
}

void write_model_name(Markup& html, const PageView& view, size_t row) {
  const LeaderboardRow& model = view.page().leaderboard[row];
  html.element("span", {{"class", "key"}}, view.key_of_row(row)).text(" ");
  html.element("span", {{"class", "name"}, {"dir", "auto"}}, model.model);
  if (model.is_control) {
    html.text(" ").element("span", {{"class", "tag"}}, "control");
  }
}

}  // namespace cupel::report
