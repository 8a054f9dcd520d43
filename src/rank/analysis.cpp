#include "rank/analysis.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "rank/connectivity.h"
#include "rank/likelihood.h"
#include "rank/methods/registry.h"
#include "rank/pair_totals.h"
#include "rank/table_edits.h"

namespace cupel::rank {
namespace {

/// The votes that stay, and who went.
Result<Ok> choose_votes(BattleTable&& votes, const AnalysisOptions& options, Analysis& out) {
  if (options.min_votes == 0) {
    out.table = std::move(votes);
    return Ok{};
  }
  out.table = votes.with_models_of(options.min_votes);
  for (const std::string& name : votes.models().names()) {
    if (!out.table.models().find(name)) {
      out.left_out.push_back(name);
    }
  }
  std::sort(out.left_out.begin(), out.left_out.end());
  out.left_out_votes = votes.battle_count() - out.table.battle_count();
  if (out.table.model_count() < 2) {
    return failed_precondition("no two models have {} votes each; lower --min-votes",
                               options.min_votes);
  }
  return Ok{};
}

/// Whether nothing looks at single votes: then equal ones are joined, and all that follows is
/// quick.
bool counts_suffice(const BattleTable& table, const AnalysisOptions& options) {
  const bool clusters_matter = options.leaderboard.rating.clustered && table.has_clusters() &&
                               options.leaderboard.intervals != IntervalKind::kNone;
  return !options.method->order_dependent && !clusters_matter && table.has_hard_outcomes() &&
         table.features().names.empty() && table.components().ids.empty() &&
         table.model_count() <= kMostCountedModels;
}

/// The table as it is rated.
Result<Ok> prepare(BattleTable&& votes, const AnalysisOptions& options, Analysis& out) {
  CUPEL_TRY_VOID(choose_votes(std::move(votes), options, out));
  if (counts_suffice(out.table, options)) {
    out.table = out.table.aggregated(ClusterUse::kDrop);
  }
  if (options.even_pairs > 0) {
    CUPEL_TRY(out.table, with_even_pairs(out.table, options.even_pairs));
  }
  if (options.pseudo_ties > 0) {
    CUPEL_TRY(out.table, with_pseudo_ties(out.table, options.pseudo_ties));
  }
  return Ok{};
}

double tie_share(const BattleTable& table) {
  int64_t ties = 0;
  int64_t battles = 0;
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    ties += battle.outcome == kTie ? battle.count : 0;
    battles += battle.count;
  }
  return battles == 0 ? 0 : static_cast<double>(ties) / static_cast<double>(battles);
}

std::vector<double> win_rates(const BattleTable& table, const Leaderboard& board) {
  std::vector<double> points(table.model_count());
  std::vector<double> battles(table.model_count());
  for (size_t i = 0; i < table.rows(); ++i) {
    const Battle battle = table.row(i);
    const auto a = static_cast<size_t>(battle.a);
    const auto b = static_cast<size_t>(battle.b);
    const auto count = static_cast<double>(battle.count);
    points[a] += count * battle.outcome;
    points[b] += count * (1 - battle.outcome);
    battles[a] += count;
    battles[b] += count;
  }
  std::vector<double> rates;
  for (const LeaderboardRow& row : board.rows) {
    rates.push_back(battles[row.index] > 0 ? points[row.index] / battles[row.index] : 0);
  }
  return rates;
}

/// Pairs told apart: a rank counts the models above it, so the sum over all counts the pairs.
std::optional<double> separated_share(const Leaderboard& board) {
  const size_t models = board.rows.size();
  if (board.intervals == IntervalKind::kNone || models < 2) {
    return std::nullopt;
  }
  int64_t separated = 0;
  for (const LeaderboardRow& row : board.rows) {
    separated += row.rank - 1;
  }
  return 2.0 * static_cast<double>(separated) /
         (static_cast<double>(models) * static_cast<double>(models - 1));
}

/// A ridge against which votes hardly count: all n of them bend the likelihood by n/4 at most.
void add_ridge_note(const AnalysisOptions& options, Analysis& out) {
  double ridge = 0;
  for (const RatingOptions::Setting& setting : options.leaderboard.rating.settings) {
    ridge = setting.name == kRidgeParameter.name ? setting.value : ridge;
  }
  double mass = 0;
  for (const PairTotal& pair : battle_totals(out.table)) {
    mass += pair.mass;
  }
  if (ridge > 0.25 * mass) {
    out.notes.push_back(format(
        "a ridge of {:g} outweighs all votes together: ratings hardly leave their mean", ridge));
  }
}

/// Models whose ratings are not what votes say, and those without an interval beside others' that
/// have one.
void add_notes(const AnalysisOptions& options, Analysis& out) {
  if (options.method->needs_one_group) {
    const std::string prior = describe_prior_ratings(
        out.table.models(), connectivity(out.table.model_count(), battle_totals(out.table)));
    if (!prior.empty()) {
      out.notes.push_back(prior);
    }
  }
  add_ridge_note(options, out);
  std::vector<std::string> names;
  for (const LeaderboardRow& row : out.board.rows) {
    if (!row.interval && out.board.intervals != IntervalKind::kNone) {
      names.push_back("\"" + excerpt(row.model, 60) + "\"");
    }
  }
  if (!names.empty()) {
    constexpr size_t kMost = 5;
    const size_t more = names.size() > kMost ? names.size() - kMost : 0;
    names.resize(names.size() - more);
    out.notes.push_back(format("no interval for {}{}: nearly all votes on it come from one cluster",
                               join(names, ", "), more > 0 ? format(" and {} more", more) : ""));
  }
}

void add_calibration(const AnalysisOptions& options, Analysis& out) {
  RatingOptions rating = options.leaderboard.rating;
  rating.covariance = Covariance::kNone;
  // What the fit chose by itself is not chosen again for each part.
  for (const Coefficient& tuned : out.board.ratings.tuned) {
    rating.settings.insert(rating.settings.begin(), {tuned.name, tuned.value});
  }
  if (!out.table.features().names.empty() || !out.table.components().ids.empty()) {
    out.calibration_note = "the prediction of a vote depends on more than its two models";
    return;
  }
  auto held_out =
      calibrate_held_out(out.table, predictor_of(*options.method, rating),
                         {.parts = {.seed = options.leaderboard.bootstrap.seed},
                          .calibration = {.confidence = options.leaderboard.confidence}});
  if (held_out) {
    out.calibration = std::move(*held_out);
  } else {
    out.calibration_note = held_out.error().message;
  }
}

Result<Ok> add_details(const AnalysisOptions& options, Analysis& out) {
  std::vector<int32_t> models;
  for (size_t i = 0; i < std::min(options.matrix_models, out.board.rows.size()); ++i) {
    out.shown.push_back(i);
    models.push_back(static_cast<int32_t>(out.board.rows[i].index));
  }
  out.wins = win_matrix(out.table, models);
  if (!out.table.features().names.empty()) {
    CUPEL_TRY(const RatingMethod* plain, find_rating_method("bradley_terry"));
    LeaderboardOptions board = options.leaderboard;
    std::erase_if(board.rating.settings,
                  [](const RatingOptions::Setting& s) { return s.name != "ridge"; });
    CUPEL_TRY(out.without_features, make_leaderboard(*plain, out.table, board));
  }
  add_calibration(options, out);
  const numeric::Matrix& preference = out.board.ratings.preference;
  if (!preference.empty()) {
    constexpr size_t kMostCycles = 10'000;
    out.cycles = preference_cycles(preference, models, kMostCycles);
    CUPEL_TRY(out.lottery, maximal_lottery(preference));
  }
  return Ok{};
}

}  // namespace

Result<Analysis> analyse(BattleTable votes, const AnalysisOptions& options) {
  Analysis out;
  CUPEL_TRY_VOID(prepare(std::move(votes), options, out));
  CUPEL_TRY(out.board, make_leaderboard(*options.method, out.table, options.leaderboard));
  add_notes(options, out);
  out.tie_share = tie_share(out.table);
  out.win_rates = win_rates(out.table, out.board);
  out.separability = separated_share(out.board);
  if (options.details) {
    CUPEL_TRY_VOID(add_details(options, out));
  }
  return out;
}

}  // namespace cupel::rank
