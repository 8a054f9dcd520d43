#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"

namespace cupel::rank {

/// One instruction answered by a model and by a baseline, and what the judge preferred.
struct PreferenceItem {
  int64_t instruction = 0;           ///< its number in the benchmark
  std::optional<double> preference;  ///< share for the model, in [0, 1]; absent: no valid verdict
  int64_t baseline_length = 0;       ///< of the baseline's answer, characters
  int64_t model_length = 0;          ///< of the model's answer, characters
};

/// The judge's preference for the model from the log-probabilities of its two labels, in (0, 1):
/// p(model) / (p(baseline) + p(model)).
double preference_from_logprobs(double baseline_logprob, double model_logprob);

/// A model against one baseline, as AlpacaEval 2's leaderboard reports it.
struct WinRate {
  double win_rate = 0;           ///< 100 · mean preference
  double standard_error = 0;     ///< 100 · sd / √n, sd with n − 1; 0 for one item
  int64_t wins = 0;              ///< preference above ½
  int64_t losses = 0;            ///< preference below ½
  int64_t draws = 0;             ///< exactly ½
  int64_t missing = 0;           ///< items without a valid verdict: in no figure but the length
  double discrete_win_rate = 0;  ///< 100 · (wins + draws/2) / n
  double average_length = 0;     ///< mean of the model's lengths; the leaderboard cuts it down
  [[nodiscard]] int64_t total() const { return wins + losses + draws; }
};

/// Sums the preferences up.
///
/// Errors: kInvalidArgument - a preference outside [0, 1] (names the instruction), no item with a
/// verdict. Source: AlpacaEval 2 (Dubois et al. 2024, arXiv 2404.04475). Checked against:
/// tests/rank/alpaca_eval_oracle_test.cpp.
Result<WinRate> win_rate(std::span<const PreferenceItem> items);

}  // namespace cupel::rank
