#include "rank/ratings.h"

#include <numeric>

#include "base/error.h"
#include "base/text.h"

namespace cupel::rank {

Result<Ok> anchor_(std::span<double> values,
                   const BattleTable& table,
                   const std::string& model,
                   double rating) {
  double at = 0;
  if (model.empty()) {
    at = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  } else {
    const auto index = table.models().find(model);
    if (!index.has_value()) {
      return not_found("anchor model \"{}\" has no battles{}", model,
                       did_you_mean(model, table.models().names()));
    }
    at = values[static_cast<size_t>(*index)];
  }
  for (double& value : values) {
    value += rating - at;
  }
  return Ok{};
}

}  // namespace cupel::rank
