#pragma once

#include <optional>

#include "align/losses/loss.h"
#include "base/result.h"
#include "train/recipe/recipe.h"

namespace cupel::align {

/// What a recipe's method comes to.
struct Method {
  enum class Kind { kSft, kPreference, kReward };
  Kind kind = Kind::kSft;
  const LossInfo* loss = nullptr;  ///< of the other two
  std::optional<LossOptions> options;

  /// Whether log-probs of a reference are needed, as the recipe stands.
  [[nodiscard]] bool needs_reference(const train::Recipe& recipe) const;
};

/// Errors: kInvalidArgument - an unknown method or loss (with the nearest), a parameter that the
/// loss has not, one that is out of range, or keys that the method does not read.
Result<Method> find_method(const train::Recipe& recipe);

}  // namespace cupel::align
