#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "rank/win_rate.h"

namespace cupel::rank {

/// γ of each instruction by its number: how hard it is, estimated once over all models.
using InstructionDifficulties = std::map<int64_t, double>;

/// Weights of one model in the length-controlled model of preferences against a baseline:
///
///   preference = σ(θ·n + φ·tanh(Δlen / sd(Δlen)) + ψ·γ),   Δlen = baseline's length − model's
///
/// n is 1 for the model's own answers and 0 for those of a gamed baseline. The baseline itself has
/// all weights 0.
struct LengthControlledWeights {
  double theta = 0;  ///< skill: the log-odds on an instruction of difficulty 0 at equal length
  double phi = 0;    ///< length: usually negative, as judges like long answers
  double psi = 0;    ///< how much more the model gains on what is hard than the baseline does
};

/// Weights of a against b when both were fitted against one baseline.
LengthControlledWeights difference(const LengthControlledWeights& a,
                                   const LengthControlledWeights& b);

/// A win rate as it would be at equal lengths.
struct LengthControlledRate {
  double win_rate = 0;        ///< 100 · mean over instructions of σ(θ + ψγ)
  double standard_error = 0;  ///< 100 · sd / √n of the same terms; 0 for one instruction
};

/// The length-controlled win rate over instructions of these difficulties [n].
///
/// Rates of a against b and of b against a sum to 100; weights of zero give exactly 50.
/// Errors: kInvalidArgument - no difficulties, or something not finite.
Result<LengthControlledRate> length_controlled_rate(const LengthControlledWeights& weights,
                                                    std::span<const double> difficulties);

/// Normal stand-in for the difficulties of AlpacaEval's 805 instructions where their table is not
/// at hand: fitted to the published weights and rates of 199 models, with an error of 0.41 points
/// (root mean square) and 1.22 at worst.
inline constexpr double kDifficultyMean = -0.1233;
inline constexpr double kDifficultySd = 1.5880;

/// The rate when difficulties are normal: 100·E σ(θ + ψγ), by Gauss-Hermite quadrature.
/// Errors: kInvalidArgument - something not finite, or a negative standard deviation.
Result<double> length_controlled_rate_normal(const LengthControlledWeights& weights,
                                             double mean = kDifficultyMean,
                                             double sd = kDifficultySd);

/// Whether length control moved a win rate (both in percent) so far that the fit may have failed:
/// out of [min(w − w/4, w − 10), max(w + (100 − w)/4, w + 10)], AlpacaEval's rule.
bool is_extreme_change(double win_rate, double length_controlled);

/// Answers of the baseline that were made long or short on purpose, judged against its own.
struct GamedBaseline {
  std::vector<PreferenceItem> items;
};

struct LengthControlledOptions {
  /// An L1 penalty whose size is chosen by cross-validation, as published; else no penalty.
  bool cross_validate = true;
  int64_t folds = 5;  ///< ≥ 2; row i of the gamed baselines' and then the model's is in fold i mod
                      ///< folds
  /// Rows that pull φ and ψ but not θ. The published fit has two, a verbose and a concise one,
  /// whose verdicts are not public: without them φ and ψ are the model's own.
  std::span<const GamedBaseline> gamed = {};
  double gamed_weight = 0.2;  ///< ≥ 0; of all gamed baselines together, a row of the model being 1
};

/// How a fit went and what it says.
struct LengthControlledFit {
  LengthControlledWeights weights;
  LengthControlledRate rate;    ///< over all instructions of the model, verdict or not
  WinRate raw;                  ///< without length control
  bool extreme_change = false;  ///< is_extreme_change(raw, rate): look before you believe
  std::optional<double> cost;   ///< of the loss against ‖w‖₁, as chosen; absent: no penalty
  int64_t gamed_items = 0;  ///< 0: unlike the published fit, φ and ψ come from the model alone
};

/// Fits the weights of one model and predicts its win rate at equal lengths.
///
/// Penalty: ‖w‖₁ + C·Σ weight·loss, no intercept; C from ten values 1e-4 … 1e4 on a log scale, by
///          least mean weighted log-loss of held-out folds (a tie goes to the smaller C), then
///          fitted to all rows.
/// Missing: an item without a verdict enters Δlen's deviation and the rate, not the fit.
/// Difficulties: an empty table leaves ψ out (length alone is controlled for).
/// Errors: kNotFound - an instruction without a difficulty; kInvalidArgument - options or
///         preferences out of range, fewer rows than folds; kFailedPrecondition - all lengths
///         differ by the same, or (without a penalty) weights that would be infinite.
/// Cost:   about 100 Newton fits of n × 3, milliseconds for 805 items; deterministic.
/// Source: Dubois et al. 2024, "Length-controlled AlpacaEval" (arXiv 2404.04475), section 3; folds
///         and grid as in alpaca_eval's glm_winrate.
/// Checked against: tests/rank/alpaca_eval_oracle_test.cpp.
Result<LengthControlledFit> fit_length_controlled(std::span<const PreferenceItem> items,
                                                  const InstructionDifficulties& difficulties,
                                                  const LengthControlledOptions& options = {});

}  // namespace cupel::rank
