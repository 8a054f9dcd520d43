#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/template/runtime.h"

namespace cupel::engine::jinja {

/// Python's format specification: [[fill]align][sign][#][0][width][grouping][.precision][type].
struct FormatSpec {
  std::string fill = " ";
  char align = '\0';  ///< < > ^ =, or 0 for the type's own
  char sign = '-';    ///< - + or space
  bool alternate = false;
  bool zero = false;
  int64_t width = 0;
  char grouping = '\0';  ///< , or _ or 0
  std::optional<int64_t> precision;
  char type = '\0';
};
Result<FormatSpec> parse_format_spec(std::string_view text);

/// Digits of an integer (no sign) in base 2, 8, 10 or 16, by the type b, o, d, x or X.
std::string integer_digits(uint64_t magnitude, char type);
/// A non-negative float by the type e, f, g (or their capitals), as C's printf. Precision ≤ 300.
std::string float_digits(double magnitude, char type, int64_t precision, bool alternate);
/// Whole number text by a specification.
Result<std::string> format_integer(Runtime& runtime, int64_t value, const FormatSpec& spec);
Result<std::string> format_float(Runtime& runtime, double value, const FormatSpec& spec);

/// Python's int(text, base) and float(text); nothing when the text is no number.
/// Errors: kUnsupported for integers beyond 64 bits.
Result<std::optional<int64_t>> parse_integer(std::string_view text, int64_t base);
std::optional<double> parse_float(std::string_view text);

}  // namespace cupel::engine::jinja
