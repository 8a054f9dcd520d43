// What several schemas say together, and whether they exclude each other.
#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/error.h"
#include "decode/constraint/schema_document.h"

namespace cupel::decode::constraint {
namespace {

bool has(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

Json merged_types(const Json& a, const Json& b) {
  const std::vector<std::string> of_a = type_list(a);
  const std::vector<std::string> of_b = type_list(b);
  Json both = Json::array();
  for (const std::string& type : of_a) {
    if (has(of_b, type) || (type == "integer" && has(of_b, "number"))) {
      both.push_back(type);
    } else if (type == "number" && has(of_b, "integer")) {
      both.push_back("integer");
    }
  }
  return both;
}

Json united(const Json& a, const Json& b) {
  Json all = a;
  for (const Json& item : b.as_array()) {
    const Json::Array& known = all.as_array();
    if (std::find(known.begin(), known.end(), item) == known.end()) {
      all.push_back(item);
    }
  }
  return all;
}

Json common_values(const Json& a, const Json& b) {
  Json both = Json::array();
  for (const Json& item : a.as_array()) {
    if (std::find(b.as_array().begin(), b.as_array().end(), item) != b.as_array().end()) {
      both.push_back(item);
    }
  }
  return both;
}

Result<Json> merged_properties(const Json& a, const Json& b, const std::string& place) {
  Json all = a;
  for (const auto& [name, schema] : b.as_object()) {
    if (const Json* known = a.find(name)) {
      CUPEL_TRY(Json both, merge(*known, schema, below(below(place, "properties"), name)));
      all.set(name, std::move(both));
    } else {
      all.set(name, schema);
    }
  }
  return all;
}

Result<Json> merged_keyword(std::string_view key,
                            const Json& a,
                            const Json& b,
                            const std::string& place) {
  if (a == b) {
    return a;
  }
  if (key == "type") {
    return merged_types(a, b);
  }
  if (key == "required") {
    return united(a, b);
  }
  if (key == "enum") {
    return common_values(a, b);
  }
  if (key == "properties") {
    return merged_properties(a, b, place);
  }
  if (key == "items") {
    return merge(a, b, below(place, key));
  }
  if (key == "minimum" || key == "exclusiveMinimum" || key == "minLength" || key == "minItems") {
    return a.as_double() < b.as_double() ? b : a;
  }
  if (key == "maximum" || key == "exclusiveMaximum" || key == "maxLength" || key == "maxItems") {
    return a.as_double() < b.as_double() ? a : b;
  }
  return unsupported(
      "{}: \"{}\" is given twice with different values, which cannot be put together here; write "
      "one schema instead of allOf or of keywords beside $ref, anyOf and oneOf",
      place, key);
}

// What additionalProperties and items mean depends on the keyword beside them.
Result<Ok> check_same_neighbour(const Json& a,
                                const Json& b,
                                std::string_view key,
                                std::string_view neighbour,
                                const std::string& place) {
  const auto names = [&](const Json& schema) -> const Json* { return schema.find(neighbour); };
  const bool one = a.contains(key) || b.contains(key);
  const Json* of_a = names(a);
  const Json* of_b = names(b);
  const bool same = of_a == nullptr && of_b == nullptr;
  const bool alone = (of_b == nullptr && !b.contains(key)) || (of_a == nullptr && !a.contains(key));
  if (!one || same || alone) {
    return Ok{};
  }
  return unsupported(
      "{}: \"{}\" and \"{}\" of schemas that all hold cannot be put together here; write one "
      "schema instead of allOf or of keywords beside $ref, anyOf and oneOf",
      place, neighbour, key);
}

// The values that a schema of constants allows, or nothing.
std::optional<Json::Array> constants(const Json& schema) {
  if (const Json* value = schema.find("const")) {
    return Json::Array{*value};
  }
  if (const Json* values = schema.find("enum")) {
    return values->as_array();
  }
  return std::nullopt;
}

std::string_view type_of_value(const Json& value) {
  return value.type_name();
}

// "integer" values are numbers too.
bool same_family(std::string_view a, std::string_view b) {
  const auto family = [](std::string_view t) { return t == "integer" ? "number" : t; };
  return family(a) == family(b);
}

std::optional<std::vector<std::string>> plain_types(const Json& schema) {
  if (const auto values = constants(schema)) {
    std::vector<std::string> types;
    for (const Json& value : *values) {
      types.emplace_back(type_of_value(value));
    }
    return types;
  }
  const Json* type = schema.find("type");
  return type == nullptr ? std::nullopt : std::optional(type_list(*type));
}

bool disjoint_types(const Json& a, const Json& b) {
  const auto of_a = plain_types(a);
  const auto of_b = plain_types(b);
  if (!of_a || !of_b) {
    return false;
  }
  return std::none_of(of_a->begin(), of_a->end(), [&](const std::string& x) {
    return std::any_of(of_b->begin(), of_b->end(),
                       [&](const std::string& y) { return same_family(x, y); });
  });
}

// Equal for equal values: 1 and 1.0 are one. Of arrays and objects only the kind counts.
std::string constant_key(const Json& value) {
  if (value.is_number()) {
    return format("{}", value.as_double());
  }
  return value.is_array() || value.is_object() ? std::string(value.type_name()) : dump_json(value);
}

bool disjoint_constants(const Json& a, const Json& b) {
  const auto of_a = constants(a);
  const auto of_b = constants(b);
  if (!of_a || !of_b) {
    return false;
  }
  std::unordered_set<std::string> keys;
  for (const Json& value : *of_a) {
    keys.insert(constant_key(value));
  }
  return std::none_of(of_b->begin(), of_b->end(),
                      [&](const Json& value) { return keys.contains(constant_key(value)); });
}

bool requires_property(const Json& schema, const std::string& name) {
  const Json* required = schema.find("required");
  if (required == nullptr) {
    return false;
  }
  const auto& names = required->as_array();
  return std::find(names.begin(), names.end(), Json(name)) != names.end();
}

bool disjoint_properties(const Json& root, const Json& a, const Json& b, int depth) {
  const auto of_a = plain_types(a);
  const auto of_b = plain_types(b);
  const Json* pa = a.find("properties");
  const Json* pb = b.find("properties");
  const std::vector<std::string> object = {"object"};
  if (pa == nullptr || pb == nullptr || of_a != object || of_b != object) {
    return false;
  }
  return std::any_of(pa->as_object().begin(), pa->as_object().end(), [&](const auto& member) {
    const auto& [name, schema] = member;
    const Json* other = pb->find(name);
    return other != nullptr && requires_property(a, name) && requires_property(b, name) &&
           are_disjoint(root, schema, *other, depth + 1);
  });
}

}  // namespace

Result<Json> merge(const Json& a, const Json& b, const std::string& place) {
  if (a.is_bool()) {
    return a.as_bool() ? b : a;
  }
  if (b.is_bool()) {
    return b.as_bool() ? a : b;
  }
  CUPEL_TRY_VOID(check_keywords(a, place));
  CUPEL_TRY_VOID(check_keywords(b, place));
  CUPEL_TRY_VOID(check_same_neighbour(a, b, "additionalProperties", "properties", place));
  CUPEL_TRY_VOID(check_same_neighbour(a, b, "items", "prefixItems", place));
  Json all = without_keyword(a, "");
  for (const auto& [key, value] : b.as_object()) {
    if (is_annotation(key)) {
      continue;
    }
    if (const Json* known = all.find(key)) {
      CUPEL_TRY(Json both, merged_keyword(key, *known, value, place));
      if ((key == "type" || key == "enum") && both.is_array() && both.size() == 0) {
        return Json(false);  // they have no value in common
      }
      all.set(key, std::move(both));
    } else {
      all.set(key, value);
    }
  }
  return all;
}

bool are_disjoint(const Json& root, const Json& a, const Json& b, int depth) {
  constexpr int kDeepest = 32;
  if (depth > kDeepest) {
    return false;
  }
  if (!a.is_object() || !b.is_object()) {
    return (a.is_bool() && !a.as_bool()) || (b.is_bool() && !b.as_bool());
  }
  for (const Json* one : {&a, &b}) {
    if (const Json* reference = one->find("$ref"); reference != nullptr && reference->is_string()) {
      const auto target = resolve(root, reference->as_string(), "");
      const Json& other = one == &a ? b : a;
      return target && check_keywords(**target, "") &&
             are_disjoint(root, **target, other, depth + 1);
    }
  }
  if (!check_keywords(a, "") || !check_keywords(b, "")) {
    return false;
  }
  return disjoint_types(a, b) || disjoint_constants(a, b) || disjoint_properties(root, a, b, depth);
}

}  // namespace cupel::decode::constraint
