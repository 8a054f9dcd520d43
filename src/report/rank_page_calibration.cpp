// Whether the ratings predict: what they said of pairs against what happened.
#include <string>

#include "base/format.h"
#include "report/figures_calibration.h"
#include "report/numbers.h"
#include "report/page_parts.h"
#include "report/rank_view.h"

namespace cupel::report {
namespace {

std::string bin_note(const CalibrationBin& bin) {
  std::string note = format("predicted {}, observed {}", share_text(bin.predicted),
                            share_text(bin.observed.value));
  if (bin.observed.has_interval()) {
    note += " (" + share_interval_text(bin.observed) + ")";
  }
  return note + ", " + counted(bin.votes, "vote", "votes");
}

CalibrationFigure figure_of(const Calibration& calibration) {
  CalibrationFigure figure{.id = "fig-calibration",
                           .title = "Predicted against observed win rates",
                           .description = {},
                           .points = {}};
  for (const CalibrationBin& bin : calibration.bins) {
    const std::string note = bin_note(bin);
    figure.points.push_back({bin.predicted, bin.observed, bin.votes, note});
    figure.description += (figure.description.empty() ? "" : "; ") + note;
  }
  return figure;
}

void write_scores(Markup& html, const Calibration& calibration) {
  html.open("dl", {{"class", "facts"}});
  const auto fact = [&](std::string_view name, const std::optional<double>& value,
                        std::string_view more) {
    if (value) {
      write_headline_fact(html, name, signed_text(*value, 4), more);
    }
  };
  fact("Log-loss", calibration.log_loss, "a coin: 0.6931");
  fact("Brier score", calibration.brier, "lower is better");
  fact("Calibration error", calibration.calibration_error, "mean distance to the diagonal");
  html.close();
}

void write_calibration_twin(Markup& html, const RankView& view, const Calibration& calibration) {
  open_twin(html, "Table of predicted and observed win rates");
  const std::string interval = view.confidence_text() + " interval";
  write_number_heads(html, {"Predicted", "Observed", interval, "Votes"});
  for (const CalibrationBin& bin : calibration.bins) {
    html.open("tr").element("th", {{"scope", "row"}}, share_text(bin.predicted));
    write_number_cell(html, share_text(bin.observed.value));
    write_number_cell(html, share_interval_text(bin.observed));
    write_number_cell(html, count_text(bin.votes));
    html.close();
  }
  close_twin(html);
}

}  // namespace

void write_rank_calibration(Markup& html, const RankView& view) {
  if (!view.page().calibration) {
    return;
  }
  const Calibration& calibration = *view.page().calibration;
  open_section(html, "calibration", "Do the ratings predict?");
  write_hint(html,
             "Battles in bins of what the ratings predicted of them, against what happened, ties "
             "counting half. Points on the dashed diagonal are right; the larger a point, the more "
             "votes it rests on.");
  if (!calibration.note.empty()) {
    html.element("p", {{"class", "hint"}, {"dir", "auto"}}, calibration.note);
  }
  write_scores(html, calibration);
  if (!calibration.bins.empty()) {
    html.open("figure", {{"class", "card square"}})
        .trusted(calibration_plot(figure_of(calibration)));
    write_calibration_twin(html, view, calibration);
    html.close();
  }
  html.close();
}

}  // namespace cupel::report
