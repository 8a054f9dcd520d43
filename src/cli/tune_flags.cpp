#include "cli/tune_flags.h"

#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "train/recipe/key_hints.h"
#include "train/recipe/recipe_keys.h"

namespace cupel::cli {
namespace {

std::string list_of(const std::vector<std::string>& values) {
  Json list = Json::array();
  for (const std::string& value : values) {
    list.push_back(value);
  }
  return dump_json(list);
}

}  // namespace

void RecipeFlags::declare(Arguments& a) {
  a.positional("RECIPE", path, "TOML file; every key may be given as a flag as well", false);
  a.texts("--data", "FILE", data, "Training rows: JSONL (.gz, .zst) or Parquet");
  a.texts("--eval-data", "FILE", eval_data, "Held-out rows");
  a.texts("--set", "KEY=VALUE", set,
          "Any key of docs/recipes.md; also as --KEY VALUE: --method dpo --model DIR --out DIR "
          "--optim.lr 2e-5");
  std::vector<std::string> names;
  for (const train::RecipeKey& key : train::recipe_keys()) {
    names.emplace_back(key.name);
  }
  a.settings(names, keys);
  a.settings_below("preference.params", "--set");
  a.other_names(&train::key_of_other_name);
}

Result<train::Recipe> RecipeFlags::recipe() const {
  std::vector<std::string> assignments = keys;
  if (!data.empty()) {
    assignments.push_back("data.files=" + list_of(data));
  }
  if (!eval_data.empty()) {
    assignments.push_back("data.eval_files=" + list_of(eval_data));
  }
  assignments.insert(assignments.end(), set.begin(), set.end());
  if (path.empty() && assignments.empty()) {
    return invalid_argument(
        "tune needs a RECIPE.toml, or --method, --model, --data and --out; see cupel tune --help");
  }
  std::error_code ec;
  if (!path.empty() && path.find('.') == std::string::npos && !std::filesystem::exists(path, ec)) {
    return not_found(
        "{}: no such file; a recipe is a TOML file, and a method is set by --method {}", path,
        path);
  }
  return train::load_recipe(path, assignments);
}

}  // namespace cupel::cli
