#include "engine/model/hf/config_reader.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace cupel::engine::hf {

const Json* ConfigReader::find(std::string_view key) {
  used_.insert(std::string(key));
  const Json* member = object_->find(key);
  return member == nullptr || member->is_null() ? nullptr : member;
}

Error ConfigReader::mistyped(std::string_view key,
                             std::string_view expected,
                             const Json* found) const {
  return corrupt_data("{}: \"{}\" is {}; expected {}", place_, key,
                      found == nullptr ? "missing" : printable(dump_json(*found), 60), expected);
}

Result<int64_t> ConfigReader::integer(std::string_view key) {
  const Json* member = find(key);
  if (member == nullptr || !member->is_int()) {
    return mistyped(key, "an integer", member);
  }
  return member->as_int();
}

Result<int64_t> ConfigReader::integer_or(std::string_view key, int64_t fallback) {
  return contains(key) ? integer(key) : fallback;
}

Result<double> ConfigReader::number(std::string_view key) {
  const Json* member = find(key);
  if (member == nullptr || !member->is_number()) {
    return mistyped(key, "a number", member);
  }
  return member->as_double();
}

Result<double> ConfigReader::number_or(std::string_view key, double fallback) {
  return contains(key) ? number(key) : fallback;
}

Result<bool> ConfigReader::flag_or(std::string_view key, bool fallback) {
  const Json* member = find(key);
  if (member == nullptr) {
    return fallback;
  }
  if (!member->is_bool()) {
    return mistyped(key, "true or false", member);
  }
  return member->as_bool();
}

Result<std::string> ConfigReader::text_or(std::string_view key, std::string_view fallback) {
  const Json* member = find(key);
  if (member == nullptr) {
    return std::string(fallback);
  }
  if (!member->is_string()) {
    return mistyped(key, "a string", member);
  }
  return member->as_string();
}

Result<std::vector<float>> ConfigReader::numbers(std::string_view key) {
  std::vector<float> values;
  const Json* member = find(key);
  if (member == nullptr) {
    return values;
  }
  const bool fits =
      member->is_array() && std::all_of(member->as_array().begin(), member->as_array().end(),
                                        [](const Json& item) { return item.is_number(); });
  if (!fits) {
    return mistyped(key, "a list of numbers", member);
  }
  for (const Json& item : member->as_array()) {
    values.push_back(static_cast<float>(item.as_double()));
  }
  return values;
}

Result<std::vector<std::string>> ConfigReader::texts(std::string_view key) {
  std::vector<std::string> values;
  const Json* member = find(key);
  if (member == nullptr) {
    return values;
  }
  const bool fits =
      member->is_array() && std::all_of(member->as_array().begin(), member->as_array().end(),
                                        [](const Json& item) { return item.is_string(); });
  if (!fits) {
    return mistyped(key, "a list of strings", member);
  }
  for (const Json& item : member->as_array()) {
    values.push_back(item.as_string());
  }
  return values;
}

Result<Ok> ConfigReader::expect_flag(std::string_view key, bool computed) {
  CUPEL_TRY(const bool value, flag_or(key, computed));
  if (value != computed) {
    return unsupported("{}: \"{}\" is {}; only {} is supported", place_, key, value, computed);
  }
  return Ok{};
}

Result<Ok> ConfigReader::expect_integer(std::string_view key, int64_t computed) {
  CUPEL_TRY(const int64_t value, integer_or(key, computed));
  if (value != computed) {
    return unsupported("{}: \"{}\" is {}; only {} is supported", place_, key, value, computed);
  }
  return Ok{};
}

Result<Ok> ConfigReader::expect_text(std::string_view key,
                                     std::initializer_list<std::string_view> computed) {
  CUPEL_TRY(const std::string value, text_or(key, *computed.begin()));
  if (std::find(computed.begin(), computed.end(), value) == computed.end()) {
    return unsupported("{}: \"{}\" is \"{}\"; supported: {}", place_, key, printable(value),
                       join(std::vector<std::string>(computed.begin(), computed.end()), ", "));
  }
  return Ok{};
}

void ConfigReader::ignore(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    used_.insert(std::string(key));
  }
}

Result<Ok> ConfigReader::refuse_unread() const {
  for (const auto& [key, value] : object_->as_object()) {
    if (!value.is_null() && !used_.contains(key)) {
      return unsupported(
          "{}: \"{}\" is a setting that is not understood; the model would be "
          "computed wrongly without it",
          place_, printable(key));
    }
  }
  return Ok{};
}

}  // namespace cupel::engine::hf
