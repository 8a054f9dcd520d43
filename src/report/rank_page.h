#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "report/estimate.h"
#include "report/page_notes.h"

namespace cupel::report {

/// A rating and the tied rank of one table without style control, beside those with it.
struct WithoutStyle {
  double rating = 0;
  int64_t rank = 1;
};

/// One model; rows come best first.
struct RankRow {
  int64_t rank = 1;  ///< by RankPage::rank_rule; several models may share it
  std::optional<int64_t> rank_class{};
  std::string model{};
  Estimate rating{};                ///< on the page's scale, with RankPage::interval_kind
  std::optional<Interval> outer{};  ///< RankPage::outer_kind: contains the one above
  int64_t votes = 0;
  std::optional<double> win_rate{};  ///< against the field, in [0, 1]; see RankPage::win_rate_rule
  bool provisional = false;          ///< too few votes, or too wide an interval: shown in grey
  std::optional<WithoutStyle> without_style{};
};

/// Votes that did not count, and why.
struct DroppedVotes {
  std::string reason{};
  int64_t count = 0;
};

/// What became of the votes that were read.
struct VoteCounts {
  int64_t used = 0;
  int64_t ties = 0;                 ///< of those used; with both_bad
  int64_t both_bad = 0;             ///< of those used
  std::optional<int64_t> voters{};  ///< none: the files do not say who voted
  std::vector<DroppedVotes> dropped{};
};

/// The pairs of models whose ratings are told apart.
struct Separability {
  int64_t separated = 0;
  int64_t pairs = 0;
};

/// One model against another.
struct PairCell {
  double observed = std::numeric_limits<double>::quiet_NaN();   ///< share won, ties half; in [0, 1]
  double predicted = std::numeric_limits<double>::quiet_NaN();  ///< by the ratings; NaN: unknown
  int64_t votes = 0;
};

/// The map of win rates shows this many models; a caller need not hand over more.
inline constexpr size_t kPairModels = 40;

/// Win rates of models against each other, of the row's over the column's.
struct PairMatrix {
  std::vector<std::string> models{};  ///< [M], best first
  std::vector<PairCell> cells{};      ///< [M, M] row-major; the diagonal is not looked at
};

/// Predicted against observed, over bins of battles.
struct CalibrationBin {
  double predicted = 0;  ///< mean predicted win rate of the bin, in [0, 1]
  Estimate observed{};   ///< win rate in it, ties half, with its interval
  int64_t votes = 0;
};
struct Calibration {
  std::vector<CalibrationBin> bins{};
  std::optional<double> log_loss{};           ///< nats a vote; a coin has ln 2 = 0.6931
  std::optional<double> brier{};              ///< mean squared error; a coin has 0.25 without ties
  std::optional<double> calibration_error{};  ///< mean |predicted - observed|, weighted by votes
  std::string note{};                         ///< e.g. which votes were held out; may be empty
};

/// A number that the method fitted beside the ratings.
struct Coefficient {
  std::string name{};
  Estimate value{};
  std::string meaning{};  ///< a few words; may be empty
};

/// Models each of which beats the next, and the last the first.
struct PreferenceCycle {
  std::vector<std::string> models{};    ///< three or more
  std::vector<double> probabilities{};  ///< [models], of each beating the next
};
struct CycleReport {
  int64_t found = 0;                         ///< of three models; more may be found than are shown
  std::vector<PreferenceCycle> strongest{};  ///< strongest first: by the least of its probabilities
  std::string note{};                        ///< e.g. how they were counted; may be empty
};

/// The same leaderboard over the votes of one group, e.g. one language.
struct RankGroup {
  std::string name{};
  int64_t votes = 0;
  std::vector<RankRow> rows{};  ///< best first; none: `notes` say why
  std::vector<Note> notes{};
};

/// Everything one leaderboard shows, in the report's own terms. All texts may be hostile.
struct RankPage {
  std::string title{};           ///< e.g. "votes.csv"
  std::string subtitle{};        ///< e.g. "8,931 votes between 59 models"
  std::string method{};          ///< e.g. "Bradley–Terry"
  std::string method_meaning{};  ///< one line
  std::string formula{};         ///< plain text, e.g. "P(i beats j) = σ(β_i − β_j)"
  std::string rating_unit = "Elo points";
  int rating_decimals = 0;
  double confidence = 0.95;
  // Fragments that stand behind their term, without a full stop.
  std::string interval_kind{};  ///< e.g. "sandwich, each rating for itself"; empty: there are none
  std::string outer_kind{};     ///< what the wider intervals are; empty: there are none
  /// What a rank means; empty: the order of the ratings, as without intervals.
  std::string rank_rule{};
  std::string win_rate_rule{};     ///< what a win rate against the field is; may be empty
  std::vector<RankRow> rows{};     ///< best first
  std::optional<Estimate> lead{};  ///< first rating minus second, with the paired interval
  VoteCounts votes{};
  std::optional<Separability> separability{};
  std::optional<PairMatrix> pairs{};
  std::optional<Calibration> calibration{};
  std::vector<Coefficient> style{};       ///< log-odds a standard deviation of a feature, or a unit
  std::vector<Coefficient> parameters{};  ///< of ties and the like
  std::optional<CycleReport> cycles{};    ///< of methods that can express them
  std::string grouped_by{};               ///< the column of `groups`
  std::vector<RankGroup> groups{};
  std::vector<Note> notes{};
  std::vector<RunFact> metadata{};          ///< files, filters, seed, command line; in this order
  std::vector<std::string> method_notes{};  ///< how it was done, a paragraph each
};

/// Renders one self-contained HTML file: no requests, light and dark, printable, readable at 320
/// px.
///
/// One small script of its own, let in by its hash, makes tables sortable and searchable; without
/// it the page says the same. Numbers that are absent or not finite show as "–". Every figure has a
/// table twin. All models stand in the table; figures and groups are capped, and say so.
/// Cost: linear in the models and groups, 1,000 models stay below 3 MB. Deterministic, thread-safe.
std::string render_rank_page(const RankPage& page);

}  // namespace cupel::report
