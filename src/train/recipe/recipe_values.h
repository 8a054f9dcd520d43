#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "train/recipe/recipe_keys.h"

namespace cupel::train {

/// Puts a value where the key keeps it. Errors: kInvalidArgument - key, what it is and what is
/// expected: another type, outside the range, none of the names.
Result<Ok> store_value(const RecipeKey& key, const Json& value, Recipe& recipe);
/// A parameter that only its loss knows: a number, a boolean (0 or 1) or a word.
Result<Ok> store_parameter(std::string_view name,
                           const Json& value,
                           std::vector<std::pair<std::string, Json>>& params);

/// What a key holds: its suffix (".beta" for members of a table, else "") and value; nothing for an
/// optional one that is not set.
std::vector<std::pair<std::string, Json>> stored_values(const RecipeKey& key, Recipe& recipe);

/// The text of `--set` as a value of the key's type; a null key is a parameter's.
Json read_assigned(const RecipeKey* key, Recipe& recipe, std::string_view text);

/// The type and range of a key for people: "number ≥ 0", "true or false", "one of a, b".
std::string value_kind(const RecipeKey& key, Recipe& recipe);

}  // namespace cupel::train
