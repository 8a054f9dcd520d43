#pragma once

// Torch-free: what `cupel loss` calls.
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::align {

/// A loss to be evaluated on a fixture (fixture.h).
struct LossCall {
  std::string loss;
  Json fixture;
  std::vector<std::pair<std::string, Json>>
      parameters;                 ///< come after, and before, those of the fixture
  bool single_precision = false;  ///< f32 instead of f64
};

/// {"name", "loss": number, "dtype", "params", "terms": [{"name", "numerator", "count", "per"}],
/// "metrics": {…}, "gradient": {ROLE: [[…], …]}, "ignored": […]}: the gradient of the loss with
/// respect to every number of "policy". Errors: kInvalidArgument - unknown loss or parameter, a
/// batch that the loss refuses; kCorruptData - the fixture; kFailedPrecondition - value or gradient
/// is not finite.
Result<Json> evaluate_loss(const LossCall& call);

/// All losses: [{"name", "summary", "formula", "source", "form", "input", "reads", "parameters"}].
Json loss_catalogue();
/// The page docs/losses.md.
std::string losses_page();

}  // namespace cupel::align
