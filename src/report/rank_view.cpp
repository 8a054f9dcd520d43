#include "report/rank_view.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/format.h"
#include "report/numbers.h"

namespace cupel::report {

std::string RankView::rating_text(double rating) const {
  return signed_text(rating, page_.rating_decimals);
}

std::string RankView::interval_text(const Interval& interval) const {
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high)) {
    return kPageNoNumber;
  }
  return rating_text(interval.low) + " to " + rating_text(interval.high);
}

std::string RankView::interval_text(const Estimate& estimate) const {
  return estimate.interval ? interval_text(*estimate.interval) : kPageNoNumber;
}

std::string RankView::rating_note(const RankRow& row) const {
  std::string note = row.model + ": " + rating_text(row.rating.value);
  if (row.rating.has_interval()) {
    note += " (" + interval_text(row.rating) + ")";
  }
  return row.outer ? note + "; wider " + interval_text(*row.outer) : note;
}

std::string RankView::confidence_text() const {
  return short_text(page_.confidence * 100, 1) + "%";
}

Axis rating_axis(std::span<const RankRow> rows) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  const auto cover = [&](double value) {
    if (std::isfinite(value)) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  };
  for (const RankRow& row : rows) {
    cover(row.rating.value);
    for (const std::optional<Interval>& interval : {row.rating.interval, row.outer}) {
      if (interval) {
        cover(interval->low);
        cover(interval->high);
      }
    }
  }
  return tight_axis(low, high);
}

MarkKind mark_of(const std::vector<RankRow>& rows, const RankRow& row) {
  if (row.provisional) {
    return MarkKind::kControl;
  }
  const bool all_first = rows.back().rank == rows.front().rank;
  return row.rank == rows.front().rank && !all_first ? MarkKind::kLead : MarkKind::kPlain;
}

RankCounts rank_counts(std::span<const RankRow> rows) {
  RankCounts counts;
  for (const RankRow& row : rows) {
    ++counts[row.rank];
  }
  return counts;
}

void write_rank(Markup& html, int64_t rank, const RankCounts& counts) {
  html.text(count_text(rank));
  if (counts.at(rank) > 1) {
    html.element("span", {{"aria-hidden", "true"}}, "=");
    html.element("span", {{"class", "sr"}}, " tied");
  }
}

std::string share_text(double share) {
  return std::isfinite(share) ? percent_text(share) : kPageNoNumber;
}

std::string share_text(const std::optional<double>& share) {
  return share ? share_text(*share) : kPageNoNumber;
}

std::string share_interval_text(const Estimate& estimate) {
  return estimate.has_interval()
             ? share_text(estimate.interval->low) + " to " + share_text(estimate.interval->high)
             : kPageNoNumber;
}

std::string counted(int64_t count, std::string_view one, std::string_view many) {
  return count_text(count) + " " + std::string(count == 1 ? one : many);
}

}  // namespace cupel::report
