#include "decode/constraint/schema_document.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "base/text.h"

namespace cupel::decode::constraint {
namespace {

enum class Form {
  kAnnotation,  // not looked at
  kAny,
  kString,
  kNumber,
  kCount,
  kSchema,
  kSchemas,  // at least one
  kSchemaMap,
  kStrings,
  kValues,
  kType
};

struct Keyword {
  std::string_view name;
  Form form;
  std::string_view about;  // the type whose values alone it restricts
};

constexpr Keyword kKeywords[] = {{"type", Form::kType, ""},
                                 {"enum", Form::kValues, ""},
                                 {"const", Form::kAny, ""},
                                 {"anyOf", Form::kSchemas, ""},
                                 {"oneOf", Form::kSchemas, ""},
                                 {"allOf", Form::kSchemas, ""},
                                 {"$ref", Form::kString, ""},
                                 {"properties", Form::kSchemaMap, "object"},
                                 {"required", Form::kStrings, "object"},
                                 {"additionalProperties", Form::kSchema, "object"},
                                 {"items", Form::kSchema, "array"},
                                 {"prefixItems", Form::kSchemas, "array"},
                                 {"minItems", Form::kCount, "array"},
                                 {"maxItems", Form::kCount, "array"},
                                 {"minLength", Form::kCount, "string"},
                                 {"maxLength", Form::kCount, "string"},
                                 {"pattern", Form::kString, "string"},
                                 {"format", Form::kString, "string"},
                                 {"minimum", Form::kNumber, "number"},
                                 {"maximum", Form::kNumber, "number"},
                                 {"exclusiveMinimum", Form::kNumber, "number"},
                                 {"exclusiveMaximum", Form::kNumber, "number"},
                                 {"title", Form::kAnnotation, ""},
                                 {"description", Form::kAnnotation, ""},
                                 {"default", Form::kAnnotation, ""},
                                 {"examples", Form::kAnnotation, ""},
                                 {"deprecated", Form::kAnnotation, ""},
                                 {"readOnly", Form::kAnnotation, ""},
                                 {"writeOnly", Form::kAnnotation, ""},
                                 {"example", Form::kAnnotation, ""},
                                 {"discriminator", Form::kAnnotation, ""},
                                 {"$schema", Form::kAnnotation, ""},
                                 {"$id", Form::kAnnotation, ""},
                                 {"$comment", Form::kAnnotation, ""},
                                 {"$defs", Form::kAnnotation, ""},
                                 {"definitions", Form::kAnnotation, ""}};

// Members of one object or elements of one array of a schema.
constexpr size_t kMaxMembers = 10000;

constexpr std::string_view kTypes[] = {"object",  "array",   "string", "number",
                                       "integer", "boolean", "null"};

const Keyword* find_keyword(std::string_view name) {
  const auto* const found = std::find_if(std::begin(kKeywords), std::end(kKeywords),
                                         [&](const Keyword& k) { return k.name == name; });
  return found == std::end(kKeywords) ? nullptr : found;
}

bool all_strings(const Json& array) {
  return std::all_of(array.as_array().begin(), array.as_array().end(),
                     [](const Json& item) { return item.is_string(); });
}

// What the form asks for, when the value has another one.
std::string_view expected_form(const Json& value, Form form) {
  switch (form) {
    case Form::kAnnotation:
    case Form::kAny:
      return "";
    case Form::kString:
      return value.is_string() ? "" : "a string";
    case Form::kNumber:
      return value.is_number() ? "" : "a number";
    case Form::kCount:
      return value.is_int() && value.as_int() >= 0 ? "" : "a whole number of at least 0";
    case Form::kSchema:
      return value.is_object() || value.is_bool() ? "" : "a schema: an object or a boolean";
    case Form::kSchemas:
      return value.is_array() && value.size() > 0 ? "" : "an array of at least one schema";
    case Form::kSchemaMap:
      return value.is_object() ? "" : "an object of schemas";
    case Form::kStrings:
      return value.is_array() && all_strings(value) ? "" : "an array of strings";
    case Form::kValues:
      return value.is_array() && value.size() > 0 ? "" : "an array of at least one value";
    case Form::kType: {
      const bool list = value.is_array() && value.size() > 0 && all_strings(value);
      return value.is_string() || list ? "" : "a type or an array of types";
    }
  }
  return "";
}

std::string unescape_pointer(std::string_view part) {
  return replace_all(replace_all(std::string(part), "~1", "/"), "~0", "~");
}

std::optional<std::string> decode_percent(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    const std::string pair = to_lower_ascii(text.substr(i + 1, 2));
    const size_t high = pair.empty() ? std::string_view::npos : kDigits.find(pair[0]);
    const size_t low = pair.size() < 2 ? std::string_view::npos : kDigits.find(pair[1]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      return std::nullopt;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// The child of that name or index.
const Json* child_of(const Json& json, const std::string& key) {
  if (!json.is_array()) {
    return json.find(key);
  }
  const bool digits =
      !key.empty() && key.size() < 10 &&
      std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
  const size_t index = digits ? std::stoul(key) : json.size();
  return index < json.size() ? &json.as_array()[index] : nullptr;
}

bool has(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

bool is_annotation(std::string_view name) {
  const Keyword* keyword = find_keyword(name);
  return keyword != nullptr && keyword->form == Form::kAnnotation;
}

std::vector<std::string> type_list(const Json& type) {
  std::vector<std::string> types;
  if (type.is_string()) {
    types.push_back(type.as_string());
    return types;
  }
  for (const Json& one : type.as_array()) {
    types.push_back(one.as_string());
  }
  return types;
}

std::string below(std::string_view place, std::string_view key) {
  return format("{}/{}", place, replace_all(replace_all(printable(key, 80), "~", "~0"), "/", "~1"));
}

std::string below(std::string_view place, size_t index) {
  return format("{}/{}", place, index);
}

Result<Ok> check_keywords(const Json& schema, std::string_view place) {
  if (schema.is_bool()) {
    return Ok{};
  }
  if (!schema.is_object()) {
    return invalid_argument("{}: is {}; expected a schema: an object or a boolean", place,
                            schema.type_name());
  }
  for (const auto& [name, value] : schema.as_object()) {
    const Keyword* keyword = find_keyword(name);
    if (keyword == nullptr) {
      std::vector<std::string> known;
      for (const Keyword& k : kKeywords) {
        known.emplace_back(k.name);
      }
      return unsupported(
          "{}: the keyword \"{}\" is not supported{}; docs/constrained.md lists "
          "those that are",
          below(place, name), printable(name, 40), did_you_mean(name, known));
    }
    if (const std::string_view expected = expected_form(value, keyword->form); !expected.empty()) {
      return invalid_argument("{}: is {}; expected {}", below(place, name),
                              printable(dump_json(value), 40), expected);
    }
    if (keyword->form != Form::kAnnotation && value.size() > kMaxMembers) {
      return exhausted("{}: has {} members; at most {} are taken", below(place, name), value.size(),
                       kMaxMembers);
    }
  }
  return Ok{};
}

bool says_more_than(const Json& schema, std::string_view keyword) {
  return std::any_of(schema.as_object().begin(), schema.as_object().end(),
                     [&](const auto& m) { return m.first != keyword && !is_annotation(m.first); });
}

Json without_keyword(const Json& schema, std::string_view keyword) {
  Json rest = Json::object();
  for (const auto& [name, value] : schema.as_object()) {
    if (name != keyword && !is_annotation(name)) {
      rest.set(name, value);
    }
  }
  return rest;
}

Result<const Json*> resolve(const Json& root, std::string_view reference, std::string_view place) {
  const auto path = reference.starts_with('#') ? decode_percent(reference.substr(1)) : std::nullopt;
  if (!path || (!path->empty() && path->front() != '/')) {
    return unsupported(
        "{}: \"{}\" is not supported; a reference must point into the schema itself, like "
        "\"#/$defs/name\"",
        place, printable(reference, 80));
  }
  const Json* at = &root;
  if (path->empty()) {
    return at;
  }
  for (const std::string_view part : split(std::string_view(*path).substr(1), '/')) {
    at = child_of(*at, unescape_pointer(part));
    if (at == nullptr) {
      return not_found("{}: there is nothing at \"{}\"", place, printable(reference, 80));
    }
  }
  return at;
}

Result<std::vector<std::string>> types_of(const Json& schema, std::string_view place) {
  std::vector<std::string> types;
  const std::vector<std::string> all(std::begin(kTypes), std::end(kTypes));
  if (const Json* type = schema.find("type")) {
    for (std::string& name : type_list(*type)) {
      if (!has(all, name)) {
        return invalid_argument("{}: \"{}\" is no type of JSON Schema{}", below(place, "type"),
                                printable(name, 40), did_you_mean(name, all));
      }
      if (!has(types, name)) {
        types.push_back(std::move(name));
      }
    }
    if (has(types, "number")) {
      std::erase(types, "integer");
    }
    return types;
  }
  for (const auto& [name, value] : schema.as_object()) {
    const Keyword* keyword = find_keyword(name);
    if (keyword != nullptr && !keyword->about.empty() && !has(types, keyword->about)) {
      types.emplace_back(keyword->about);
    }
  }
  if (types.size() > 1) {
    return unsupported("{}: has keywords about values of type {} and of type {}; give \"type\"",
                       place, types[0], types[1]);
  }
  if (types.empty()) {
    types = {"object", "array", "string", "number", "boolean", "null"};
  }
  return types;
}

int64_t count_values(const Json& json) {
  int64_t count = 1;
  if (json.is_array()) {
    for (const Json& item : json.as_array()) {
      count += count_values(item);
    }
  } else if (json.is_object()) {
    for (const auto& member : json.as_object()) {
      count += count_values(member.second);
    }
  }
  return count;
}

}  // namespace cupel::decode::constraint
