#pragma once

#include "base/result.h"
#include "engine/template/ast.h"
#include "engine/template/runtime.h"

namespace cupel::engine::jinja {

/// Python's + - * / // % ** on numbers, strings, lists and tuples; integers are 64 bits wide.
/// Errors: kInvalidArgument with Python's words for types that do not fit, division by zero;
/// kUnsupported for integers beyond 64 bits.
Result<Value> apply(Runtime& runtime, Operation operation, const Value& left, const Value& right);
/// Unary minus and plus.
Result<Value> apply(Runtime& runtime, Operation operation, const Value& operand);

/// Python's round(): halves to even, correct to the last digit.
Result<Value> round_number(Runtime& runtime, const Value& number, int64_t digits);

}  // namespace cupel::engine::jinja
