#include "train/recipe/recipe.h"

#include <algorithm>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "base/toml.h"
#include "train/recipe/key_hints.h"
#include "train/recipe/recipe_keys.h"
#include "train/recipe/recipe_values.h"
#include "train/recipe/unread_keys.h"

namespace cupel::train {
namespace {

constexpr std::string_view kParamsKey = "preference.params";

const RecipeKey* find_key(std::string_view name) {
  for (const RecipeKey& key : recipe_keys()) {
    if (key.name == name) {
      return &key;
    }
  }
  return nullptr;
}

Error unknown_key(std::string_view name) {
  std::vector<std::string> names;
  for (const RecipeKey& key : recipe_keys()) {
    names.emplace_back(key.name);
  }
  const std::string_view ours = key_of_other_name(name);
  const std::string hint =
      ours.empty() ? did_you_mean(name, names) : format(" (here it is \"{}\")", ours);
  return invalid_argument("unknown key \"{}\"{}{}", printable(name), hint,
                          hint.empty() ? "; docs/recipes.md lists all of them" : "");
}

Result<Ok> set_value(Recipe& recipe, std::string_view name, const Json& value) {
  if (const RecipeKey* key = find_key(name); key != nullptr) {
    return store_value(*key, value, recipe);
  }
  const std::string prefix = std::string(kParamsKey) + ".";
  if (name.starts_with(prefix) && name.size() > prefix.size()) {
    return store_parameter(name.substr(prefix.size()), value, recipe.preference.params);
  }
  return unknown_key(name);
}

Result<Ok> require(bool holds, std::string_view message) {
  return holds ? Result<Ok>(Ok{}) : Result<Ok>(invalid_argument("{}", message));
}

}  // namespace

double Recipe::learning_rate() const {
  constexpr double kFull = 2e-5;
  constexpr double kLora = 2e-4;
  return optim.lr.value_or(parameters == "lora" ? kLora : kFull);
}

Result<Recipe> parse_recipe(std::string_view text,
                            const std::string& path,
                            std::span<const std::string> overrides) {
  Recipe recipe;
  CUPEL_TRY(const std::vector<TomlEntry> entries, parse_toml(text, path));
  for (const TomlEntry& entry : entries) {
    auto set = set_value(recipe, entry.key, entry.value);
    if (!set.has_value()) {
      return in_file(std::move(set).error(), path, entry.line);
    }
  }
  for (const std::string& assignment : overrides) {
    CUPEL_TRY_VOID(set_recipe_key(recipe, assignment));
  }
  auto checked = check_recipe(recipe);
  if (!checked.has_value()) {
    return path.empty() ? std::move(checked).error() : in_file(std::move(checked).error(), path);
  }
  return recipe;
}

Result<Recipe> load_recipe(const std::string& path, std::span<const std::string> overrides) {
  std::string text;
  if (!path.empty()) {
    CUPEL_TRY(text, read_file(path));
  }
  return parse_recipe(text, path, overrides);
}

Result<Ok> set_recipe_key(Recipe& recipe, std::string_view assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    return invalid_argument("--set \"{}\": expected KEY=VALUE", printable(assignment));
  }
  const std::string name(trim(assignment.substr(0, equals)));
  const std::string_view text = trim(assignment.substr(equals + 1));
  const RecipeKey* key = find_key(name);
  auto set = set_value(recipe, name, read_assigned(key, recipe, text));
  if (!set.has_value()) {
    return in_context(std::move(set).error(), "--set " + printable(name));
  }
  return set;
}

Result<Ok> check_recipe(const Recipe& r) {
  const bool mixed = r.data.mixture != "none";
  CUPEL_TRY_VOID(require(!mixed || r.data.amounts.size() == r.data.files.size(),
                         "data.amounts: a mixture needs one number for each of data.files"));
  CUPEL_TRY_VOID(require(mixed || r.data.amounts.empty(),
                         "data.amounts says how much of each file is taken, but data.mixture is "
                         "\"none\"; set it to probability, tokens or characters"));
  CUPEL_TRY_VOID(require(r.sched.min_lr <= r.learning_rate(),
                         "sched.min_lr is above optim.lr; it is where the learning rate ends"));
  const int64_t micro = std::max<int64_t>(r.batch.micro, 1);
  CUPEL_TRY_VOID(require(r.data.packing == "multipack" || r.batch.size % micro == 0,
                         "batch.size is no multiple of batch.micro; make it one"));
  CUPEL_TRY_VOID(require(r.parameters == "lora" || r.preference.reference != "adapter_off",
                         "preference.reference is \"adapter_off\", but there is no adapter; set "
                         "parameters to \"lora\", or the reference to \"frozen\""));
  CUPEL_TRY_VOID(
      require(!r.data.group_by_length || r.data.packing == "none" || r.data.packing == "auto",
              "data.group_by_length is for rows that are not packed; set data.packing "
              "to \"none\""));
  CUPEL_TRY_VOID(require(r.method == "sft" || r.data.truncation != "split",
                         "data.truncation is \"split\", which makes several texts of one row, and "
                         "answers to one prompt stay together; set it to keep_start, keep_end or "
                         "drop"));
  CUPEL_TRY_VOID(
      require(r.method == "sft" || (r.data.loss_on != "full" && r.data.loss_on != "instruction"),
              "data.loss_on: of rows to compare answers alone are learnt; set it to "
              "assistant_all or assistant_last"));
  CUPEL_TRY_VOID(require(r.sft.kl_to_init == 0 || r.data.packing != "wrapped",
                         "sft.kl_to_init is for texts that are cut alike in every epoch, and "
                         "data.packing is \"wrapped\"; set it to \"bfd_split\""));
  CUPEL_TRY_VOID(require(
      r.lora.target_regex.empty() || r.lora.targets == Recipe::Lora{}.targets,
      "lora.targets and lora.target_regex both say which modules are adapted; leave out one"));
  CUPEL_TRY_VOID(require(r.optim.beta1.value_or(0) < 1 && r.optim.beta2 < 1,
                         "optim.beta1 and optim.beta2 must be below 1"));
  return check_unread_keys(r);
}

std::string recipe_text(const Recipe& recipe) {
  Recipe copy = recipe;  // slots are of what may be written
  std::string text;
  std::string section;
  for (const RecipeKey& key : recipe_keys()) {
    const size_t dot = key.name.rfind('.');
    const std::string_view of = dot == std::string_view::npos ? "" : key.name.substr(0, dot);
    if (of != section) {
      section = of;
      text += "\n[" + section + "]\n";
    }
    const std::string_view name = key.name.substr(dot == std::string_view::npos ? 0 : dot + 1);
    for (const auto& [suffix, value] : stored_values(key, copy)) {
      text += std::string(name) + suffix + " = " + toml_value(value) + "\n";
    }
  }
  return text;
}

std::vector<std::string> recipe_differences(const Recipe& now, const Recipe& before) {
  Recipe a = now;
  Recipe b = before;
  const auto shown = [](const RecipeKey& key, Recipe& recipe) {
    std::string text;
    for (const auto& [suffix, value] : stored_values(key, recipe)) {
      text += (text.empty() ? "" : ", ") + (suffix.empty() ? "" : suffix.substr(1) + " = ") +
              toml_value(value);
    }
    return text.empty() ? std::string("not set") : text;
  };
  std::vector<std::string> differences;
  for (const RecipeKey& key : recipe_keys()) {
    const std::string value = shown(key, a);
    const std::string was = shown(key, b);
    if (value != was) {
      differences.push_back(format("{}: {}, was {}", key.name, value, was));
    }
  }
  return differences;
}

}  // namespace cupel::train
