// "pattern" % values.

#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/compare.h"
#include "engine/template/number_format.h"
#include "engine/template/repr.h"
#include "engine/template/text_functions.h"

namespace cupel::engine::jinja {
namespace {

class PercentFormatter {
 public:
  PercentFormatter(Runtime& runtime, const Value& value, bool markup)
      : runtime_(runtime), value_(value), markup_(markup) {}

  Result<std::string> run(std::string_view pattern) {
    std::string out;
    rest_ = pattern;
    while (!rest_.empty()) {
      const size_t mark = std::min(rest_.find('%'), rest_.size());
      out += rest_.substr(0, mark);
      rest_.remove_prefix(mark);
      if (rest_.empty()) {
        break;
      }
      rest_.remove_prefix(1);
      CUPEL_TRY(const auto text, conversion());
      out += text;
      CUPEL_TRY_VOID(runtime_.step());
      CUPEL_TRY_VOID(runtime_.check_text_size(out.size()));
    }
    const size_t given = value_.is_tuple() ? value_.items().size() : 1;
    if (!value_.is_dict() && !value_.is_list() && used_ < given) {
      return invalid_argument("not all arguments converted during string formatting");
    }
    return out;
  }

 private:
  Result<Value> next_argument() {
    if (!value_.is_tuple()) {
      if (used_++ > 0) {
        return invalid_argument("not enough arguments for format string");
      }
      return value_;
    }
    if (used_ >= value_.items().size()) {
      return invalid_argument("not enough arguments for format string");
    }
    return value_.items()[used_++];
  }

  Result<Value> keyed_argument() {
    const size_t end = rest_.find(')');
    if (end == std::string_view::npos) {
      return invalid_argument("incomplete format key");
    }
    const auto key = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    if (!value_.is_dict()) {
      return invalid_argument("format requires a mapping");
    }
    const auto* item = value_.dict().find(key);
    if (item == nullptr) {
      return invalid_argument("the format needs the key '{}'", excerpt(key, 60));
    }
    return *item;
  }

  // A width or precision: digits, or `*` for the next argument.
  Result<std::optional<int64_t>> number() {
    if (rest_.starts_with('*')) {
      rest_.remove_prefix(1);
      CUPEL_TRY(const auto argument, next_argument());
      if (!argument.is_integral()) {
        return invalid_argument("* wants int");
      }
      return std::optional<int64_t>(argument.as_int());
    }
    int64_t value = 0;
    bool found = false;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      value = std::min<int64_t>(value * 10 + (rest_[0] - '0'), 1'000'000'000);
      found = true;
      rest_.remove_prefix(1);
    }
    return found ? std::optional<int64_t>(value) : std::nullopt;
  }

  Result<FormatSpec> parse_spec() {
    FormatSpec spec;
    spec.align = '>';
    while (!rest_.empty() && std::string_view("-+ #0").find(rest_[0]) != std::string_view::npos) {
      const char flag = rest_[0];
      rest_.remove_prefix(1);
      if (flag == '-') {
        spec.align = '<';
      } else if (flag == '#') {
        spec.alternate = true;
      } else if (flag == '0') {
        spec.zero = true;
      } else if (spec.sign != '+') {
        spec.sign = flag;
      }
    }
    CUPEL_TRY(const auto width, number());
    spec.width = width.value_or(0);
    if (spec.width < 0) {
      spec.align = '<';
      spec.width = -spec.width;
    }
    if (rest_.starts_with('.')) {
      rest_.remove_prefix(1);
      CUPEL_TRY(const auto precision, number());
      spec.precision = std::max<int64_t>(precision.value_or(0), 0);
    }
    if (!rest_.empty() && std::string_view("hlL").find(rest_[0]) != std::string_view::npos) {
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) {
      return invalid_argument("incomplete format");
    }
    spec.type = rest_[0];
    rest_.remove_prefix(1);
    return spec;
  }

  Result<std::string> conversion() {
    std::optional<Value> keyed;
    if (rest_.starts_with('(')) {
      CUPEL_TRY(keyed, keyed_argument());
    }
    CUPEL_TRY(FormatSpec spec, parse_spec());
    if (spec.type == '%') {
      return std::string("%");
    }
    CUPEL_TRY(const Value argument, keyed ? Result<Value>(std::move(*keyed)) : next_argument());
    switch (spec.type) {
      case 's':
      case 'r':
      case 'a':
        return text(argument, spec);
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return integer(argument, spec);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        return real(argument, spec);
      case 'c':
        return character(argument, spec);
      default:
        return invalid_argument("unsupported format character '{}'", spec.type);
    }
  }

