#pragma once

#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "train/model/model.h"
#include "train/recipe/recipe.h"

namespace cupel::cli {

/// Greedy answers of a model to the first prompts of a recipe's held-out rows (or of its training
/// rows), by the engine: [{"id", "prompt", "text", "tokens", "finish_reason"}].
/// Errors: those of the row reader and the model.
Result<std::vector<Json>> sample_answers(const train::Recipe& recipe, const train::Model& model);

}  // namespace cupel::cli
