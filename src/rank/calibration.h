#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "numeric/statistics.h"
#include "rank/battle_table.h"
#include "rank/folds.h"
#include "rank/methods/method.h"

namespace cupel::rank {

/// ln of the odds of the points that models i and j take from each other.
using LogOdds = std::function<double(size_t i, size_t j)>;

/// What ratings predict for a pair: the method's own formula, else `Ratings::preference`, else the
/// difference of the values on the Elo scale. The result keeps a copy of what it needs.
/// Errors: kInvalidArgument - a method whose values are shares or counts predicts nothing.
Result<LogOdds> predicted_log_odds(const RatingMethod& method, const Ratings& ratings);

struct CalibrationOptions {
  int64_t bins = 10;         ///< of equal width over predictions from 0.5 to 1, 1 to 1,000
  double confidence = 0.95;  ///< of the bins' intervals, in (0, 1)
};

/// Battles whose favourite was given about the same chance.
struct CalibrationBin {
  double predicted = 0;        ///< mean predicted share of the favourite, in [0.5, 1]
  double observed = 0;         ///< mean share that it took; a tie is a half
  numeric::Interval interval;  ///< Wilson's, of `observed`
  double battles = 0;          ///< weight of the battles; their number where all weights are 1
};

/// How well predictions fit what happened.
struct Calibration {
  std::vector<CalibrationBin> bins;  ///< from 0.5 upwards; empty ones are left out
  double brier = 0;     ///< mean (outcome − prediction)²; 0.25 for "always one half"
  double log_loss = 0;  ///< mean cross-entropy, nats; ln 2 for "always one half"
  /// Mean over battles of |observed − predicted| of their bin.
  double expected_calibration_error = 0;
  double battles = 0;
  bool held_out = false;  ///< each battle was predicted by a fit that had not seen it
};

/// Compares predictions with the battles of a table.
///
/// Each battle enters once, seen from the side that the prediction favours, so the sides of the
/// table do not matter; a prediction of exactly one half enters half from either side.
/// Ties:   outcome ½. The interval then is too wide rather than too narrow.   Weights: shares are
///         weighted, and the interval uses Kish's effective number (Σw)²/Σw².
/// Errors: kInvalidArgument - no battles, options out of range; kFailedPrecondition - a prediction
///         that is no number.
/// Cost:   O(N).
/// Source: Brier 1950; calibration error: Guo et al. 2017, "On calibration of modern neural
/// networks".
Result<Calibration> calibrate(const BattleTable& table,
                              const LogOdds& log_odds,
                              const CalibrationOptions& options = {});

/// Learns to predict from some battles.
using Predictor = std::function<Result<LogOdds>(const BattleTable& training)>;
/// The predictor that fits `method` with these options.
Predictor predictor_of(const RatingMethod& method, const RatingOptions& options);

struct HeldOutOptions {
  FoldOptions parts = {};
  CalibrationOptions calibration = {};
};
/// The same with each battle predicted from the other parts: what a fit to these
/// battles is worth on new ones.
/// Errors: as above; those of the predictor, with the part that it failed on.
Result<Calibration> calibrate_held_out(const BattleTable& table,
                                       const Predictor& predictor,
                                       const HeldOutOptions& options = {});

}  // namespace cupel::rank
