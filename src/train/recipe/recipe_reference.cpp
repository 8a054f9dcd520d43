#include "base/text.h"
#include "base/toml.h"
#include "train/recipe/recipe.h"
#include "train/recipe/recipe_keys.h"
#include "train/recipe/recipe_values.h"

namespace cupel::train {
namespace {

constexpr std::string_view kBeginning =
    R"(# Recipes

What a training run is told: a TOML file, and `--set KEY=VALUE` for single keys, which come last and win.

```toml
method = "sft"
model = "models/SmolLM2-135M-Instruct"
out = "runs/first"

[data]
files = ["dialogues.jsonl"]

[optim]
lr = 2e-5
```

A key that is not set keeps its default. An unknown key or a value outside its range is an error with file and line.
This page is written from the table that recipes are checked against (`src/train/recipe/recipe_keys.cpp`).
)";

std::string default_text(const RecipeKey& key, Recipe& recipe) {
  if (!key.otherwise.empty()) {
    return std::string(key.otherwise);
  }
  const auto values = stored_values(key, recipe);
  if (values.empty() || values[0].second == Json("") || values[0].second == Json::array()) {
    return "";
  }
  return "`" + toml_value(values[0].second) + "`";
}

}  // namespace

std::string recipe_reference() {
  Recipe defaults;
  std::string page(kBeginning);
  std::string section = "none";
  for (const RecipeKey& key : recipe_keys()) {
    const size_t dot = key.name.find('.');
    const std::string of(key.name.substr(0, dot == std::string_view::npos ? 0 : dot));
    if (of != section) {
      section = of;
      page += "\n## " + (section.empty() ? "The run" : "`[" + section + "]`") +
              "\n\n| key | value | default | |\n|---|---|---|---|\n";
    }
    const std::string name(key.name.substr(dot == std::string_view::npos ? 0 : dot + 1));
    page += "| `" + name + "` | " + value_kind(key, defaults) + " | " +
            default_text(key, defaults) + " | " + std::string(key.help) + " |\n";
  }
  return page;
}

}  // namespace cupel::train
