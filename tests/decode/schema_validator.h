#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "base/check.h"
#include "base/json.h"
#include "base/regex.h"
#include "base/text.h"

namespace cupel::decode::constraint::test {

/// Whether a value satisfies a schema, straight from the specification (JSON Schema 2020-12,
/// validation vocabulary): an implementation that shares nothing with the automaton. Formats are
/// annotations here.
class SchemaValidator {
 public:
  explicit SchemaValidator(const Json& root) : root_(root) {}
  [[nodiscard]] bool valid(const Json& value) const { return valid(value, root_); }

 private:
  [[nodiscard]] bool valid(const Json& v, const Json& s) const {
    if (s.is_bool()) {
      return s.as_bool();
    }
    for (const auto& [key, argument] : s.as_object()) {
      if (!keeps(v, s, key, argument)) {
        return false;
      }
    }
    return true;
  }

  static bool is_whole(const Json& v) {
    return v.is_int() || (v.is_double() && v.as_double() == std::floor(v.as_double()));
  }

  static bool has_type(const Json& v, const Json& type) {
    if (type.is_array()) {
      return std::any_of(type.as_array().begin(), type.as_array().end(),
                         [&](const Json& t) { return has_type(v, t); });
    }
    const std::string& name = type.as_string();
    return name == v.type_name() || (name == "integer" && v.is_number() && is_whole(v)) ||
           (name == "number" && v.is_number());
  }

  static int64_t code_points(const std::string& text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  }

  [[nodiscard]] int64_t matches(const Json& v, const Json& schemas) const {
    return std::count_if(schemas.as_array().begin(), schemas.as_array().end(),
                         [&](const Json& s) { return valid(v, s); });
  }

  [[nodiscard]] const Json& target(const std::string& reference) const {
    const Json* at = &root_;
    if (reference.size() > 2) {
      for (const std::string_view part : split(std::string_view(reference).substr(2), '/')) {
        at = at->find(part);
        CUPEL_CHECK(at != nullptr, reference);
      }
    }
    return *at;
  }

  [[nodiscard]] bool keeps(const Json& v,
                           const Json& s,
                           const std::string& key,
                           const Json& x) const {
    if (key == "type") {
      return has_type(v, x);
    }
    if (key == "enum") {
      return std::find(x.as_array().begin(), x.as_array().end(), v) != x.as_array().end();
    }
    if (key == "const") {
      return v == x;
    }
    if (key == "$ref") {
      return valid(v, target(x.as_string()));
    }
    if (key == "anyOf") {
      return matches(v, x) > 0;
    }
    if (key == "oneOf") {
      return matches(v, x) == 1;
    }
    if (key == "allOf") {
      return matches(v, x) == static_cast<int64_t>(x.size());
    }
    return (!v.is_number() || keeps_number(v.as_double(), key, x)) &&
           (!v.is_string() || keeps_string(v.as_string(), key, x)) &&
           (!v.is_array() || keeps_array(v, s, key, x)) &&
           (!v.is_object() || keeps_object(v, s, key, x));
  }

  static bool keeps_number(double v, const std::string& key, const Json& x) {
    return !(key == "minimum" && v < x.as_double()) && !(key == "maximum" && v > x.as_double()) &&
           !(key == "exclusiveMinimum" && v <= x.as_double()) &&
           !(key == "exclusiveMaximum" && v >= x.as_double());
  }

  static bool keeps_string(const std::string& v, const std::string& key, const Json& x) {
    if (key == "pattern") {
      const auto regex = Regex::compile(x.as_string());
      CUPEL_CHECK(regex.has_value(), x.as_string());
      return regex->find(v).found;
    }
    return !(key == "minLength" && code_points(v) < x.as_int()) &&
           !(key == "maxLength" && code_points(v) > x.as_int());
  }

  [[nodiscard]] bool keeps_array(const Json& v,
                                 const Json& s,
                                 const std::string& key,
                                 const Json& x) const {
    const auto& items = v.as_array();
    const Json* prefix = s.find("prefixItems");
    const size_t listed = prefix == nullptr ? 0 : prefix->size();
    if (key == "items") {
      return std::all_of(items.begin() + static_cast<int64_t>(std::min(listed, items.size())),
                         items.end(), [&](const Json& item) { return valid(item, x); });
    }
    if (key == "prefixItems") {
      for (size_t i = 0; i < std::min(listed, items.size()); ++i) {
        if (!valid(items[i], x.as_array()[i])) {
          return false;
        }
      }
    }
    return !(key == "minItems" && static_cast<int64_t>(v.size()) < x.as_int()) &&
           !(key == "maxItems" && static_cast<int64_t>(v.size()) > x.as_int());
  }

  [[nodiscard]] bool keeps_object(const Json& v,
                                  const Json& s,
                                  const std::string& key,
                                  const Json& x) const {
    const Json* known = s.find("properties");
    for (const auto& [name, value] : v.as_object()) {
      if (key == "properties" && x.contains(name) && !valid(value, *x.find(name))) {
        return false;
      }
      const bool other = known == nullptr || !known->contains(name);
      if (key == "additionalProperties" && other && !valid(value, x)) {
        return false;
      }
    }
    return key != "required" ||
           std::all_of(x.as_array().begin(), x.as_array().end(),
                       [&](const Json& name) { return v.contains(name.as_string()); });
  }

  const Json& root_;
};

}  // namespace cupel::decode::constraint::test
