#include "rank/length_controlled.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "numeric/logistic.h"
#include "numeric/logistic_regression.h"
#include "numeric/quadrature.h"
#include "numeric/statistics.h"

namespace cupel::rank {
namespace {

using numeric::LogisticData;
using numeric::LogisticFit;
using numeric::sigmoid;

constexpr int64_t kQuadraturePoints = 64;
constexpr int kCosts = 10;

bool finite(const LengthControlledWeights& weights) {
  return std::isfinite(weights.theta) && std::isfinite(weights.phi) && std::isfinite(weights.psi);
}

/// The C at a place of the grid 1e-4 … 1e4.
double cost_at(int place) {
  return std::pow(10.0, -4.0 + 8.0 * place / (kCosts - 1));
}

Result<double> difficulty_of(const InstructionDifficulties& difficulties, int64_t instruction) {
  const auto found = difficulties.find(instruction);
  if (found == difficulties.end()) {
    return not_found("instruction {} has no difficulty; the table holds {} from {} to {}",
                     instruction, difficulties.size(), difficulties.begin()->first,
                     difficulties.rbegin()->first);
  }
  return found->second;
}

/// sd(Δlen) with n − 1, the unit of length.
Result<double> length_unit(std::span<const PreferenceItem> items) {
  std::vector<double> deltas;
  for (const PreferenceItem& item : items) {
    deltas.push_back(static_cast<double>(item.baseline_length) -
                     static_cast<double>(item.model_length));
  }
  const double unit = deltas.empty() ? 0 : numeric::moments(deltas).standard_deviation;
  if (!(unit > 0)) {
    return failed_precondition(
        "the lengths of all {} answers differ from the baseline's by the same, so the effect of "
        "length cannot be told from skill; use the plain win rate",
        items.size());
  }
  return unit;
}

/// Rows of the regression as they come: features are φ's, ψ's (left out without difficulties), θ's.
class Rows {
 public:
  explicit Rows(const InstructionDifficulties& difficulties) : difficulties_(difficulties) {}

  /// Appends the items with a verdict; `skill` is n of the formula.
  Result<Ok> add(std::span<const PreferenceItem> items, double skill, double weight) {
    CUPEL_TRY(const double unit, length_unit(items));
    for (const PreferenceItem& item : items) {
      double difficulty = 0;
      if (!difficulties_.empty()) {
        CUPEL_TRY(difficulty, difficulty_of(difficulties_, item.instruction));
      }
      if (!item.preference.has_value()) {
        continue;
      }
      const double delta =
          static_cast<double>(item.baseline_length) - static_cast<double>(item.model_length);
      features_.push_back(std::tanh(delta / unit));
      if (!difficulties_.empty()) {
        features_.push_back(difficulty);
      }
      features_.push_back(skill);
      labels_.push_back(*item.preference);
      weights_.push_back(weight);
    }
    return Ok{};
  }

  [[nodiscard]] size_t size() const { return labels_.size(); }

  /// The rows whose fold is (or, with `inside` false, is not) `fold`; all rows for no folds.
  [[nodiscard]] LogisticData data(size_t folds, size_t fold, bool inside) const {
    std::vector<size_t> chosen;
    for (size_t i = 0; i < size(); ++i) {
      if (folds == 0 || (i % folds == fold) == inside) {
        chosen.push_back(i);
      }
    }
    const size_t columns = difficulties_.empty() ? 2 : 3;
    LogisticData part{.features = numeric::Matrix(chosen.size(), columns)};
    for (size_t row = 0; row < chosen.size(); ++row) {
      for (size_t j = 0; j < columns; ++j) {
        part.features(row, j) = features_[chosen[row] * columns + j];
      }
      part.labels.push_back(labels_[chosen[row]]);
      part.weights.push_back(weights_[chosen[row]]);
    }
    return part;
  }
  [[nodiscard]] LogisticData all() const { return data(0, 0, true); }

  [[nodiscard]] LengthControlledWeights named(std::span<const double> w) const {
    return difficulties_.empty() ? LengthControlledWeights{.theta = w[1], .phi = w[0]}
                                 : LengthControlledWeights{.theta = w[2], .phi = w[0], .psi = w[1]};
  }

