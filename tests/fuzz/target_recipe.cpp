// A recipe, and behind the first zero byte one `--set`. What is accepted is written and read back
// the same.
#include "fuzz/fuzz_targets.h"
#include "train/recipe/recipe.h"

namespace cupel::fuzz {

void recipe(std::span<const uint8_t> input) {
  const auto [text, assignment] = split_at_zero(text_of(input));
  std::vector<std::string> overrides;
  if (!assignment.empty()) {
    overrides.emplace_back(assignment);
  }
  const auto read = train::parse_recipe(text, "recipe", overrides);
  if (!read.has_value()) {
    check_error(read.error());
    return;
  }
  const std::string written = train::recipe_text(*read);
  const auto again = train::parse_recipe(written, "again");
  CUPEL_CHECK(again.has_value(), again.has_value() ? written : again.error().message);
  CUPEL_CHECK(train::recipe_text(*again) == written, written);
  CUPEL_CHECK(train::recipe_differences(*again, *read).empty(), written);
}

}  // namespace cupel::fuzz
