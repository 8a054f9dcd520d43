#include "engine/tokenizer/json/json_at.h"

#include "base/text.h"

namespace cupel::engine {
namespace {

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : format("{}.{}", path, key);
}

}  // namespace

std::optional<JsonAt> JsonAt::find(std::string_view key) const {
  const Json* found = value_->find(key);
  if (found == nullptr || found->is_null()) {
    return std::nullopt;
  }
  return JsonAt(*found, joined(path_, printable(key)));
}

Result<JsonAt> JsonAt::member(std::string_view key) const {
  if (!value_->is_object()) {
    return mistyped("an object");
  }
  if (auto found = find(key)) {
    return *found;
  }
  return corrupt_data("{} is absent", joined(path_, key));
}

Result<std::vector<JsonAt>> JsonAt::items() const {
  if (!value_->is_array()) {
    return mistyped("an array");
  }
  std::vector<JsonAt> result;
  result.reserve(value_->size());
  for (const Json& item : value_->as_array()) {
    result.emplace_back(item, format("{}[{}]", path_, result.size()));
  }
  return result;
}

Result<std::string> JsonAt::text() const {
  return value_->is_string() ? Result<std::string>(value_->as_string()) : mistyped("a string");
}

Result<int64_t> JsonAt::integer() const {
  return value_->is_int() ? Result<int64_t>(value_->as_int()) : mistyped("an integer");
}

Result<std::string> JsonAt::text(std::string_view key) const {
  CUPEL_TRY(const JsonAt found, member(key));
  return found.text();
}

Result<std::string> JsonAt::text_or(std::string_view key, std::string_view fallback) const {
  const auto found = find(key);
  return found ? found->text() : Result<std::string>(std::string(fallback));
}

Result<bool> JsonAt::flag_or(std::string_view key, bool fallback) const {
  const auto found = find(key);
  if (!found) {
    return fallback;
  }
  return found->value().is_bool() ? Result<bool>(found->value().as_bool())
                                  : found->mistyped("true or false");
}

Result<int64_t> JsonAt::integer_or(std::string_view key, int64_t fallback) const {
  const auto found = find(key);
  return found ? found->integer() : Result<int64_t>(fallback);
}

Result<uint32_t> JsonAt::character(std::string_view key, std::string_view fallback) const {
  CUPEL_TRY(const std::string found, text_or(key, fallback));
  const CodePoint c = found.empty() ? CodePoint{} : decode_utf8(found, 0);
  if (!c.valid || c.length != found.size() || found.empty()) {
    return corrupt_data("{} is \"{}\"; expected one character", joined(path_, key),
                        printable(found));
  }
  return c.value;
}

Error JsonAt::mistyped(std::string_view expected) const {
  return corrupt_data("{} is {}; expected {}", name(), value_->type_name(), expected);
}

Error JsonAt::unknown(std::string_view kind, std::string_view name) const {
  return unsupported("{}: the {} \"{}\" is not supported", path_, kind, printable(name));
}

}  // namespace cupel::engine