 private:
  const InstructionDifficulties& difficulties_;
  std::vector<double> features_;
  std::vector<double> labels_;
  std::vector<double> weights_;
};

/// The C of least held-out loss.
Result<double> choose_cost(const Rows& rows, size_t folds) {
  double best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (int place = 0; place < kCosts; ++place) {
    double loss = 0;
    for (size_t fold = 0; fold < folds; ++fold) {
      CUPEL_TRY(const LogisticFit fit,
                fit_logistic_l1(rows.data(folds, fold, false), cost_at(place)));
      const LogisticData held_out = rows.data(folds, fold, true);
      loss += logistic_loss(held_out, fit.w) / static_cast<double>(held_out.rows());
    }
    if (loss < least) {
      least = loss;
      best = cost_at(place);
    }
  }
  return best;
}

Result<Ok> check(const LengthControlledOptions& options) {
  if (options.folds < 2) {
    return invalid_argument("length control: {} folds; expected 2 or more", options.folds);
  }
  if (!(options.gamed_weight >= 0) || !std::isfinite(options.gamed_weight)) {
    return invalid_argument("length control: gamed weight {}; expected 0 or more",
                            options.gamed_weight);
  }
  return Ok{};
}

/// The gamed baselines' rows, then the model's.
Result<Rows> regression_rows(std::span<const PreferenceItem> items,
                             const InstructionDifficulties& difficulties,
                             const LengthControlledOptions& options) {
  Rows rows(difficulties);
  if (options.gamed_weight > 0 && !options.gamed.empty()) {
    const double weight = options.gamed_weight / static_cast<double>(options.gamed.size());
    for (const GamedBaseline& gamed : options.gamed) {
      CUPEL_TRY_VOID(win_rate(gamed.items));  // every preference is a share
      CUPEL_TRY_VOID(rows.add(gamed.items, 0, weight));
    }
  }
  CUPEL_TRY_VOID(rows.add(items, 1, 1));
  if (options.cross_validate && rows.size() < static_cast<size_t>(options.folds)) {
    return invalid_argument("length control: {} verdicts for {} folds", rows.size(), options.folds);
  }
  return rows;
}

/// Weights and, where it was chosen, the cost.
Result<Ok> fit_weights(const Rows& rows,
                       const LengthControlledOptions& options,
                       LengthControlledFit& out) {
  if (!options.cross_validate) {
    CUPEL_TRY(const LogisticFit fit, fit_logistic(rows.all()));
    out.weights = rows.named(fit.w);
    return Ok{};
  }
  CUPEL_TRY(const double cost, choose_cost(rows, static_cast<size_t>(options.folds)));
  CUPEL_TRY(const LogisticFit fit, fit_logistic_l1(rows.all(), cost));
  out.weights = rows.named(fit.w);
  out.cost = cost;
  return Ok{};
}

}  // namespace

LengthControlledWeights difference(const LengthControlledWeights& a,
                                   const LengthControlledWeights& b) {
  return {.theta = a.theta - b.theta, .phi = a.phi - b.phi, .psi = a.psi - b.psi};
}

Result<LengthControlledRate> length_controlled_rate(const LengthControlledWeights& weights,
                                                    std::span<const double> difficulties) {
  if (difficulties.empty()) {
    return invalid_argument("length control: no instructions to average over");
  }
  if (!finite(weights)) {
    return invalid_argument("length control: weights are not finite");
  }
  std::vector<double> shares;
  for (const double difficulty : difficulties) {
    if (!std::isfinite(difficulty)) {
      return invalid_argument("length control: a difficulty is not finite");
    }
    shares.push_back(sigmoid(weights.theta + weights.psi * difficulty));
  }
  const numeric::Moments moments = numeric::moments(shares);
  return LengthControlledRate{.win_rate = 100 * moments.mean,
                              .standard_error = 100 * moments.standard_deviation /
                                                std::sqrt(static_cast<double>(shares.size()))};
}

Result<double> length_controlled_rate_normal(const LengthControlledWeights& weights,
                                             double mean,
                                             double sd) {
  if (!finite(weights) || !std::isfinite(mean) || !std::isfinite(sd) || sd < 0) {
    return invalid_argument(
        "length control: weights, mean {} and deviation {} must be finite, the deviation 0 or more",
        mean, sd);
  }
  CUPEL_TRY(const numeric::QuadratureRule rule, numeric::gauss_hermite(kQuadraturePoints));
  double sum = 0;
  for (size_t i = 0; i < rule.points.size(); ++i) {
    sum += rule.weights[i] * sigmoid(weights.theta + weights.psi * (mean + sd * rule.points[i]));
  }
  return 100 * sum;
}

bool is_extreme_change(double win_rate, double length_controlled) {
  const double low = std::min(win_rate - win_rate / 4, win_rate - 10);
  const double high = std::max(win_rate + (100 - win_rate) / 4, win_rate + 10);
  return length_controlled < low || length_controlled > high;
}

Result<LengthControlledFit> fit_length_controlled(std::span<const PreferenceItem> items,
                                                  const InstructionDifficulties& difficulties,
                                                  const LengthControlledOptions& options) {
  CUPEL_TRY_VOID(check(options));
  LengthControlledFit result;
  CUPEL_TRY(result.raw, win_rate(items));
  CUPEL_TRY(const Rows rows, regression_rows(items, difficulties, options));
  result.gamed_items = static_cast<int64_t>(rows.size()) - result.raw.total();
  CUPEL_TRY_VOID(fit_weights(rows, options, result));
  std::vector<double> at;
  for (const PreferenceItem& item : items) {
    at.push_back(difficulties.empty() ? 0 : difficulties.at(item.instruction));
  }
  CUPEL_TRY(result.rate, length_controlled_rate(result.weights, at));
  result.extreme_change = is_extreme_change(result.raw.win_rate, result.rate.win_rate);
  return result;
}

}  // namespace cupel::rank
