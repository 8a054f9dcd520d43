#include "cli/rank_output.h"

#include <cmath>

#include <unistd.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/rank_votes.h"
#include "report/numbers.h"
#include "report/table.h"
#include "report/terminal.h"

namespace cupel::cli {
namespace {

using rank::Analysis;
using rank::LeaderboardRow;

int decimals(const Analysis& analysis) {
  return analysis.board.method->scale == rank::RatingScale::kElo ? 1 : 4;
}

std::string number(double value) {
  return format("{:.10g}", value);
}

std::string interval_text(const std::optional<numeric::Interval>& interval, int digits) {
  return interval ? format("{} - {}", report::fixed_text(interval->low, digits),
                           report::fixed_text(interval->high, digits))
                  : report::kNoNumber;
}

std::string board_table(const RankOutput& output, const Analysis& analysis) {
  using report::Align;
  const int digits = decimals(analysis);
  report::Table table({{"rank", Align::kRight},
                       {"model", Align::kLeft, 14},
                       {"rating", Align::kRight},
                       {format("{:g}% interval", 100 * output.confidence), Align::kRight, 0, 1},
                       {"votes", Align::kRight, 0, 2},
                       {"won", Align::kRight, 0, 3}});
  for (size_t i = 0; i < analysis.board.rows.size(); ++i) {
    const LeaderboardRow& row = analysis.board.rows[i];
    table.add_row(std::vector<std::string>{
        format("{}", row.rank), row.model, report::fixed_text(row.rating, digits),
        interval_text(row.interval, digits), report::count_text(row.battles),
        report::percent_text(analysis.win_rates[i])});
  }
  return table.render(report::detect_terminal(STDOUT_FILENO));
}

std::string coefficient_text(const rank::Coefficient& coefficient, double z) {
  const auto interval = rank::coefficient_interval(coefficient, z);
  return format(
      "{} {:.4f}{}", coefficient.name, coefficient.value,
      interval ? format(" ({:.4f} to {:.4f})", interval->low, interval->high) : std::string());
}

/// What the numbers of one leaderboard are worth, a line each.
std::string below_table(const RankOutput& output, const Analysis& analysis) {
  std::string text;
  const auto line = [&](const std::string& words) { text += words + "\n"; };
  if (analysis.separability) {
    line(format("{} of all pairs are told apart; equal ranks are not.",
                report::percent_text(*analysis.separability)));
  } else {
    line("Ranks follow the ratings: no intervals were asked for (--ci).");
  }
  if (analysis.board.intervals == rank::IntervalKind::kDiagonal) {
    line(
        "Ranks compare whole intervals at once: without covariances nothing is known of "
        "differences.");
  }
  if (!analysis.board.ratings.coefficients.empty()) {
    const double z = analysis.board.coefficient_critical(output.confidence);
    for (const rank::Coefficient& coefficient : analysis.board.ratings.coefficients) {
      line(coefficient_text(coefficient, z));
    }
  }
  if (!analysis.left_out.empty()) {
    line(format("{} models have too few votes and are left out with {} votes.",
                report::count_text(static_cast<int64_t>(analysis.left_out.size())),
                report::count_text(analysis.left_out_votes)));
  }
  return text;
}

Json texts(const std::vector<std::string>& values) {
  Json json = Json::array();
  for (const std::string& value : values) {
    json.push_back(value);
  }
  return json;
}

Json row_json(const LeaderboardRow& row, double win_rate) {
  Json json = Json::object();
  json.set("item", row.model);
  json.set("rating", row.rating);
  json.set("ci_low", row.interval ? Json(row.interval->low) : Json());
  json.set("ci_high", row.interval ? Json(row.interval->high) : Json());
  if (row.ellipsoid_interval) {
    json.set("ellipsoid_low", row.ellipsoid_interval->low);
    json.set("ellipsoid_high", row.ellipsoid_interval->high);
  }
  json.set("standard_error", row.standard_error ? Json(*row.standard_error) : Json());
  json.set("rank", row.rank);
  json.set("rank_class", row.rank_class);
  json.set("votes", row.battles);
  json.set("win_rate", win_rate);
  return json;
}

Json calibration_json(const rank::Calibration& calibration) {
  Json json = Json::object();
  json.set("brier", calibration.brier);
  json.set("log_loss", calibration.log_loss);
  json.set("expected_calibration_error", calibration.expected_calibration_error);
  json.set("held_out", calibration.held_out);
  Json bins = Json::array();
  for (const rank::CalibrationBin& bin : calibration.bins) {
    Json entry = Json::object();
    entry.set("predicted", bin.predicted);
    entry.set("observed", bin.observed);
    entry.set("low", bin.interval.low);
    entry.set("high", bin.interval.high);
    entry.set("votes", bin.battles);
    bins.push_back(std::move(entry));
  }
  json.set("bins", std::move(bins));
  return json;
}

Json pairs_json(const Analysis& analysis) {
  Json pairs = Json::array();
  for (size_t i = 0; i < analysis.shown.size(); ++i) {
    for (size_t j = i + 1; j < analysis.shown.size(); ++j) {
      const LeaderboardRow& a = analysis.board.rows[analysis.shown[i]];
      const LeaderboardRow& b = analysis.board.rows[analysis.shown[j]];
      const auto observed = analysis.wins->share(i, j);
      const auto odds = analysis.board.log_odds(a.index, b.index);
      Json pair = Json::object();
      pair.set("a", a.model);
      pair.set("b", b.model);
      pair.set("votes", analysis.wins->battles(i, j));
      pair.set("observed", observed ? Json(*observed) : Json());
      pair.set("predicted", odds ? Json(1 / (1 + std::exp(-*odds))) : Json());
      pairs.push_back(std::move(pair));
    }
  }
  return pairs;
}

Json group_json(const RankedGroup& group, double confidence) {
  Json json = Json::object();
  json.set("group", group.name.empty() ? Json() : Json(group.name));
  json.set("votes", group.votes);
  if (!group.analysis) {
    json.set("failure", group.failure);
    return json;
  }
  const Analysis& analysis = *group.analysis;
  Json rows = Json::array();
  for (size_t i = 0; i < analysis.board.rows.size(); ++i) {
    rows.push_back(row_json(analysis.board.rows[i], analysis.win_rates[i]));
  }
  json.set("leaderboard", std::move(rows));
  Json coefficients = Json::array();
  const double z = analysis.board.coefficient_critical(confidence);
  for (const rank::Coefficient& coefficient : analysis.board.ratings.coefficients) {
    Json entry = Json::object();
    entry.set("name", coefficient.name);
    entry.set("value", coefficient.value);
    const auto interval = rank::coefficient_interval(coefficient, z);
    entry.set("low", interval ? Json(interval->low) : Json());
    entry.set("high", interval ? Json(interval->high) : Json());
    coefficients.push_back(std::move(entry));
  }
  json.set("coefficients", std::move(coefficients));
  const double likelihood = analysis.board.ratings.report.log_likelihood;
  json.set("log_likelihood", likelihood == 0 ? Json() : Json(likelihood));
  json.set("separability", analysis.separability ? Json(*analysis.separability) : Json());
  json.set("tie_share", analysis.tie_share);
  json.set("left_out", texts(analysis.left_out));
  if (analysis.wins) {
    json.set("pairs", pairs_json(analysis));
  }
  if (!analysis.calibration_note.empty()) {
    json.set("calibration_note", analysis.calibration_note);
  }
  if (analysis.calibration) {
    json.set("calibration", calibration_json(*analysis.calibration));
  }
  return json;
}

}  // namespace

std::string rank_text(const RankOutput& output) {
  std::string text;
  for (const RankedGroup& group : output.groups) {
    if (!output.grouped_by.empty()) {
      text += format("{}{}: {} votes\n", text.empty() ? "" : "\n",
                     group.name.empty() ? "all" : output.grouped_by + " = " + group.name,
                     report::count_text(group.votes));
    }
    if (!group.analysis) {
      text += "  not rated: " + group.failure + "\n";
      continue;
    }
    text += board_table(output, *group.analysis) + below_table(output, *group.analysis);
  }
  if (!output.choices.empty()) {
    text += format("Rated with {}.\n", join(output.choices, " "));
  }
  return text;
}

std::string rank_csv(const RankOutput& output) {
  const bool grouped = !output.grouped_by.empty();
  std::string text = grouped ? "group,item,rating,ci_low,ci_high,rank,votes\n"
                             : "item,rating,ci_low,ci_high,rank,votes\n";
  for (const RankedGroup& group : output.groups) {
    if (!group.analysis) {
      continue;
    }
    for (const LeaderboardRow& row : group.analysis->board.rows) {
      text += format("{}{},{},{},{},{},{}\n", grouped ? csv_field(group.name) + "," : "",
                     csv_field(row.model), number(row.rating),
                     row.interval ? number(row.interval->low) : "",
                     row.interval ? number(row.interval->high) : "", row.rank, row.battles);
    }
  }
  return text;
}

Json rank_json(const RankOutput& output) {
  Json json = Json::object();
  json.set("method", output.method);
  json.set("files", texts(output.files));
  json.set("confidence", output.confidence);
  json.set("seed", output.seed);
  json.set("cluster", output.cluster.empty() ? Json() : Json(output.cluster));
  json.set("choices", texts(output.choices));
  json.set("votes", output.votes.wins_a + output.votes.wins_b + output.votes.ties);
  json.set("wins_a", output.votes.wins_a);
  json.set("wins_b", output.votes.wins_b);
  json.set("ties", output.votes.ties);
  json.set("both_bad", output.votes.both_bad);
  json.set("skipped", output.votes.skipped);
  json.set("warnings", texts(output.warnings));
  json.set("grouped_by", output.grouped_by.empty() ? Json() : Json(output.grouped_by));
  Json groups = Json::array();
  for (const RankedGroup& group : output.groups) {
    groups.push_back(group_json(group, output.confidence));
  }
  json.set("groups", std::move(groups));
  return json;
}

}  // namespace cupel::cli
