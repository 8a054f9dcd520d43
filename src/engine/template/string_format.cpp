// str.format and format(): replacement fields in braces.

#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/access.h"
#include "engine/template/compare.h"
#include "engine/template/number_format.h"
#include "engine/template/repr.h"
#include "engine/template/text_functions.h"

namespace cupel::engine::jinja {
namespace {

Result<std::string> format_text(Runtime& runtime, std::string_view text, const FormatSpec& spec) {
  if (spec.type != '\0' && spec.type != 's') {
    return invalid_argument("unknown format code '{}' for object of type 'str'", spec.type);
  }
  if (spec.align == '=' || spec.sign != '-' || spec.grouping != '\0') {
    return invalid_argument("this format specifier is not allowed for strings");
  }
  if (spec.precision) {
    text = text.substr(0, byte_offset(text, static_cast<size_t>(*spec.precision)));
  }
  const std::string fill = spec.zero && spec.align == '\0' ? "0" : spec.fill;
  if (spec.align != '^') {
    return pad_text(runtime, text, spec.width, fill,
                    spec.align == '>' ? Align::kRight : Align::kLeft);
  }
  const auto missing = spec.width - static_cast<int64_t>(code_point_count(text));
  CUPEL_TRY(const auto left, repeat_text(runtime, fill, missing > 0 ? missing / 2 : int64_t{0}));
  return pad_text(runtime, left + std::string(text), spec.width, fill, Align::kLeft);
}

/// Walks one pattern. Numbering of fields is shared with nested specifications.
class FieldFormatter {
 public:
  FieldFormatter(Runtime& runtime, const Arguments& arguments, bool markup)
      : runtime_(runtime), arguments_(arguments), markup_(markup) {}

  Result<std::string> run(std::string_view pattern, int level) {
    if (level > 2) {
      return invalid_argument("format fields are nested too deeply");
    }
    std::string out;
    for (size_t at = 0; at < pattern.size();) {
      const char c = pattern[at];
      const bool doubled = at + 1 < pattern.size() && pattern[at + 1] == c;
      if (c != '{' && c != '}') {
        out += c;
        ++at;
      } else if (doubled) {
        out += c;
        at += 2;
      } else if (c == '}') {
        return invalid_argument("single '}}' encountered in format string");
      } else {
        CUPEL_TRY(const size_t end, field_end(pattern, at));
        CUPEL_TRY(const auto text, field(pattern.substr(at + 1, end - at - 1), level));
        out += text;
        at = end + 1;
      }
      CUPEL_TRY_VOID(runtime_.check_text_size(out.size()));
    }
    CUPEL_TRY_VOID(runtime_.step(1 + pattern.size() / 16));
    return out;
  }

 private:
  static Result<size_t> field_end(std::string_view pattern, size_t begin) {
    int depth = 0;
    for (size_t at = begin; at < pattern.size(); ++at) {
      depth += pattern[at] == '{' ? 1 : pattern[at] == '}' ? -1 : 0;
      if (depth == 0) {
        return at;
      }
    }
    return invalid_argument("expected '}}' before end of format string");
  }

  Result<std::string> field(std::string_view text, int level) {
    const size_t name_end = std::min(text.find_first_of("!:"), text.size());
    CUPEL_TRY(Value value, lookup(text.substr(0, name_end)));
    std::string_view rest = text.substr(name_end);
    if (rest.starts_with('!')) {
      if (rest.size() < 2 || (rest.size() > 2 && rest[2] != ':')) {
        return invalid_argument("expected ':' after conversion specifier");
      }
      CUPEL_TRY(value, convert(value, rest[1]));
      rest.remove_prefix(2);
    }
    const std::string_view spec_pattern = rest.empty() ? rest : rest.substr(1);
    CUPEL_TRY(const auto spec, run(spec_pattern, level + 1));
    if (value.is_markup() && markup_ && spec.empty()) {
      return value.bytes();
    }
    CUPEL_TRY(auto formatted, format_value(runtime_, value, spec));
    return markup_ ? escape_html(formatted) : std::move(formatted);
  }

  Result<Value> convert(const Value& value, char conversion) {
    if (conversion == 's') {
      CUPEL_TRY(auto text, str(runtime_, value));
      return runtime_.text(std::move(text));
    }
    if (conversion == 'r' || conversion == 'a') {
      CUPEL_TRY(auto text, repr(runtime_, value));
      return runtime_.text(std::move(text));
    }
    return invalid_argument("unknown conversion specifier '{}'", conversion);
  }

  Result<Value> argument(std::string_view name) {
    size_t index = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), index);
    const bool numbered =
        !name.empty() && parsed.ec == std::errc() && parsed.ptr == name.data() + name.size();
    if (name.empty() || numbered) {
      if (name.empty()) {
        index = next_++;
      }
      if (index >= arguments_.positional.size()) {
        return invalid_argument("replacement index {} out of range for positional args", index);
      }
      return arguments_.positional[index];
    }
    for (const auto& [known, value] : arguments_.named) {
      if (known == name) {
        return value;
      }
    }
    return invalid_argument("the format needs an argument named '{}'", excerpt(name, 60));
  }

  // "name.attribute[key]…"
  Result<Value> lookup(std::string_view path) {
    const size_t first_end = std::min(path.find_first_of(".["), path.size());
    CUPEL_TRY(Value value, argument(path.substr(0, first_end)));
    path.remove_prefix(first_end);
    while (!path.empty()) {
      const bool attribute = path[0] == '.';
      const size_t end =
          attribute ? std::min(path.find_first_of(".[", 1), path.size()) : path.find(']');
      if (end == std::string_view::npos) {
        return invalid_argument("missing ']' in format string");
      }
      const auto name = path.substr(1, end - 1);
      path.remove_prefix(attribute ? end : end + 1);
      if (attribute) {
        CUPEL_TRY(value, get_attribute(runtime_, value, name));
        continue;
      }
      int64_t index = 0;
      const auto parsed = std::from_chars(name.data(), name.data() + name.size(), index);
      const bool numbered = !name.empty() && name[0] != '-' && parsed.ec == std::errc() &&
                            parsed.ptr == name.data() + name.size();
      const Value key = numbered ? Value::integer(index) : constant_text(std::string(name));
      CUPEL_TRY(value, get_item(runtime_, value, key));
    }
    return value;
  }

  Runtime& runtime_;
  const Arguments& arguments_;
  bool markup_;
  size_t next_ = 0;
};

}  // namespace

Result<std::string> format_value(Runtime& runtime, const Value& value, std::string_view spec) {
  if (spec.empty()) {
    return str(runtime, value);
  }
  CUPEL_TRY(const auto parsed, parse_format_spec(spec));
  switch (value.kind()) {
    case Kind::kText:
      return format_text(runtime, value.bytes(), parsed);
    case Kind::kBool:
    case Kind::kInt:
      return format_integer(runtime, value.as_int(), parsed);
    case Kind::kFloat:
      return format_float(runtime, value.as_double(), parsed);
    default:
      return invalid_argument("unsupported format string passed to {}.__format__",
                              type_name(value));
  }
}

Result<Value> format_fields(Runtime& runtime, const Value& pattern, const Arguments& arguments) {
  FieldFormatter formatter(runtime, arguments, pattern.is_markup());
  CUPEL_TRY(auto text, formatter.run(pattern.bytes(), 0));
  return runtime.text(std::move(text), pattern.is_markup());
}

}  // namespace cupel::engine::jinja
