#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "rank/battle_table.h"
#include "rank/calibration.h"
#include "rank/leaderboard.h"
#include "rank/maximal_lottery.h"
#include "rank/win_matrix.h"

namespace cupel::rank {

/// How votes become a leaderboard, and what is looked at besides.
struct AnalysisOptions {
  const RatingMethod* method = nullptr;
  LeaderboardOptions leaderboard{};
  int64_t min_votes = 0;      ///< models with fewer are left out with their votes
  int64_t even_pairs = 0;     ///< see with_even_pairs; 0: off
  double pseudo_ties = 0;     ///< see with_pseudo_ties; 0: off
  bool details = false;       ///< also win rates, calibration and cycles
  size_t matrix_models = 40;  ///< of the best, in `Analysis::wins` and `cycles`
};

/// A leaderboard and what it is worth.
struct Analysis {
  BattleTable table;  ///< the votes that were rated, equal ones joined where that changes nothing
  Leaderboard board;
  std::vector<std::string> left_out;  ///< models with fewer than min_votes, sorted
  int64_t left_out_votes = 0;         ///< votes that went with them
  /// What a reader must know to read the ratings rightly, a line each: models whose ratings a prior
  /// sets, models without an interval.
  std::vector<std::string> notes;
  double tie_share = 0;                  ///< of the rated votes
  std::optional<double> separability{};  ///< share of pairs that are told apart (see the ranks)
  std::vector<double> win_rates{};       ///< [rows] share of the points in a model's own battles
  // With `details`:
  std::optional<Leaderboard> without_features{};  ///< of a table with features: bradley_terry's
  std::vector<size_t> shown{};                    ///< rows of the board in `wins`, best first
  std::optional<WinMatrix> wins{};
  std::optional<Calibration> calibration{};  ///< held out in five parts
  std::string calibration_note{};            ///< why there is none
  std::vector<PreferenceCycle> cycles{};     ///< of table indices; methods with preferences only
  std::optional<std::vector<double>> lottery{};  ///< [M] likewise
};

/// Rates a table.
///
/// Errors: those of make_leaderboard, with_even_pairs and with_pseudo_ties; kFailedPrecondition -
/// no
///         two models with min_votes.
/// Cost:   that of the leaderboard; details: five more fits and a pass over the votes.
Result<Analysis> analyse(BattleTable votes, const AnalysisOptions& options);

}  // namespace cupel::rank
