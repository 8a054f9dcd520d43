#include "engine/template/value.h"

#include <functional>

#include "base/error.h"
#include "engine/template/iterate.h"
#include "engine/template/runtime.h"

namespace cupel::engine::jinja {

Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::~Value() = default;

bool Value::is_list() const {
  return is(Kind::kSequence) && !sequence().tuple;
}
bool Value::is_tuple() const {
  return is(Kind::kSequence) && sequence().tuple;
}
const std::vector<Value>& Value::items() const {
  return sequence().items;
}

int Value::depth() const {
  switch (kind()) {
    case Kind::kSequence:
      return sequence().depth;
    case Kind::kDict:
      return dict().depth;
    case Kind::kObject:
      return object()->depth;
    default:
      return 0;
  }
}

bool Value::same_as(const Value& other) const {
  if (kind() != other.kind()) {
    return false;
  }
  switch (kind()) {
    case Kind::kMissing:
    case Kind::kNone:
      return true;
    case Kind::kUndefined:
      return &undefined() == &other.undefined();
    case Kind::kBool:
      return as_bool() == other.as_bool();
    case Kind::kInt:
      return as_int() == other.as_int();
    case Kind::kFloat:
      return as_double() == other.as_double();
    case Kind::kText:
      return &text() == &other.text() || (bytes().size() <= 1 && bytes() == other.bytes());
    case Kind::kSequence:
      return &sequence() == &other.sequence();
    case Kind::kDict:
      return &dict() == &other.dict();
    case Kind::kObject:
      return object() == other.object();
  }
  return false;
}

const Value* Dict::find(std::string_view key) const {
  if (index.empty()) {
    for (const auto& [name, value] : entries) {
      if (name.is_text() && name.bytes() == key) {
        return &value;
      }
    }
    return nullptr;
  }
  const auto [begin, end] = index.equal_range(hash_text(key));
  for (auto it = begin; it != end; ++it) {
    const auto& [name, value] = entries[it->second];
    if (name.is_text() && name.bytes() == key) {
      return &value;
    }
  }
  return nullptr;
}

Result<Ok> Object::append_repr(Runtime& /*runtime*/, std::string& out) {
  out += format("<{} object>", type_name());
  return Ok{};
}

Result<std::optional<Value>> Object::attribute(Runtime& /*runtime*/, std::string_view /*name*/) {
  return std::optional<Value>();
}

Result<std::optional<Value>> Object::item(Runtime& /*runtime*/, const Value& /*key*/) {
  return std::optional<Value>();
}

Result<std::shared_ptr<Iterator>> Object::iterate(Runtime& /*runtime*/) {
  return std::shared_ptr<Iterator>();
}

Result<std::optional<int64_t>> Object::length(Runtime& /*runtime*/) {
  return std::optional<int64_t>();
}

Result<Value> Object::call(Runtime& /*runtime*/, Arguments /*arguments*/) {
  return invalid_argument("'{}' object is not callable", type_name());
}

Value make_undefined(std::string message, bool security) {
  auto info = std::make_shared<UndefinedInfo>();
  info->message = std::move(message);
  info->security = security;
  return Value(std::shared_ptr<const UndefinedInfo>(std::move(info)));
}

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::kMissing:
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kText:
      return value.text().markup ? "Markup" : "str";
    case Kind::kSequence:
      return value.sequence().tuple ? "tuple" : "list";
    case Kind::kDict:
      return "dict";
    case Kind::kObject:
      return value.object()->type_name();
  }
  return "object";
}

size_t hash_text(std::string_view text) {
  return std::hash<std::string_view>{}(text);
}

}  // namespace cupel::engine::jinja
