#include "train/recipe/recipe_values.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "base/error.h"
#include "base/text.h"

namespace cupel::train {
namespace {

template <typename T>
constexpr bool kIsNumber =
    std::is_same_v<T, int64_t> || std::is_same_v<T, uint64_t> || std::is_same_v<T, double>;

std::string range_text(const RecipeKey& key) {
  const bool least = std::isfinite(key.least);
  const bool most = std::isfinite(key.most) && key.most < 1e5;
  if (least && most) {
    return format(" {}{} … {}", key.above_least ? "above " : "", key.least, key.most);
  }
  return least ? format(" {} {}", key.above_least ? ">" : "≥", key.least) : std::string();
}

Result<Ok> check_range(const RecipeKey& key, double value) {
  const bool high_enough = key.above_least ? value > key.least : value >= key.least;
  if (high_enough && value <= key.most && std::isfinite(value)) {
    return Ok{};
  }
  const std::string most = value > key.most ? format(" and at most {}", key.most) : std::string();
  return invalid_argument("{} is {}; expected a number{}{}", key.name, value, range_text(key),
                          most);
}

Error wrong_type(const RecipeKey& key, const Json& value, std::string_view expected) {
  return invalid_argument("{} is {}; expected {}", key.name, printable(dump_json(value), 60),
                          expected);
}

Result<Ok> check_name(const RecipeKey& key, const std::string& value) {
  if (key.names.empty() || std::ranges::find(key.names, value) != key.names.end()) {
    return Ok{};
  }
  const std::vector<std::string> names(key.names.begin(), key.names.end());
  return invalid_argument("{} is \"{}\"{}; expected {}", key.name, printable(value),
                          did_you_mean(value, names), join(names, ", "));
}

// One overload for each type that a slot may have.
Result<Ok> store(const RecipeKey& key, const Json& value, bool& out) {
  if (!value.is_bool()) {
    return wrong_type(key, value, "true or false");
  }
  out = value.as_bool();
  return Ok{};
}

Result<Ok> store(const RecipeKey& key, const Json& value, int64_t& out) {
  if (!value.is_int()) {
    return wrong_type(key, value, "a whole number");
  }
  CUPEL_TRY_VOID(check_range(key, value.as_double()));
  out = value.as_int();
  return Ok{};
}

Result<Ok> store(const RecipeKey& key, const Json& value, uint64_t& out) {
  if (!value.is_int() || value.as_int() < 0) {
    return wrong_type(key, value, "a whole number ≥ 0");
  }
  out = static_cast<uint64_t>(value.as_int());
  return Ok{};
}

Result<Ok> store(const RecipeKey& key, const Json& value, double& out) {
  if (!value.is_number()) {
    return wrong_type(key, value, "a number");
  }
  CUPEL_TRY_VOID(check_range(key, value.as_double()));
  out = value.as_double();
  return Ok{};
}

template <typename T>
Result<Ok> store(const RecipeKey& key, const Json& value, std::optional<T>& out) {
  T inner{};
  CUPEL_TRY_VOID(store(key, value, inner));
  out = inner;
  return Ok{};
}

Result<Ok> store(const RecipeKey& key, const Json& value, std::string& out) {
  if (!value.is_string()) {
    return wrong_type(key, value, "a text in quotes");
  }
  CUPEL_TRY_VOID(check_name(key, value.as_string()));
  out = value.as_string();
  return Ok{};
}

template <typename T>
Result<Ok> store(const RecipeKey& key, const Json& value, std::vector<T>& out) {
  if (!value.is_array()) {
    return wrong_type(key, value, "a list");
  }
  std::vector<T> items(value.size());
  for (size_t i = 0; i < items.size(); ++i) {
    CUPEL_TRY_VOID(store(key, value.as_array()[i], items[i]));
  }
  out = std::move(items);
  return Ok{};
}

Result<Ok> store(const RecipeKey& key,
                 const Json& value,
                 std::vector<std::pair<std::string, Json>>& /*out*/) {
  return wrong_type(key, value, "keys below it");
}

std::vector<std::pair<std::string, Json>> one(Json value) {
  std::vector<std::pair<std::string, Json>> values;
  values.emplace_back("", std::move(value));
  return values;
}

template <typename T>
std::vector<std::pair<std::string, Json>> stored(const T& value) {
  return one(Json(value));
}

template <typename T>
std::vector<std::pair<std::string, Json>> stored(const std::optional<T>& value) {
  return value.has_value() ? stored(*value) : std::vector<std::pair<std::string, Json>>();
}

template <typename T>
std::vector<std::pair<std::string, Json>> stored(const std::vector<T>& items) {
  Json list = Json::array();
  for (const T& item : items) {
    list.push_back(Json(item));
  }
  return one(std::move(list));
}

std::vector<std::pair<std::string, Json>> stored(
    const std::vector<std::pair<std::string, Json>>& params) {
  std::vector<std::pair<std::string, Json>> values;
  for (const auto& [name, value] : params) {
    values.emplace_back("." + name, value);
  }
  return values;
}

/// A number or boolean as it is written, else a text.
Json read_scalar(std::string_view text) {
  auto json = parse_json(text);
  if (json.has_value() && (json->is_number() || json->is_bool() || json->is_string())) {
    return std::move(*json);
  }
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) {
    return Json(number);
  }
  return Json(text);
}

Json read_list(std::string_view text) {
  if (auto json = parse_json(text); json.has_value() && json->is_array()) {
    return std::move(*json);
  }
  Json list = Json::array();
  for (const std::string_view item : split(text, ',')) {
    if (!trim(item).empty()) {
      list.push_back(read_scalar(trim(item)));
    }
  }
  return list;
}

}  // namespace

