#include "engine/template/number_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/repr.h"
#include "engine/template/text_functions.h"

namespace cupel::engine::jinja {
namespace {

constexpr int64_t kMaxPrecision = 300;

bool is_align(char c) {
  return c == '<' || c == '>' || c == '^' || c == '=';
}

/// Reads digits at the front of `text`; nothing when there are none.
Result<std::optional<int64_t>> take_number(std::string_view& text) {
  size_t length = 0;
  while (length < text.size() && text[length] >= '0' && text[length] <= '9') {
    ++length;
  }
  if (length == 0) {
    return std::optional<int64_t>();
  }
  int64_t value = 0;
  if (length > 9) {
    return exhausted("a width of {} digits is too large", length);
  }
  std::from_chars(text.data(), text.data() + length, value);
  text.remove_prefix(length);
  return std::optional<int64_t>(value);
}

std::string group(std::string_view digits, char separator, size_t size) {
  std::string out;
  const size_t end = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
  for (size_t i = 0; i < end; ++i) {
    if (i > 0 && (end - i) % size == 0) {
      out += separator;
    }
    out += digits[i];
  }
  return out + std::string(digits.substr(end));
}

// Sign, prefix and digits put together within the width.
Result<std::string> assemble(Runtime& runtime,
                             bool negative,
                             std::string_view prefix,
                             std::string_view digits,
                             const FormatSpec& spec) {
  std::string head = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  head += prefix;
  const char align = spec.align != '\0' ? spec.align : spec.zero ? '=' : '>';
  const std::string fill = spec.zero && spec.align == '\0' ? "0" : spec.fill;
  if (align == '=') {
    const auto room = spec.width - static_cast<int64_t>(head.size());
    CUPEL_TRY(const auto padded, pad_text(runtime, digits, room, fill, Align::kRight));
    return head + padded;
  }
  const Align side = align == '<' ? Align::kLeft : align == '>' ? Align::kRight : Align::kCenter;
  const std::string text = head + std::string(digits);
  if (side == Align::kCenter) {  // format() puts the odd blank to the right, unlike str.center
    const auto missing = spec.width - static_cast<int64_t>(text.size());
    CUPEL_TRY(const auto left, repeat_text(runtime, fill, missing > 0 ? missing / 2 : int64_t{0}));
    return pad_text(runtime, left + text, spec.width, fill, Align::kLeft);
  }
  return pad_text(runtime, text, spec.width, fill, side);
}

}  // namespace

Result<FormatSpec> parse_format_spec(std::string_view text) {
  FormatSpec spec;
  const std::string_view whole = text;
  if (!text.empty()) {
    const size_t first = sequence_length(text[0]);
    if (first < text.size() && is_align(text[first])) {
      spec.fill = std::string(text.substr(0, first));
      spec.align = text[first];
      text.remove_prefix(first + 1);
    } else if (is_align(text[0])) {
      spec.align = text[0];
      text.remove_prefix(1);
    }
  }
  const auto take = [&](std::string_view allowed) {
    if (text.empty() || allowed.find(text[0]) == std::string_view::npos) {
      return '\0';
    }
    const char c = text[0];
    text.remove_prefix(1);
    return c;
  };
  if (const char sign = take("+- ")) {
    spec.sign = sign;
  }
  spec.alternate = take("#") != '\0';
  spec.zero = take("0") != '\0';
  CUPEL_TRY(const auto width, take_number(text));
  spec.width = width.value_or(0);
  spec.grouping = take(",_");
  if (take(".") != '\0') {
    CUPEL_TRY(spec.precision, take_number(text));
    if (!spec.precision) {
      return invalid_argument("format specifier '{}' misses its precision", excerpt(whole, 40));
    }
  }
  spec.type = take("bcdeEfFgGnosxX%");
  if (!text.empty()) {
    return invalid_argument("invalid format specifier '{}'", excerpt(whole, 40));
  }
  return spec;
}

std::string integer_digits(uint64_t magnitude, char type) {
  const int base = type == 'b' ? 2 : type == 'o' ? 8 : type == 'x' || type == 'X' ? 16 : 10;
  char buffer[72];
  const auto* const end = std::to_chars(buffer, buffer + sizeof buffer, magnitude, base).ptr;
  std::string digits(buffer, static_cast<size_t>(end - buffer));
  if (type == 'X') {
    std::transform(digits.begin(), digits.end(), digits.begin(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
  }
  return digits;
}

std::string float_digits(double magnitude, char type, int64_t precision, bool alternate) {
  const auto digits = static_cast<int>(std::clamp<int64_t>(precision, 0, kMaxPrecision));
  std::string pattern = alternate ? "%#.*" : "%.*";
  pattern += type;
  char buffer[1024];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const int size = std::snprintf(buffer, sizeof buffer, pattern.c_str(), digits, magnitude);
#pragma GCC diagnostic pop
  return {buffer, static_cast<size_t>(std::clamp(size, 0, 1023))};
}

Result<std::string> format_integer(Runtime& runtime, int64_t value, const FormatSpec& spec) {
  if (spec.type != '\0' && std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos) {
    return format_float(runtime, static_cast<double>(value), spec);
  }
  if (spec.type == 's') {
    return invalid_argument("unknown format code 's' for an int");
  }
  if (spec.precision) {
    return invalid_argument("precision not allowed in integer format specifier");
  }
  if (spec.type == 'c') {
    if (value < 0 || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      return invalid_argument("%c arg not in range(0x110000)");
    }
    std::string character;
    append_utf8(character, static_cast<uint32_t>(value));
    return assemble(runtime, false, "", character, spec);
  }
  const auto magnitude =
      value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
  std::string digits = integer_digits(magnitude, spec.type);
  const bool decimal = spec.type == '\0' || spec.type == 'd' || spec.type == 'n';
  if (spec.grouping != '\0') {
    digits = group(digits, spec.grouping, decimal ? 3 : 4);
  }
  const std::string prefix = spec.alternate && !decimal ? std::string("0") + spec.type : "";
  return assemble(runtime, value < 0, prefix, digits, spec);
}

Result<std::string> format_float(Runtime& runtime, double value, const FormatSpec& spec) {
  const double magnitude = std::fabs(value);
  const char type = spec.type == '%' ? 'f' : spec.type == 'n' ? 'g' : spec.type;
  if (spec.type != '\0' && std::string_view("eEfFgGn%").find(spec.type) == std::string_view::npos) {
    return invalid_argument("unknown format code '{}' for a float", spec.type);
  }
  if (spec.precision.value_or(0) > kMaxPrecision) {
    return exhausted("a precision of {} digits is too large", *spec.precision);
  }
  std::string digits;
  if (!std::isfinite(value)) {
    digits = std::isnan(value) ? "nan" : "inf";
  } else if (type == '\0' && !spec.precision) {
    digits = float_repr(magnitude);
  } else if (type == '\0') {
    digits = float_digits(magnitude, 'g', std::max<int64_t>(*spec.precision, 1), spec.alternate);
    const bool plain = digits.find_first_of(".e") == std::string::npos;
    digits += plain ? ".0" : "";
  } else {
    digits = float_digits(spec.type == '%' ? magnitude * 100 : magnitude, type,
                          spec.precision.value_or(6), spec.alternate);
  }
  if (spec.type == '%') {
    digits += '%';
  }
  if (spec.grouping != '\0') {
    digits = group(digits, spec.grouping, 3);
  }
  return assemble(runtime, std::signbit(value) && !std::isnan(value), "", digits, spec);
}

Result<std::optional<int64_t>> parse_integer(std::string_view text, int64_t base) {
  text = strip_space(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) {
    text.remove_prefix(1);
  }
  const auto prefix = to_lower_ascii(text.substr(0, 2));
  const int64_t marked = prefix == "0x" ? 16 : prefix == "0o" ? 8 : prefix == "0b" ? 2 : 0;
  if (marked != 0 && (base == marked || base == 0)) {
    text.remove_prefix(2);
    base = marked;
    text.remove_prefix(text.starts_with('_') ? 1 : 0);
  }
  base = base == 0 ? 10 : base;
  if (base < 2 || base > 36) {
    return std::optional<int64_t>();
  }
  std::string digits(negative ? "-" : "");
  for (size_t i = 0; i < text.size(); ++i) {
    const bool lone = i > 0 && i + 1 < text.size() && text[i - 1] != '_' && text[i + 1] != '_';
    if (text[i] != '_') {
      digits += text[i];
    } else if (!lone) {
      return std::optional<int64_t>();
    }
  }
  int64_t value = 0;
  const auto* const end = digits.data() + digits.size();
  if (text.starts_with('-')) {
    return std::optional<int64_t>();
  }
  const auto result = std::from_chars(digits.data(), end, value, static_cast<int>(base));
  if (result.ec == std::errc::result_out_of_range && result.ptr == end) {
    return unsupported("an integer grows beyond 64 bits");
  }
  if (result.ec != std::errc() || result.ptr != end) {
    return std::optional<int64_t>();
  }
  return std::optional<int64_t>(value);
}

std::optional<double> parse_float(std::string_view text) {
  std::string digits(strip_space(text));
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) {
    digits.erase(0, 1);
  }
  std::erase(digits, '_');
  const std::string lower = to_lower_ascii(digits);
  double value = 0;
  if (lower == "inf" || lower == "infinity") {
    value = HUGE_VAL;
  } else if (lower == "nan") {
    value = std::nan("");
  } else {
    const auto* const end = digits.data() + digits.size();
    const bool starts =
        !digits.empty() && (digits[0] == '.' || (digits[0] >= '0' && digits[0] <= '9'));
    const auto result = std::from_chars(digits.data(), end, value);
    if (result.ec == std::errc::result_out_of_range && result.ptr == end) {
      value = lower.find("e-") != std::string::npos ? 0 : HUGE_VAL;
    } else if (!starts || result.ec != std::errc() || result.ptr != end) {
      return std::nullopt;
    }
  }
  return negative ? -value : value;
}

}  // namespace cupel::engine::jinja
