#include "rank/win_rate.h"

#include <cmath>
#include <vector>

#include "base/error.h"
#include "numeric/logistic.h"
#include "numeric/statistics.h"

namespace cupel::rank {

double preference_from_logprobs(double baseline_logprob, double model_logprob) {
  return numeric::sigmoid(model_logprob - baseline_logprob);
}

Result<WinRate> win_rate(std::span<const PreferenceItem> items) {
  WinRate result;
  std::vector<double> shares;
  double length = 0;
  for (const PreferenceItem& item : items) {
    length += static_cast<double>(item.model_length);
    if (!item.preference.has_value()) {
      ++result.missing;
      continue;
    }
    const double share = *item.preference;
    if (!(share >= 0 && share <= 1)) {
      return invalid_argument("instruction {}: preference {}; expected 0 to 1", item.instruction,
                              share);
    }
    ++(share > 0.5 ? result.wins : share < 0.5 ? result.losses : result.draws);
    shares.push_back(share);
  }
  if (shares.empty()) {
    return invalid_argument("no instruction has a verdict ({} without one)", result.missing);
  }
  const auto n = static_cast<double>(shares.size());
  const numeric::Moments moments = numeric::moments(shares);
  result.win_rate = 100 * moments.mean;
  result.standard_error = 100 * moments.standard_deviation / std::sqrt(n);
  result.discrete_win_rate =
      100 * (static_cast<double>(result.wins) + 0.5 * static_cast<double>(result.draws)) / n;
  result.average_length = length / static_cast<double>(items.size());
  return result;
}

}  // namespace cupel::rank
