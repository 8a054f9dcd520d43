#include "engine/template/arithmetic.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"
#include "engine/template/compare.h"
#include "engine/template/text_functions.h"

namespace cupel::engine::jinja {
namespace {

std::string_view symbol(Operation operation) {
  switch (operation) {
    case Operation::kAdd:
    case Operation::kPlus:
      return "+";
    case Operation::kSubtract:
    case Operation::kNegate:
      return "-";
    case Operation::kMultiply:
      return "*";
    case Operation::kDivide:
      return "/";
    case Operation::kFloorDivide:
      return "//";
    case Operation::kModulo:
      return "%";
    case Operation::kPower:
      return "** or pow()";
  }
  return "?";
}

Error overflow() {
  return unsupported("an integer grows beyond 64 bits");
}

Error mismatch(Operation operation, const Value& left, const Value& right) {
  return invalid_argument("unsupported operand type(s) for {}: '{}' and '{}'", symbol(operation),
                          type_name(left), type_name(right));
}

Result<Value> floor_divide(int64_t left, int64_t right) {
  if (right == 0) {
    return invalid_argument("integer division or modulo by zero");
  }
  if (right == -1) {
    return left == INT64_MIN ? Result<Value>(overflow()) : Value::integer(-left);
  }
  const int64_t quotient = left / right;
  return Value::integer(left % right != 0 && (left < 0) != (right < 0) ? quotient - 1 : quotient);
}

Result<Value> modulo(int64_t left, int64_t right) {
  if (right == 0) {
    return invalid_argument("integer division or modulo by zero");
  }
  const int64_t rest = right == -1 ? 0 : left % right;
  return Value::integer(rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest);
}

Result<Value> power(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) {
      return invalid_argument("0.0 cannot be raised to a negative power");
    }
    return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) {
      return overflow();
    }
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) {
      return overflow();
    }
  }
  return Value::integer(result);
}

Result<Value> integer_operation(Operation operation, int64_t left, int64_t right) {
  int64_t result = 0;
  switch (operation) {
    case Operation::kAdd:
      return __builtin_add_overflow(left, right, &result) ? Result<Value>(overflow())
                                                          : Value::integer(result);
    case Operation::kSubtract:
      return __builtin_sub_overflow(left, right, &result) ? Result<Value>(overflow())
                                                          : Value::integer(result);
    case Operation::kMultiply:
      return __builtin_mul_overflow(left, right, &result) ? Result<Value>(overflow())
                                                          : Value::integer(result);
    case Operation::kDivide:
      if (right == 0) {
        return invalid_argument("division by zero");
      }
      return Value::real(static_cast<double>(left) / static_cast<double>(right));
    case Operation::kFloorDivide:
      return floor_divide(left, right);
    case Operation::kModulo:
      return modulo(left, right);
    default:
      return power(left, right);
  }
}

double float_modulo(double left, double right) {
  const double rest = std::fmod(left, right);
  if (rest == 0) {
    return std::copysign(0.0, right);
  }
  return (rest < 0) != (right < 0) ? rest + right : rest;
}

Result<Value> float_power(double base, double exponent) {
  if (base == 0 && exponent < 0) {
    return invalid_argument("0.0 cannot be raised to a negative power");
  }
  if (base < 0 && std::isfinite(exponent) && exponent != std::floor(exponent)) {
    return unsupported("a root of a negative number is no real number");
  }
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) {
    return invalid_argument("numerical result out of range");
  }
  return Value::real(result);
}

Result<Value> float_operation(Operation operation, double left, double right) {
  const bool divides = operation == Operation::kDivide || operation == Operation::kFloorDivide ||
                       operation == Operation::kModulo;
  if (divides && right == 0) {
    return invalid_argument("float division by zero");
  }
  switch (operation) {
    case Operation::kAdd:
      return Value::real(left + right);
    case Operation::kSubtract:
      return Value::real(left - right);
    case Operation::kMultiply:
      return Value::real(left * right);
    case Operation::kDivide:
      return Value::real(left / right);
    case Operation::kFloorDivide:
      return Value::real(std::round((left - float_modulo(left, right)) / right));
    case Operation::kModulo:
      return Value::real(float_modulo(left, right));
    default:
      return float_power(left, right);
  }
}

// Adding to markup escapes what is plain.
Result<Value> add_text(Runtime& runtime, const Value& left, const Value& right) {
  const bool markup = left.is_markup() || right.is_markup();
  CUPEL_TRY_VOID(runtime.check_text_size(left.bytes().size() + right.bytes().size()));
  if (!markup) {
    return runtime.text(left.bytes() + right.bytes());
  }
  CUPEL_TRY(std::string text, escape_value(runtime, left));
  CUPEL_TRY(const std::string rest, escape_value(runtime, right));
  return runtime.text(text + rest, true);
}

