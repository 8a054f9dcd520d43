#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "train/recipe/recipe.h"

namespace cupel::train {

/// Where the value of a key is kept; its type is the key's.
using RecipeSlot = std::variant<bool*,
                                int64_t*,
                                uint64_t*,
                                double*,
                                std::optional<int64_t>*,
                                std::optional<double>*,
                                std::string*,
                                std::vector<std::string>*,
                                std::vector<double>*,
                                std::vector<std::pair<std::string, Json>>*>;

/// One key of a recipe: what validation, `--set`, the defaults and docs/recipes.md come from.
struct RecipeKey {
  std::string_view name;
  RecipeSlot (*slot)(Recipe& recipe);
  std::string_view help;
  double least = -std::numeric_limits<double>::infinity();  ///< of numbers
  double most = std::numeric_limits<double>::infinity();
  bool above_least = false;                   ///< `least` itself is not allowed
  std::span<const std::string_view> names{};  ///< of texts: one of these; empty: any
  std::string_view otherwise = "";            ///< what holds while an optional key is not set
};

/// All keys, in the order of recipes and of the page.
std::span<const RecipeKey> recipe_keys();

}  // namespace cupel::train
