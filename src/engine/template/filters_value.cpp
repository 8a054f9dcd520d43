// Filters on single values: defaults, numbers, attributes.

#include <cmath>

#include "base/error.h"
#include "engine/template/access.h"
#include "engine/template/arithmetic.h"
#include "engine/template/compare.h"
#include "engine/template/filters.h"
#include "engine/template/iterate.h"
#include "engine/template/number_format.h"
#include "engine/template/repr.h"

namespace cupel::engine::jinja {
namespace {

Result<Value> default_value(Call& call) {
  CUPEL_TRY(const bool boolean, call.flag(2, false));
  bool replaces = call[0].is_undefined();
  if (boolean && !replaces) {
    CUPEL_TRY(const bool holds, truthy(call.runtime, call[0]));
    replaces = !holds;
  }
  if (!replaces) {
    return call[0];
  }
  return call[1].is_missing() ? call.runtime.text("") : Result<Value>(call[1]);
}

Result<Value> attribute(Call& call) {
  CUPEL_TRY(const auto name, call.text(1));
  if (call[0].is_undefined()) {
    return undefined_error(call[0]);
  }
  CUPEL_TRY(auto found, find_attribute(call.runtime, call[0], name));
  return found ? std::move(*found) : undefined_member(call[0], call[1]);
}

Result<Value> length_filter(Call& call) {
  CUPEL_TRY(const int64_t size, length(call.runtime, call[0]));
  return Value::integer(size);
}

Result<Value> absolute(Call& call) {
  const Value& value = call[0];
  if (value.is_undefined()) {
    return undefined_error(value);
  }
  if (!value.is_number()) {
    return invalid_argument("bad operand type for abs(): '{}'", type_name(value));
  }
  const bool negative =
      value.is(Kind::kFloat) ? std::signbit(value.as_double()) : value.as_int() < 0;
  return apply(call.runtime, negative ? Operation::kNegate : Operation::kPlus, value);
}

Result<Value> truncated(double value) {
  if (!(std::fabs(value) < 9.2e18)) {
    return unsupported("cannot convert a float of {} to an integer", float_repr(value));
  }
  return Value::integer(static_cast<int64_t>(value));
}

Result<Value> integer(Call& call) {
  const Value& value = call[0];
  const Value fallback = call[1].is_missing() ? Value::integer(0) : call[1];
  CUPEL_TRY(const int64_t base, call.integer(2, 10));
  if (value.is_undefined()) {
    return undefined_error(value);
  }
  if (value.is_integral()) {
    return Value::integer(value.as_int());
  }
  if (value.is(Kind::kFloat)) {
    return std::isnan(value.as_double()) ? Result<Value>(fallback) : truncated(value.as_double());
  }
  if (!value.is_text()) {
    return fallback;
  }
  CUPEL_TRY(const auto parsed, parse_integer(value.bytes(), base));
  if (parsed) {
    return Value::integer(*parsed);
  }
  const auto real = parse_float(value.bytes());  // "42.23" gives 42
  return real && std::isfinite(*real) ? truncated(*real) : Result<Value>(fallback);
}

Result<Value> real(Call& call) {
  const Value& value = call[0];
  if (value.is_undefined()) {
    return undefined_error(value);
  }
  if (value.is_number()) {
    return Value::real(value.as_double());
  }
  if (value.is_text()) {
    if (const auto parsed = parse_float(value.bytes())) {
      return Value::real(*parsed);
    }
  }
  return call[1].is_missing() ? Value::real(0) : call[1];
}

Result<Value> round_filter(Call& call) {
  CUPEL_TRY(const int64_t precision, call.integer(1, 0));
  const std::string_view method =
      call[2].is_text() ? std::string_view(call[2].bytes()) : std::string_view("common");
  if (method == "common") {
    return round_number(call.runtime, call[0], precision);
  }
  if (method != "ceil" && method != "floor") {
    return invalid_argument("method must be common, ceil or floor");
  }
  if (!call[0].is_number()) {
    return call[0].is_undefined()
               ? undefined_error(call[0])
               : invalid_argument("must be real number, not {}", type_name(call[0]));
  }
  const double unit = std::pow(10.0, static_cast<double>(precision));
  const double scaled = call[0].as_double() * unit;
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / unit);
}

Result<Value> file_size_format(Call& call) {
  CUPEL_TRY(const bool binary, call.flag(1, false));
  std::optional<double> bytes;
  if (call[0].is_number()) {
    bytes = call[0].as_double();
  } else if (call[0].is_text()) {
    bytes = parse_float(call[0].bytes());
  } else if (call[0].is_undefined()) {
    return undefined_error(call[0]);
  }
  if (!bytes || !std::isfinite(*bytes)) {
    return invalid_argument("filesizeformat needs a number, not {}", type_name(call[0]));
  }
  const double base = binary ? 1024 : 1000;
  if (*bytes == 1) {
    return call.runtime.text("1 Byte");
  }
  if (*bytes < base) {
    return call.runtime.text(format("{:.0f} Bytes", std::trunc(*bytes)));
  }
  constexpr std::string_view kLetters = "kMGTPEZY";
  double unit = base;
  for (size_t i = 0; i < kLetters.size(); ++i) {
    unit *= base;
    if (*bytes < unit || i + 1 == kLetters.size()) {
      const std::string letter = binary && i == 0 ? "K" : std::string(1, kLetters[i]);
      return call.runtime.text(
          format("{:.1f} {}{}", base * *bytes / unit, letter, binary ? "iB" : "B"));
    }
  }
  return internal_error("filesizeformat ran out of units");
}

Result<std::string> pretty(Runtime& runtime, const Value& value);

Result<std::string> pretty_items(Runtime& runtime, const Value& sequence) {
  const auto& items = sequence.items();
  std::string out = sequence.is_tuple() ? "(" : "[";
  for (size_t i = 0; i < items.size(); ++i) {
    CUPEL_TRY(const auto part, pretty(runtime, items[i]));
    out += i == 0 ? "" : ", ";
    out += part;
    CUPEL_TRY_VOID(runtime.check_text_size(out.size()));
  }
  out += sequence.is_tuple() && items.size() == 1 ? "," : "";
  out += sequence.is_tuple() ? ")" : "]";
  return out;
}

Result<std::string> pretty_dict(Runtime& runtime, const Dict& dict) {
  std::vector<Value> keys;
  for (const auto& entry : dict.entries) {
    keys.push_back(entry.first);
  }
  CUPEL_TRY(const auto sorted, sort_by_key(runtime, keys, keys, false));
  std::string out = "{";
  for (const auto& key : sorted) {
    CUPEL_TRY(const auto* item, find_key(runtime, dict, key));
    CUPEL_TRY(const auto name, repr(runtime, key));
    CUPEL_TRY(const auto part, pretty(runtime, *item));
    out += format("{}{}: {}", out.size() == 1 ? "" : ", ", name, part);
    CUPEL_TRY_VOID(runtime.check_text_size(out.size()));
  }
  out += "}";
  return out;
}

// Python's pprint on one line: like repr, with the keys of dicts in order.
Result<std::string> pretty(Runtime& runtime, const Value& value) {
  const Runtime::Nesting nesting(runtime);
  CUPEL_TRY_VOID(nesting.check());
  CUPEL_TRY_VOID(runtime.step());
  if (value.is(Kind::kSequence)) {
    return pretty_items(runtime, value);
  }
  return value.is_dict() ? pretty_dict(runtime, value.dict()) : repr(runtime, value);
}

Result<Value> pretty_print(Call& call) {
  constexpr size_t kWidth = 80;
  CUPEL_TRY(auto text, pretty(call.runtime, call[0]));
  if (text.size() > kWidth && !call[0].is_number()) {
    return unsupported("pprint of a value that does not fit on one line is not available");
  }
  return call.runtime.text(std::move(text));
}

constexpr Builtin kFilters[] = {
    {"abs", "x", absolute},
    {"attr", "obj name", attribute},
    {"count", "obj", length_filter},
    {"d", "value default_value? boolean?", default_value},
    {"default", "value default_value? boolean?", default_value},
    {"filesizeformat", "value binary?", file_size_format},
    {"float", "value default?", real},
    {"int", "value default? base?", integer},
    {"length", "obj", length_filter},
    {"pprint", "value", pretty_print},
    {"round", "value precision? method?", round_filter},
};

}  // namespace

std::span<const Builtin> value_filters() {
  return kFilters;
}

}  // namespace cupel::engine::jinja
