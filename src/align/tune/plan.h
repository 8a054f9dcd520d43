#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "align/tune/prepare.h"
#include "base/json.h"
#include "base/result.h"
#include "train/recipe/recipe.h"

namespace cupel::align {

/// What a run holds in memory at its fullest, by part.
struct MemoryPlan {
  struct Part {
    std::string name;
    int64_t bytes = 0;
  };
  std::vector<Part> parts;
  int64_t available = 0;  ///< of this machine, or the limit of its control group; 0: unknown

  [[nodiscard]] int64_t total() const;
  [[nodiscard]] Json to_json() const;
};

/// Weights, gradients, optimiser state and references are exact; activations are what the twin
/// keeps for the longest micro-batch (per layer and token: the inputs of its products), an estimate
/// that is meant to be on the high side by at most a third.
Result<MemoryPlan> plan_memory(const train::Recipe& recipe, const PreparedRun& run);

/// Errors: kExhausted - it does not fit: the number, and what to change.
Result<Ok> check_memory(const MemoryPlan& plan);

}  // namespace cupel::align
