#include "rank/ratings.h"

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/text.h"

namespace cupel::rank {

std::optional<numeric::Interval> coefficient_interval(const Coefficient& coefficient, double z) {
  if (!coefficient.standard_error || !std::isfinite(z)) {
    return std::nullopt;
  }
  const double half = z * *coefficient.standard_error;
  if (coefficient.name == kDavidsonNu && coefficient.value > 0) {
    const double factor = std::exp(half / coefficient.value);
    return numeric::Interval{coefficient.value / factor, coefficient.value * factor};
  }
  return numeric::Interval{coefficient.value - half, coefficient.value + half};
}

void center_(std::span<double> values, double mean) {
  const double now =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  for (double& value : values) {
    value += mean - now;
  }
}

Result<Ok> anchor_(std::span<double> values,
                   const BattleTable& table,
                   const std::string& model,
                   double rating) {
  if (model.empty()) {
    center_(values, rating);
    return Ok{};
  }
  const auto index = table.models().find(model);
  if (!index.has_value()) {
    return not_found("anchor model \"{}\" has no battles{}", model,
                     did_you_mean(model, table.models().names()));
  }
  const double at = values[static_cast<size_t>(*index)];
  for (double& value : values) {
    value += rating - at;
  }
  return Ok{};
}

}  // namespace cupel::rank
