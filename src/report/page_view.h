#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "report/axis.h"
#include "report/evaluation_page.h"
#include "report/figures.h"
#include "report/markup.h"
#include "report/page_parts.h"

namespace cupel::report {

/// What all sections of the evaluation page look up: letters of models, marks, the common axis.
/// Private to the page; the page outlives it.
class PageView {
 public:
  explicit PageView(const EvaluationPage& page);

  [[nodiscard]] const EvaluationPage& page() const { return page_; }
  /// "A" for the first row, … "Z", then "27", "28", …; "?" for a model that has no row.
  [[nodiscard]] std::string key_of(std::string_view model) const;
  [[nodiscard]] std::string key_of_row(size_t row) const;
  [[nodiscard]] MarkKind kind_of_row(size_t row) const;
  [[nodiscard]] const LeaderboardRow* row_of(std::string_view model) const;
  [[nodiscard]] const PairedDifference* difference_of(std::string_view model) const;
  /// Covers every interval of the leaderboard, within the scale.
  [[nodiscard]] const Axis& score_axis() const { return score_axis_; }

  /// A score with the page's decimals; "–" when absent or not finite.
  [[nodiscard]] std::string score_text(std::optional<double> score) const;
  /// "0.552 to 0.671"; "–" where there is no interval.
  [[nodiscard]] std::string interval_text(const Estimate& estimate) const;
  /// "95%"
  [[nodiscard]] std::string confidence_text() const;

 private:
  const EvaluationPage& page_;
  Axis score_axis_;
};

/// Whether there is an interval and it leaves out zero, on either side.
bool excludes_zero(const Estimate& difference);

// The sections, in the order of the page.
void write_headline(Markup& html, const PageView& view);
void write_leaderboard(Markup& html, const PageView& view);
void write_differences(Markup& html, const PageView& view);
void write_categories(Markup& html, const PageView& view);
void write_deciders(Markup& html, const PageView& view);
void write_cost(Markup& html, const PageView& view);
void write_questions(Markup& html, const PageView& view);
void write_method(Markup& html, const PageView& view);

// Parts that several sections use.

/// The model's letter as a small mark, its name, and "control" where it is one.
void write_model_name(Markup& html, const PageView& view, size_t row);
/// All rules of the page.
std::string page_css(const EvaluationPage& page);

}  // namespace cupel::report