  Result<std::string> pad(std::string_view content, const FormatSpec& spec) {
    return pad_text(runtime_, content, spec.width, " ",
                    spec.align == '<' ? Align::kLeft : Align::kRight);
  }

  Result<std::string> text(const Value& argument, const FormatSpec& spec) {
    CUPEL_TRY(std::string content,
              spec.type == 's' ? str(runtime_, argument) : repr(runtime_, argument));
    if (markup_ && !(argument.is_markup() && spec.type == 's')) {
      content = escape_html(content);
    }
    if (spec.precision) {
      content.resize(byte_offset(content, static_cast<size_t>(*spec.precision)));
    }
    return pad(content, spec);
  }

  Result<std::string> character(const Value& argument, const FormatSpec& spec) {
    if (argument.is_text() && argument.text().length == 1) {
      return pad(argument.bytes(), spec);
    }
    if (!argument.is_integral()) {
      return invalid_argument("%c requires int or char");
    }
    return format_integer(runtime_, argument.as_int(), spec);
  }

  Result<std::string> number_text(bool negative, std::string digits, const FormatSpec& spec) {
    std::string head = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
    if (spec.zero && spec.align != '<') {
      const auto room = spec.width - static_cast<int64_t>(head.size());
      CUPEL_TRY(digits, pad_text(runtime_, digits, room, "0", Align::kRight));
    }
    return pad(head + digits, spec);
  }

  Result<std::string> integer(const Value& argument, const FormatSpec& spec) {
    const bool decimal = spec.type == 'd' || spec.type == 'i' || spec.type == 'u';
    if (argument.is_undefined()) {
      return undefined_error(argument);
    }
    if (!argument.is_number() || (!decimal && !argument.is_integral())) {
      return invalid_argument("%{} format: a number is required, not {}", spec.type,
                              type_name(argument));
    }
    const double whole = std::trunc(argument.as_double());
    if (argument.is(Kind::kFloat) && !(std::fabs(whole) < 9.2e18)) {
      return unsupported("an integer grows beyond 64 bits");
    }
    const int64_t value =
        argument.is(Kind::kFloat) ? static_cast<int64_t>(whole) : argument.as_int();
    const auto magnitude =
        value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
    std::string digits = integer_digits(magnitude, spec.type);
    if (spec.precision) {
      CUPEL_TRY(digits, pad_text(runtime_, digits, *spec.precision, "0", Align::kRight));
    }
    if (spec.alternate && !decimal) {
      digits = std::string("0") + spec.type + digits;
    }
    return number_text(value < 0, std::move(digits), spec);
  }

  Result<std::string> real(const Value& argument, const FormatSpec& spec) {
    if (argument.is_undefined()) {
      return undefined_error(argument);
    }
    if (!argument.is_number()) {
      return invalid_argument("must be real number, not {}", type_name(argument));
    }
    const double value = argument.as_double();
    if (!std::isfinite(value)) {
      FormatSpec plain = spec;
      plain.zero = false;
      return number_text(std::signbit(value) && !std::isnan(value),
                         std::isnan(value) ? "nan" : "inf", plain);
    }
    if (spec.precision.value_or(0) > 300) {
      return exhausted("a precision of {} digits is too large", *spec.precision);
    }
    return number_text(
        std::signbit(value),
        float_digits(std::fabs(value), spec.type, spec.precision.value_or(6), spec.alternate),
        spec);
  }

  Runtime& runtime_;
  const Value& value_;
  bool markup_;
  std::string_view rest_;
  size_t used_ = 0;
};

}  // namespace

Result<Value> format_percent(Runtime& runtime, const Value& pattern, const Value& value) {
  PercentFormatter formatter(runtime, value, pattern.is_markup());
  CUPEL_TRY(auto text, formatter.run(pattern.bytes()));
  return runtime.text(std::move(text), pattern.is_markup());
}

}  // namespace cupel::engine::jinja
