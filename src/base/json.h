#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace cupel {

/// A JSON value with ordered object keys: the light DOM of the whole product.
///
/// Integers that fit int64 stay integers (`1` and `1.0` differ, as in Python); others become
/// doubles. Copies are deep; pass by reference. Parsing is nlohmann's, kept inside json.cpp.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;  ///< in order of insertion; keys are unique

  Json() = default;
  Json(std::nullptr_t) {}              // NOLINT
  Json(bool value) : value_(value) {}  // NOLINT
  template <typename T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>)
      Json(T value)
      : value_(static_cast<int64_t>(value)) {}                  // NOLINT
  Json(double value) : value_(value) {}                         // NOLINT
  Json(std::string value) : value_(std::move(value)) {}         // NOLINT
  Json(std::string_view value) : value_(std::string(value)) {}  // NOLINT
  Json(const char* value) : value_(std::string(value)) {}       // NOLINT
  Json(Array value) : value_(std::move(value)) {}               // NOLINT
  Json(Object value) : value_(std::move(value)) {}              // NOLINT
  static Json array() { return Json(Array{}); }
  static Json object() { return Json(Object{}); }

  [[nodiscard]] bool is_null() const { return value_.index() == 0; }
  [[nodiscard]] bool is_bool() const { return value_.index() == 1; }
  [[nodiscard]] bool is_int() const { return value_.index() == 2; }
  [[nodiscard]] bool is_double() const { return value_.index() == 3; }
  [[nodiscard]] bool is_number() const { return is_int() || is_double(); }
  [[nodiscard]] bool is_string() const { return value_.index() == 4; }
  [[nodiscard]] bool is_array() const { return value_.index() == 5; }
  [[nodiscard]] bool is_object() const { return value_.index() == 6; }
  /// "null", "boolean", "integer", "number", "string", "array" or "object".
  [[nodiscard]] std::string_view type_name() const;

  // Typed views; a wrong type is a bug (check is_x first, or use the get_x readers below).
  [[nodiscard]] bool as_bool() const { return std::get<bool>(value_); }
  [[nodiscard]] int64_t as_int() const { return std::get<int64_t>(value_); }
  [[nodiscard]] double as_double() const {
    return is_int() ? static_cast<double>(std::get<int64_t>(value_)) : std::get<double>(value_);
  }
  [[nodiscard]] const std::string& as_string() const { return std::get<std::string>(value_); }
  [[nodiscard]] const Array& as_array() const { return std::get<Array>(value_); }
  [[nodiscard]] Array& as_array() { return std::get<Array>(value_); }
  [[nodiscard]] const Object& as_object() const { return std::get<Object>(value_); }
  [[nodiscard]] Object& as_object() { return std::get<Object>(value_); }

  /// Number of elements or members; 0 for scalars.
  [[nodiscard]] size_t size() const;
  /// The member of that name, or nullptr (also when this is no object).
  [[nodiscard]] const Json* find(std::string_view key) const;
  [[nodiscard]] bool contains(std::string_view key) const { return find(key) != nullptr; }
  /// Replaces the member or appends it; a null value becomes an object first. Returns *this to
  /// chain.
  Json& set(std::string_view key, Json value);
  /// Appends to an array; a null value becomes an array first.
  Json& push_back(Json value);
  bool erase(std::string_view key);

  /// Deep equality; 1 == 1.0, order of members does not count.
  bool operator==(const Json& other) const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

/// What a text from outside may not do.
struct JsonLimits {
  bool unique_keys = false;  ///< a key that an object has twice is an error; else the last counts
  bool exact_integers = false;   ///< one beyond 64 bits is an error; else the double next to it
  size_t max_values = SIZE_MAX;  ///< bounds memory: about 100 bytes a value beside the text itself
};

/// Parses one JSON text (RFC 8259; nesting up to 512).
/// Errors: kCorruptData with line and column, or naming the key that an object has twice;
/// kExhausted - more values than `limits` allow; kUnsupported - names the integer that is not
/// exact.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

/// How to write JSON.
struct JsonStyle {
  int indent = -1;                        ///< spaces per level; -1 puts all on one line
  bool ascii = false;                     ///< escape everything beyond ASCII as \uXXXX
  std::string_view item_separator = ",";  ///< Python's default is ", "
  std::string_view key_separator = ":";   ///< Python's default is ": "
};
/// Writes JSON; doubles in the shortest form that reads back equal; bytes that are no UTF-8 become
/// U+FFFD; NaN and infinities become null.
std::string dump_json(const Json& value, const JsonStyle& style = {});

// Readers for records from outside: an absent or mistyped member is kCorruptData that names key and
// type.
Result<std::string> get_string(const Json& object, std::string_view key);
Result<int64_t> get_int(const Json& object, std::string_view key);
Result<double> get_double(const Json& object, std::string_view key);
Result<bool> get_bool(const Json& object, std::string_view key);
Result<const Json*> get_array(const Json& object, std::string_view key);
Result<const Json*> get_object(const Json& object, std::string_view key);
/// As the readers above, but an absent or null member gives the fallback.
Result<std::string> get_string_or(const Json& object,
                                  std::string_view key,
                                  std::string_view fallback);
Result<int64_t> get_int_or(const Json& object, std::string_view key, int64_t fallback);
Result<double> get_double_or(const Json& object, std::string_view key, double fallback);
Result<bool> get_bool_or(const Json& object, std::string_view key, bool fallback);

}  // namespace cupel
