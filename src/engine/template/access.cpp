#include "engine/template/access.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/compare.h"
#include "engine/template/iterate.h"
#include "engine/template/repr.h"
#include "engine/template/unicode.h"

namespace cupel::engine::jinja {
namespace {

constexpr std::array<std::string_view, 8> kListMutators = {"append", "clear", "pop",    "reverse",
                                                           "insert", "sort",  "extend", "remove"};
constexpr std::array<std::string_view, 5> kDictMutators = {"clear", "pop", "popitem", "setdefault",
                                                           "update"};
constexpr std::array<std::string_view, 3> kListMethods = {"index", "count", "copy"};
constexpr std::array<std::string_view, 2> kTupleMethods = {"index", "count"};
constexpr std::array<std::string_view, 5> kDictMethods = {"get", "items", "keys", "values", "copy"};
constexpr std::array<std::string_view, 3> kFloatMethods = {"is_integer", "conjugate",
                                                           "as_integer_ratio"};
constexpr std::array<std::string_view, 2> kIntMethods = {"bit_length", "conjugate"};

bool among(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Attributes that every Python object has; the sandbox forbids all of them.
bool is_internal(std::string_view name) {
  constexpr std::array<std::string_view, 12> kInternal = {
      "__class__", "__init__", "__doc__", "__dict__",   "__eq__",           "__hash__",
      "__str__",   "__repr__", "__new__", "__reduce__", "__getattribute__", "__subclasshook__"};
  return among(kInternal, name);
}

Value forbidden(const Value& value, std::string_view name) {
  return make_undefined(
      format("access to attribute '{}' of '{}' object is unsafe", name, type_name(value)), true);
}

const Builtin* find_text_method(std::string_view name) {
  for (const auto table : {text_methods(), text_split_methods(), text_predicates()}) {
    if (const auto* method = find_builtin(table, name)) {
      return method;
    }
  }
  return nullptr;
}

const Builtin* find_method(const Value& value, std::string_view name) {
  std::span<const std::string_view> names;
  switch (value.kind()) {
    case Kind::kText:
      return find_text_method(name);
    case Kind::kSequence:
      names = value.is_tuple() ? std::span<const std::string_view>(kTupleMethods) : kListMethods;
      break;
    case Kind::kDict:
      names = kDictMethods;
      break;
    case Kind::kFloat:
      names = kFloatMethods;
      break;
    case Kind::kInt:
    case Kind::kBool:
      names = kIntMethods;
      break;
    default:
      return nullptr;
  }
  return among(names, name) ? find_builtin(container_methods(), name) : nullptr;
}

std::optional<Value> number_attribute(const Value& value, std::string_view name) {
  if (!value.is_number()) {
    return std::nullopt;
  }
  const bool integral = value.is_integral();
  if (name == "real" || (integral && name == "numerator")) {
    return integral ? Value::integer(value.as_int()) : value;
  }
  if (name == "imag") {
    return integral ? Value::integer(0) : Value::real(0);
  }
  if (integral && name == "denominator") {
    return Value::integer(1);
  }
  return std::nullopt;
}

std::optional<Value> group_attribute(const Value& value, std::string_view name) {
  if (value.is(Kind::kSequence) && value.sequence().group) {
    if (name == "grouper") {
      return value.items()[0];
    }
    if (name == "list") {
      return value.items()[1];
    }
  }
  return std::nullopt;
}

Result<std::optional<Value>> find_subscript(Runtime& runtime,
                                            const Value& value,
                                            const Value& key) {
  switch (value.kind()) {
    case Kind::kDict: {
      const auto* item = static_cast<const Value*>(nullptr);
      if (key.is(Kind::kDict) || key.is_list()) {
        return std::optional<Value>();  // unhashable: jinja2 takes the TypeError for "not there"
      }
      CUPEL_TRY(item, find_key(runtime, value.dict(), key));
      return item != nullptr ? std::optional<Value>(*item) : std::nullopt;
    }
    case Kind::kSequence: {
      const auto size = static_cast<int64_t>(value.items().size());
      if (!key.is_integral() || key.as_int() < -size || key.as_int() >= size) {
        return std::optional<Value>();
      }
      const int64_t index = key.as_int() < 0 ? key.as_int() + size : key.as_int();
      return std::optional<Value>(value.items()[static_cast<size_t>(index)]);
    }
    case Kind::kText: {
      const auto size = static_cast<int64_t>(value.text().length);
      if (!key.is_integral() || key.as_int() < -size || key.as_int() >= size) {
        return std::optional<Value>();
      }
      const int64_t index = key.as_int() < 0 ? key.as_int() + size : key.as_int();
      CUPEL_TRY(auto character, text_slice(runtime, value, index, index + 1));
      return std::optional<Value>(std::move(character));
    }
    case Kind::kObject:
      return value.object()->item(runtime, key);
    default:
      return std::optional<Value>();
  }
}

struct Indices {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};

Result<int64_t> slice_part(const Value& part, int64_t fallback) {
  if (part.is_missing() || part.is_none()) {
    return fallback;
  }
  if (part.is_undefined()) {
    return invalid_argument("slice indices must be integers or None, not Undefined");
  }
  if (!part.is_integral()) {
    return invalid_argument("slice indices must be integers or None, not {}", type_name(part));
  }
  return part.as_int();
}

// Python's slice.indices().
Result<Indices> resolve_slice(const SliceBounds& bounds, int64_t size) {
  CUPEL_TRY(const int64_t raw_step, slice_part(bounds.step, 1));
  if (raw_step == 0) {
    return invalid_argument("slice step cannot be zero");
  }
  const int64_t step = std::clamp<int64_t>(raw_step, -size - 1, size + 1);
  const int64_t low = step > 0 ? 0 : -1;
  const int64_t high = step > 0 ? size : size - 1;
  const auto clamp = [&](int64_t index) {
    return std::clamp(index < 0 ? std::max(index, -size - 1) + size : index, low, high);
  };
  CUPEL_TRY(const int64_t start, slice_part(bounds.start, INT64_MAX));
  CUPEL_TRY(const int64_t stop, slice_part(bounds.stop, INT64_MAX));
  const bool no_start = bounds.start.is_missing() || bounds.start.is_none();
  const bool no_stop = bounds.stop.is_missing() || bounds.stop.is_none();
  const int64_t first = no_start ? (step > 0 ? low : high) : clamp(start);
  const int64_t last = no_stop ? (step > 0 ? high : low) : clamp(stop);
  Indices indices{.start = first, .step = step, .count = 0};
  if (step > 0 && first < last) {
    indices.count = (last - first - 1) / step + 1;
  } else if (step < 0 && last < first) {
    indices.count = (first - last - 1) / -step + 1;
  }
  return indices;
}

Result<Value> slice_text(Runtime& runtime, const Value& value, const Indices& indices) {
  if (indices.step == 1) {
    return text_slice(runtime, value, indices.start, indices.start + indices.count);
  }
  std::vector<size_t> offsets;
  const auto& bytes = value.bytes();
  CUPEL_TRY_VOID(runtime.step(1 + bytes.size() / 8));
  for (size_t at = 0; at < bytes.size(); at += sequence_length(bytes[at])) {
    offsets.push_back(at);
  }
  std::string out;
  for (int64_t i = 0; i < indices.count; ++i) {
    const size_t at = offsets[static_cast<size_t>(indices.start + i * indices.step)];
    out.append(bytes, at, sequence_length(bytes[at]));
  }
  return runtime.text(std::move(out), value.text().markup);
}

}  // namespace

Value undefined_member(const Value& owner, const Value& key) {
  const std::string type = owner.is_none() ? "None" : format("{} object", type_name(owner));
  if (key.is_text()) {
    return make_undefined(
        format("'{}' has no attribute {}", type, text_repr(excerpt(key.bytes(), 100))));
  }
  const std::string shown =
      key.is_integral() ? std::to_string(key.as_int()) : std::string(type_name(key));
  return make_undefined(format("{} has no element {}", type, shown));
}

Result<std::optional<Value>> find_attribute(Runtime& runtime,
                                            const Value& value,
                                            std::string_view name) {
  if (is_internal(name) || (value.is_list() && among(kListMutators, name)) ||
      (value.is_dict() && among(kDictMutators, name))) {
    return std::optional<Value>(forbidden(value, name));
  }
  if (const auto* method = find_method(value, name)) {
    CUPEL_TRY(auto bound,
              runtime.object(std::make_shared<Function>(*method, value), value.depth()));
    return std::optional<Value>(std::move(bound));
  }
  if (auto attribute = number_attribute(value, name)) {
    return attribute;
  }
  if (auto attribute = group_attribute(value, name)) {
    return attribute;
  }
  if (value.is(Kind::kObject)) {
    CUPEL_TRY(auto attribute, value.object()->attribute(runtime, name));
    if (attribute && name.starts_with('_')) {
      return std::optional<Value>(forbidden(value, name));
    }
    return attribute;
  }
  return std::optional<Value>();
}

Result<Value> get_attribute(Runtime& runtime, const Value& value, std::string_view name) {
  if (value.is_undefined()) {
    return undefined_error(value);
  }
  CUPEL_TRY(auto attribute, find_attribute(runtime, value, name));
  if (attribute) {
    return std::move(*attribute);
  }
  if (value.is_dict()) {
    const auto* item = value.dict().find(name);
    return item != nullptr ? *item : undefined_member(value, constant_text(std::string(name)));
  }
  return undefined_member(value, constant_text(std::string(name)));
}

Result<Value> get_item(Runtime& runtime, const Value& value, const Value& key) {
  if (value.is_undefined()) {
    return undefined_error(value);
  }
  CUPEL_TRY(auto item, find_subscript(runtime, value, key));
  if (item) {
    return std::move(*item);
  }
  if (key.is_text()) {
    CUPEL_TRY(auto attribute, find_attribute(runtime, value, key.bytes()));
    if (attribute) {
      return std::move(*attribute);
    }
  }
  return undefined_member(value, key);
}

Result<Value> text_slice(Runtime& runtime, const Value& text, int64_t start, int64_t stop) {
  if (stop <= start) {
    return runtime.text("", text.text().markup);
  }
  const std::string_view bytes = text.bytes();
  const auto from = static_cast<size_t>(start);
  const auto to = static_cast<size_t>(stop);
  if (text.text().ascii()) {
    return runtime.text(std::string(bytes.substr(from, to - from)), text.text().markup);
  }
  CUPEL_TRY_VOID(runtime.step(1 + bytes.size() / 64));
  const size_t begin = byte_offset(bytes, from);
  const size_t end = begin + byte_offset(bytes.substr(begin), to - from);
  return runtime.text(std::string(bytes.substr(begin, end - begin)), text.text().markup);
}

Result<Value> get_slice(Runtime& runtime, const Value& value, const SliceBounds& bounds) {
  if (value.is_undefined()) {
    return undefined_error(value);
  }
  auto* range = value.object_as<Range>();
  if (!value.is_text() && !value.is(Kind::kSequence) && range == nullptr) {
    return invalid_argument("'{}' object cannot be sliced", type_name(value));
  }
  CUPEL_TRY(const int64_t size, length(runtime, value));
  CUPEL_TRY(const auto indices, resolve_slice(bounds, size));
  if (value.is_text()) {
    return slice_text(runtime, value, indices);
  }
  if (range != nullptr) {
    const int64_t step = size > 1 ? range->at(1) - range->at(0) : 1;
    const int64_t start = range->at(indices.start);
    return runtime.object(std::make_shared<Range>(
        start, start + indices.count * step * indices.step, step * indices.step));
  }
  CUPEL_TRY_VOID(runtime.step(static_cast<size_t>(indices.count) / 4));
  std::vector<Value> items;
  items.reserve(static_cast<size_t>(indices.count));
  for (int64_t i = 0; i < indices.count; ++i) {
    items.push_back(value.items()[static_cast<size_t>(indices.start + i * indices.step)]);
  }
  return value.is_tuple() ? runtime.tuple(std::move(items)) : runtime.list(std::move(items));
}

Result<AttributePath> AttributePath::parse(Runtime& runtime, const Value& path) {
  AttributePath parsed;
  if (path.is_none() || path.is_missing()) {
    return parsed;
  }
  if (!path.is_text()) {
    parsed.parts_.push_back(path);
    return parsed;
  }
  for (const auto part : split(path.bytes(), '.')) {
    CUPEL_TRY_VOID(runtime.step());
    int64_t number = 0;
    const auto [end, failure] = std::from_chars(part.data(), part.data() + part.size(), number);
    const bool digits =
        failure == std::errc() && end == part.data() + part.size() && part[0] != '-';
    parsed.parts_.push_back(digits ? Value::integer(number) : constant_text(std::string(part)));
  }
  return parsed;
}

Result<Value> AttributePath::get(Runtime& runtime, Value item, const Value& fallback) const {
  for (const auto& part : parts_) {
    CUPEL_TRY(item, get_item(runtime, item, part));
    if (item.is_undefined() && !fallback.is_missing() && !fallback.is_none()) {
      item = fallback;
    }
  }
  return item;
}

}  // namespace cupel::engine::jinja