Result<Value> add(Runtime& runtime, const Value& left, const Value& right) {
  if (left.is_text()) {
    if (!right.is_text()) {
      return invalid_argument("can only concatenate str (not \"{}\") to str", type_name(right));
    }
    return add_text(runtime, left, right);
  }
  if (!left.is(Kind::kSequence)) {
    return mismatch(Operation::kAdd, left, right);
  }
  if (!right.is(Kind::kSequence) || left.is_tuple() != right.is_tuple()) {
    return invalid_argument("can only concatenate {} (not \"{}\") to {}", type_name(left),
                            type_name(right), type_name(left));
  }
  std::vector<Value> items;
  items.reserve(left.items().size() + right.items().size());
  items.insert(items.end(), left.items().begin(), left.items().end());
  items.insert(items.end(), right.items().begin(), right.items().end());
  return left.is_tuple() ? runtime.tuple(std::move(items)) : runtime.list(std::move(items));
}

Result<Value> repeat(Runtime& runtime, const Value& value, int64_t count) {
  if (value.is_text()) {
    CUPEL_TRY(auto text, repeat_text(runtime, value.bytes(), count));
    return runtime.text(std::move(text), value.text().markup);
  }
  std::vector<Value> items;
  const size_t size = value.items().size();
  const auto times = static_cast<size_t>(std::max<int64_t>(count, 0));
  CUPEL_TRY_VOID(runtime.check_items(times, size));
  for (size_t i = 0; i < times && size > 0; ++i) {
    CUPEL_TRY_VOID(runtime.step(1 + size));
    items.insert(items.end(), value.items().begin(), value.items().end());
  }
  return value.is_tuple() ? runtime.tuple(std::move(items)) : runtime.list(std::move(items));
}

bool repeatable(const Value& value) {
  return value.is_text() || value.is(Kind::kSequence);
}

// Python's rule for negative digits: to the nearest multiple of a power of ten, halves to even.
Result<Value> round_integer(int64_t value, int64_t digits) {
  if (digits >= 0) {
    return Value::integer(value);
  }
  if (digits < -18) {
    return Value::integer(0);
  }
  int64_t unit = 1;
  for (int64_t i = 0; i < -digits; ++i) {
    unit *= 10;
  }
  const int64_t rest = ((value % unit) + unit) % unit;
  int64_t rounded = value - rest;
  const bool up = rest > unit - rest || (rest == unit - rest && (rounded / unit) % 2 != 0);
  if (up && __builtin_add_overflow(rounded, unit, &rounded)) {
    return overflow();
  }
  return Value::integer(rounded);
}

}  // namespace

Result<Value> apply(Runtime& runtime, Operation operation, const Value& left, const Value& right) {
  if (left.is_undefined()) {
    return undefined_error(left);
  }
  if (operation == Operation::kModulo && left.is_text()) {
    return format_percent(runtime, left, right);
  }
  if (right.is_undefined()) {
    return undefined_error(right);
  }
  if (left.is_integral() && right.is_integral()) {
    return integer_operation(operation, left.as_int(), right.as_int());
  }
  if (left.is_number() && right.is_number()) {
    return float_operation(operation, left.as_double(), right.as_double());
  }
  if (operation == Operation::kAdd) {
    return add(runtime, left, right);
  }
  if (operation == Operation::kMultiply && repeatable(left) && right.is_integral()) {
    return repeat(runtime, left, right.as_int());
  }
  if (operation == Operation::kMultiply && repeatable(right) && left.is_integral()) {
    return repeat(runtime, right, left.as_int());
  }
  return mismatch(operation, left, right);
}

Result<Value> apply(Runtime& /*runtime*/, Operation operation, const Value& operand) {
  if (operand.is_undefined()) {
    return undefined_error(operand);
  }
  if (!operand.is_number()) {
    return invalid_argument("bad operand type for unary {}: '{}'", symbol(operation),
                            type_name(operand));
  }
  const bool negates = operation == Operation::kNegate;
  if (operand.is(Kind::kFloat)) {
    return Value::real(negates ? -operand.as_double() : operand.as_double());
  }
  const int64_t value = operand.as_int();
  if (negates && value == INT64_MIN) {
    return overflow();
  }
  return Value::integer(negates ? -value : value);
}

Result<Value> round_number(Runtime& /*runtime*/, const Value& number, int64_t digits) {
  if (number.is_undefined()) {
    return undefined_error(number);
  }
  if (!number.is_number()) {
    return invalid_argument("type {} doesn't define __round__ method", type_name(number));
  }
  if (number.is_integral()) {
    return round_integer(number.as_int(), digits);
  }
  const double value = number.as_double();
  if (!std::isfinite(value) || digits > 323) {
    return number;
  }
  if (digits < 0) {
    if (digits < -308) {
      return Value::real(std::copysign(0.0, value));
    }
    const double unit = std::pow(10.0, static_cast<double>(-digits));
    return Value::real(std::nearbyint(value / unit) * unit);
  }
  // printf rounds the exact binary value, as Python does.
  char buffer[700];
  std::snprintf(buffer, sizeof buffer, "%.*f", static_cast<int>(digits), value);
  return Value::real(std::strtod(buffer, nullptr));
}

}  // namespace cupel::engine::jinja
