#include "rank/calibration.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "numeric/logistic.h"
#include "rank/methods/registry.h"
#include "rank/outcome_groups.h"

namespace cupel::rank {
namespace {

using numeric::log1p_exp;
using numeric::sigmoid;

struct BinSums {
  double mass = 0;       // Σ w
  double squares = 0;    // Σ w²
  double predicted = 0;  // Σ w·p
  double observed = 0;   // Σ w·y
};

/// Sums over battles, wherever their predictions come from.
class Tally {
 public:
  explicit Tally(const CalibrationOptions& options)
      : options_(options), bins_(static_cast<size_t>(options.bins)) {}

  Result<Ok> add(const BattleTable& table, const LogOdds& log_odds) {
    for (const OutcomeGroup& group : outcome_groups(table)) {
      const double s = log_odds(static_cast<size_t>(group.a), static_cast<size_t>(group.b));
      if (!std::isfinite(s)) {
        return failed_precondition(
            "the prediction for \"{}\" against \"{}\" is {:g}; expected a "
            "finite log-odds",
            table.models().name(group.a), table.models().name(group.b), s);
      }
      add_group(group, s);
    }
    return Ok{};
  }

  Result<Calibration> result(bool held_out) const {
    if (!(mass_ > 0)) {
      return invalid_argument("there are no battles to compare predictions with");
    }
    Calibration calibration{
        .brier = brier_ / mass_, .log_loss = loss_ / mass_, .battles = mass_, .held_out = held_out};
    for (const BinSums& sums : bins_) {
      if (!(sums.mass > 0)) {
        continue;
      }
      CalibrationBin bin{.predicted = sums.predicted / sums.mass,
                         .observed = std::clamp(sums.observed / sums.mass, 0.0, 1.0),
                         .battles = sums.mass};
      const double effective = sums.mass * sums.mass / sums.squares;
      CUPEL_TRY(bin.interval,
                numeric::wilson_interval(bin.observed * effective, effective, options_.confidence));
      calibration.expected_calibration_error +=
          std::abs(bin.observed - bin.predicted) * bin.battles / mass_;
      calibration.bins.push_back(bin);
    }
    return calibration;
  }

 private:
  void add_group(const OutcomeGroup& group, double s) {
    const auto count = static_cast<double>(group.count);
    const double mass = count * group.weight;
    const double y = group.outcome;
    mass_ += mass;
    brier_ += mass * (y - sigmoid(s)) * (y - sigmoid(s));
    // A side without points costs nothing, whatever its odds: keeps 0·∞ out.
    loss_ += mass * ((y > 0 ? y * log1p_exp(-s) : 0) + (y < 1 ? (1 - y) * log1p_exp(s) : 0));
    const double squares = count * group.weight * group.weight;
    const bool even = s == 0;
    const double share = even ? 0.5 : 1;
    if (s > 0 || even) {
      add_side(s, y, share * mass, share * squares);
    }
    if (s < 0 || even) {
      add_side(-s, 1 - y, share * mass, share * squares);
    }
  }
  /// `s` ≥ 0.
  void add_side(double s, double y, double mass, double squares) {
    const double p = sigmoid(s);
    const auto place = static_cast<size_t>((p - 0.5) * 2 * static_cast<double>(bins_.size()));
    BinSums& bin = bins_[std::min(place, bins_.size() - 1)];
    bin.mass += mass;
    bin.squares += squares;
    bin.predicted += mass * p;
    bin.observed += mass * y;
  }

  const CalibrationOptions& options_;
  std::vector<BinSums> bins_;
  double mass_ = 0;
  double brier_ = 0;
  double loss_ = 0;
};

Result<Ok> check(const CalibrationOptions& options) {
  if (options.bins < 1 || options.bins > 1000) {
    return invalid_argument("{} calibration bins; expected 1 to 1,000", options.bins);
  }
  if (!(options.confidence > 0 && options.confidence < 1)) {
    return invalid_argument("confidence is {:g}; it must lie between 0 and 1", options.confidence);
  }
  return Ok{};
}

}  // namespace

Result<LogOdds> predicted_log_odds(const RatingMethod& method, const Ratings& ratings) {
  if (!log_odds(method, ratings, 0, 0)) {
    return invalid_argument(
        "{} gives shares or counts, which predict no battle; take a method on the Elo scale",
        method.name);
  }
  return LogOdds(
      [method, ratings](size_t i, size_t j) { return *log_odds(method, ratings, i, j); });
}

Result<Calibration> calibrate(const BattleTable& table,
                              const LogOdds& log_odds,
                              const CalibrationOptions& options) {
  CUPEL_TRY_VOID(check(options));
  Tally tally(options);
  CUPEL_TRY_VOID(tally.add(table, log_odds));
  return tally.result(false);
}

Predictor predictor_of(const RatingMethod& method, const RatingOptions& options) {
  return [method, options](const BattleTable& training) -> Result<LogOdds> {
    CUPEL_TRY(const Ratings ratings, fit_ratings(method, training, options));
    return predicted_log_odds(method, ratings);
  };
}

Result<Calibration> calibrate_held_out(const BattleTable& table,
                                       const Predictor& predictor,
                                       const HeldOutOptions& options) {
  CUPEL_TRY_VOID(check(options.calibration));
  CUPEL_TRY_VOID(require_battles(table));
  CUPEL_TRY(const std::vector<Fold> parts, split_folds(table, options.parts));
  Tally tally(options.calibration);
  for (size_t k = 0; k < parts.size(); ++k) {
    if (parts[k].held_out.rows() == 0) {
      continue;  // fewer battles than parts
    }
    auto log_odds = predictor(parts[k].training);
    if (!log_odds.has_value()) {
      return in_context(std::move(log_odds).error(),
                        format("without part {} of {} of the battles", k + 1, parts.size()));
    }
    CUPEL_TRY_VOID(tally.add(parts[k].held_out, *log_odds));
  }
  return tally.result(true);
}

}  // namespace cupel::rank