Result<Ok> store_value(const RecipeKey& key, const Json& value, Recipe& recipe) {
  return std::visit([&](auto* slot) { return store(key, value, *slot); }, key.slot(recipe));
}

Result<Ok> store_parameter(std::string_view name,
                           const Json& value,
                           std::vector<std::pair<std::string, Json>>& params) {
  if (!value.is_number() && !value.is_bool() && !value.is_string()) {
    return invalid_argument("preference.params.{} is {}; expected a number or a word",
                            printable(name), printable(dump_json(value), 60));
  }
  const bool plain = std::ranges::all_of(
      name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; });
  if (!plain) {
    return invalid_argument("preference.params.{}: a name is letters, digits, - and _",
                            printable(name));
  }
  // A whole number is the same as a real one, and is written as such.
  const Json stored_as = value.is_bool()     ? Json(value.as_bool() ? 1.0 : 0.0)
                         : value.is_number() ? Json(value.as_double())
                                             : value;
  for (auto& [known, stored_value] : params) {
    if (known == name) {
      stored_value = stored_as;
      return Ok{};
    }
  }
  params.emplace_back(name, stored_as);
  // The same recipe, whatever the order.
  std::ranges::sort(params, {}, [](const auto& param) { return param.first; });
  return Ok{};
}

std::vector<std::pair<std::string, Json>> stored_values(const RecipeKey& key, Recipe& recipe) {
  return std::visit([](auto* slot) { return stored(*slot); }, key.slot(recipe));
}

Json read_assigned(const RecipeKey* key, Recipe& recipe, std::string_view text) {
  if (key == nullptr) {
    return read_scalar(text);
  }
  return std::visit(
      [text](auto* slot) -> Json {
        using Slot = std::remove_cvref_t<decltype(*slot)>;
        if constexpr (std::is_same_v<Slot, std::string>) {
          auto quoted = parse_json(text);
          return quoted.has_value() && quoted->is_string() ? std::move(*quoted) : Json(text);
        } else if constexpr (std::is_same_v<Slot, std::vector<std::string>> ||
                             std::is_same_v<Slot, std::vector<double>>) {
          return read_list(text);
        } else {
          return read_scalar(text);
        }
      },
      key->slot(recipe));
}

std::string value_kind(const RecipeKey& key, Recipe& recipe) {
  return std::visit(
      [&key](auto* slot) -> std::string {
        using Slot = std::remove_cvref_t<decltype(*slot)>;
        if constexpr (std::is_same_v<Slot, bool>) {
          return "true or false";
        } else if constexpr (std::is_same_v<Slot, std::string>) {
          const std::vector<std::string> names(key.names.begin(), key.names.end());
          return names.empty() ? "text" : "one of " + join(names, ", ");
        } else if constexpr (std::is_same_v<Slot, std::vector<std::string>>) {
          return "list of texts";
        } else if constexpr (std::is_same_v<Slot, std::vector<double>>) {
          return "list of numbers" + range_text(key);
        } else if constexpr (std::is_same_v<Slot, std::vector<std::pair<std::string, Json>>>) {
          return "numbers and words by name";
        } else if constexpr (std::is_same_v<Slot, uint64_t>) {
          return "whole number ≥ 0";
        } else if constexpr (kIsNumber<Slot>) {
          return (std::is_same_v<Slot, double> ? "number" : "whole number") + range_text(key);
        } else {
          using Inner = typename Slot::value_type;
          return (std::is_same_v<Inner, double> ? "number" : "whole number") + range_text(key);
        }
      },
      key.slot(recipe));
}

}  // namespace cupel::train
