#pragma once

#include <string>

#include "base/result.h"
#include "engine/template/runtime.h"
#include "engine/template/value.h"

namespace cupel::engine::jinja {

/// Python's `str(value)` appended to `out`: what `{{ value }}` prints. Undefined prints nothing.
/// Errors: kExhausted when the text grows past the limit.
Result<Ok> append_str(Runtime& runtime, const Value& value, std::string& out);
/// Python's `repr(value)` appended to `out`.
Result<Ok> append_repr(Runtime& runtime, const Value& value, std::string& out);
Result<std::string> str(Runtime& runtime, const Value& value);
Result<std::string> repr(Runtime& runtime, const Value& value);

/// Python's repr of a float: the shortest digits that read back equal ("1.0", "1e+16", "nan").
std::string float_repr(double value);
/// Python's repr of a str: quotes chosen as Python does, unprintable characters escaped.
std::string text_repr(std::string_view text);

}  // namespace cupel::engine::jinja
