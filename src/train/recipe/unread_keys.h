#pragma once

#include "base/result.h"
#include "train/recipe/recipe.h"

namespace cupel::train {

/// Holds a recipe to what it says: a key that was changed and that nothing of this recipe reads
/// would be a wish that nobody hears. Keys at their default are not looked at.
///
/// Errors: kInvalidArgument - the first such key, and what would read it.
Result<Ok> check_unread_keys(const Recipe& recipe);

}  // namespace cupel::train
