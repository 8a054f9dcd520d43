// The analysis of votes in the terms of the report's page.
#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.h"
#include "base/text.h"
#include "cli/rank_output.h"
#include "report/numbers.h"

namespace cupel::cli {
namespace {

using rank::Analysis;
using rank::IntervalKind;

std::optional<report::Interval> to_report(const std::optional<numeric::Interval>& interval) {
  if (!interval) {
    return std::nullopt;
  }
  return report::Interval{interval->low, interval->high};
}

/// A rating is provisional while its interval is wider than that on either side, or with so few
/// votes.
constexpr double kProvisionalHalfWidth = 50;
constexpr int64_t kProvisionalVotes = 30;

std::vector<report::RankRow> rows_of(const Analysis& analysis, double confidence) {
  const bool elo = analysis.board.method->scale == rank::RatingScale::kElo;
  std::vector<report::RankRow> rows;
  for (size_t i = 0; i < analysis.board.rows.size(); ++i) {
    const rank::LeaderboardRow& row = analysis.board.rows[i];
    const double half = numeric::normal_z(confidence) * row.standard_error.value_or(0);
    const bool unknown = analysis.board.intervals != IntervalKind::kNone && !row.interval;
    std::optional<report::WithoutStyle> plain;
    if (analysis.without_features) {
      const auto& others = analysis.without_features->rows;
      const auto other = std::find_if(others.begin(), others.end(),
                                      [&](const auto& r) { return r.index == row.index; });
      plain = report::WithoutStyle{other->rating, other->rank};
    }
    rows.push_back({.rank = row.rank,
                    .rank_class = row.rank_class,
                    .model = row.model,
                    .rating = {.value = row.rating, .interval = to_report(row.interval)},
                    .outer = to_report(row.ellipsoid_interval),
                    .votes = row.battles,
                    .win_rate = analysis.win_rates[i],
                    .provisional = row.battles < kProvisionalVotes || unknown ||
                                   (elo && half > kProvisionalHalfWidth),
                    .without_style = plain});
  }
  return rows;
}

std::string interval_kind(const rank::Leaderboard& board) {
  switch (board.intervals) {
    case IntervalKind::kNone:
      return "";
    case IntervalKind::kSandwich:
      return "sandwich";
    case IntervalKind::kSimultaneous:
      return "simultaneous (max-|t|)";
    case IntervalKind::kDiagonal:
      return "sandwich (variances alone)";
    case IntervalKind::kBootstrap:
      return "bootstrap percentile";
  }
  return "";
}

std::string rank_rule(const rank::Leaderboard& board, double confidence) {
  if (board.intervals == IntervalKind::kNone) {
    return "";
  }
  const std::string how = board.intervals == IntervalKind::kDiagonal
                              ? "by intervals that hold for all models at once"
                              : "by paired differences that hold for all pairs at once";
  return format(
      "1 + the number of models shown to be better, {}: with {:g}% confidence no model at all "
      "stands wrongly above another",
      how, 100 * confidence);
}

/// First rating minus second with the interval of their difference alone.
std::optional<report::Estimate> lead_of(const Analysis& analysis, double confidence) {
  const rank::Leaderboard& board = analysis.board;
  if (board.rows.size() < 2 || board.method->scale != rank::RatingScale::kElo) {
    return std::nullopt;
  }
  const size_t a = board.rows[0].index;
  const size_t b = board.rows[1].index;
  return report::Estimate{.value = board.rows[0].rating - board.rows[1].rating,
                          .interval = to_report(board.difference_interval(a, b, confidence))};
}

report::PairMatrix pairs_of(const Analysis& analysis) {
  report::PairMatrix matrix;
  const size_t shown = std::min(analysis.shown.size(), report::kPairModels);
  for (size_t i = 0; i < shown; ++i) {
    const rank::LeaderboardRow& a = analysis.board.rows[analysis.shown[i]];
    matrix.models.push_back(a.model);
    for (size_t j = 0; j < shown; ++j) {
      const rank::LeaderboardRow& b = analysis.board.rows[analysis.shown[j]];
      report::PairCell cell;
      if (i != j) {
        cell.votes = std::llround(analysis.wins->battles(i, j));
        cell.observed = analysis.wins->share(i, j).value_or(cell.observed);
        if (const auto odds = analysis.board.log_odds(a.index, b.index)) {
          cell.predicted = 1 / (1 + std::exp(-*odds));
        }
      }
      matrix.cells.push_back(cell);
    }
  }
  return matrix;
}

report::Calibration calibration_of(const rank::Calibration& calibration) {
  report::Calibration page{.log_loss = calibration.log_loss,
                           .brier = calibration.brier,
                           .calibration_error = calibration.expected_calibration_error};
  for (const rank::CalibrationBin& bin : calibration.bins) {
    page.bins.push_back(
        {.predicted = bin.predicted,
         .observed = {.value = bin.observed,
                      .interval = report::Interval{bin.interval.low, bin.interval.high}},
         .votes = std::llround(bin.battles)});
  }
  if (calibration.held_out) {
    page.note =
        "Each vote was predicted by a fit that had not seen it: five random parts, each "
        "held out once. Votes are seen from the side of the favourite.";
  }
  return page;
}

void add_coefficients(const Analysis& analysis, double confidence, report::RankPage& page) {
  const double z = analysis.board.coefficient_critical(confidence);
  const std::vector<std::string>& features = analysis.table.features().names;
  for (const rank::Coefficient& coefficient : analysis.board.ratings.coefficients) {
    report::Coefficient entry{.name = coefficient.name, .value = {.value = coefficient.value}};
    entry.value.interval = to_report(rank::coefficient_interval(coefficient, z));
    const bool feature =
        std::find(features.begin(), features.end(), coefficient.name) != features.end();
    (feature ? page.style : page.parameters).push_back(std::move(entry));
  }
}

std::optional<report::CycleReport> cycles_of(const Analysis& analysis) {
  const numeric::Matrix& preference = analysis.board.ratings.preference;
  if (preference.empty()) {
    return std::nullopt;
  }
  report::CycleReport cycles{.found = static_cast<int64_t>(analysis.cycles.size())};
  const auto name = [&](int32_t model) { return analysis.table.models().name(model); };
  const auto chance = [&](int32_t i, int32_t j) {
    return 1 / (1 + std::exp(-preference(static_cast<size_t>(i), static_cast<size_t>(j))));
  };
  constexpr size_t kShownCycles = 20;
  for (const rank::PreferenceCycle& cycle :
       std::span(analysis.cycles).first(std::min(analysis.cycles.size(), kShownCycles))) {
    cycles.strongest.push_back(
        {.models = {name(cycle.i), name(cycle.j), name(cycle.k)},
         .probabilities = {chance(cycle.i, cycle.j), chance(cycle.j, cycle.k),
                           chance(cycle.k, cycle.i)}});
  }
  return cycles;
}

void add_groups(const RankOutput& output, report::RankPage& page) {
  page.grouped_by = output.grouped_by;
  for (const RankedGroup& group : output.groups) {
    if (group.name.empty()) {
      continue;
    }
    report::RankGroup entry{.name = group.name, .votes = group.votes};
    if (group.analysis) {
      entry.rows = rows_of(*group.analysis, output.confidence);
    } else {
      entry.notes.push_back({report::NoteLevel::kWarning, group.failure});
    }
    page.groups.push_back(std::move(entry));
  }
}

/// The names of the files without their folders, not too many.
std::string title_of(const std::vector<std::string>& files) {
  constexpr size_t kMost = 3;
  std::vector<std::string> names;
  for (const std::string& file : files) {
    if (names.size() < kMost) {
      names.push_back(file == "-" ? "standard input" : file.substr(file.find_last_of('/') + 1));
    }
  }
  return join(names, ", ") +
         (files.size() > kMost ? format(" and {} more", files.size() - kMost) : "");
}

void add_facts(const RankOutput& output, report::RankPage& page) {
  page.metadata = {{"Files", join(output.files, ", ")},
                   {"Method", output.method},
                   {"Confidence", format("{:g}%", 100 * output.confidence)},
                   {"Seed", format("{}", output.seed)}};
  if (!output.cluster.empty()) {
    page.metadata.push_back({"Clusters", output.cluster});
  }
  if (!output.choices.empty()) {
    page.metadata.push_back({"Rated with", join(output.choices, " ")});
  }
}

}  // namespace

report::RankPage rank_page(const RankOutput& output) {
  const RankedGroup& first = output.groups.front();
  report::RankPage page{.title = title_of(output.files), .confidence = output.confidence};
  page.votes = {.used = first.votes, .ties = output.votes.ties, .both_bad = output.votes.both_bad};
  if (output.votes.skipped > 0) {
    page.votes.dropped.push_back({"broken rows", output.votes.skipped});
  }
  for (const std::string& warning : output.warnings) {
    page.notes.push_back({report::NoteLevel::kWarning, warning});
  }
  add_facts(output, page);
  add_groups(output, page);
  if (!first.analysis) {
    page.notes.push_back({report::NoteLevel::kWarning, first.failure});
    return page;
  }
  const Analysis& analysis = *first.analysis;
  const rank::RatingMethod& method = *analysis.board.method;
  page.subtitle = format("{} votes between {} models", report::count_text(first.votes),
                         report::count_text(static_cast<int64_t>(analysis.board.rows.size())));
  page.method = output.method;
  page.method_meaning = std::string(method.summary);
  page.formula = std::string(method.formula);
  if (method.scale != rank::RatingScale::kElo) {
    page.rating_unit = "share";
    page.rating_decimals = 4;
  }
  page.interval_kind = interval_kind(analysis.board);
  if (!analysis.board.clusters.models.empty()) {
    page.interval_kind += ", by cluster with Student's t";
  }
  if (analysis.board.intervals == IntervalKind::kSimultaneous) {
    page.outer_kind = "ellipsoid (χ²)";
  }
  page.rank_rule = rank_rule(analysis.board, output.confidence);
  page.win_rate_rule = "share of the points in a model's own battles, a tie half";
  page.rows = rows_of(analysis, output.confidence);
  page.lead = lead_of(analysis, output.confidence);
  const auto models = static_cast<int64_t>(page.rows.size());
  if (analysis.separability) {
    const int64_t pairs = models * (models - 1) / 2;
    page.separability = report::Separability{
        std::llround(*analysis.separability * static_cast<double>(pairs)), pairs};
  }
  if (analysis.wins) {
    page.pairs = pairs_of(analysis);
  }
  if (analysis.calibration) {
    page.calibration = calibration_of(*analysis.calibration);
  }
  if (!analysis.left_out.empty()) {
    page.votes.dropped.push_back({"models with too few votes", analysis.left_out_votes});
  }
  add_coefficients(analysis, output.confidence, page);
  page.cycles = cycles_of(analysis);
  page.method_notes = {std::string(method.source)};
  if (!analysis.calibration && !analysis.calibration_note.empty()) {
    page.method_notes.push_back("No calibration: " + analysis.calibration_note + ".");
  }
  return page;
}

}  // namespace cupel::cli
