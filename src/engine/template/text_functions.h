#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/template/runtime.h"
#include "engine/template/unicode.h"
#include "engine/template/value.h"

namespace cupel::engine::jinja {

// Python string algorithms that both methods and filters use. All refuse to build a text past the
// runtime's limit before they build it (kExhausted).

/// str.replace: at most `count` times, all when negative; an empty `from` matches between
/// characters.
Result<std::string> replace_text(Runtime& runtime,
                                 std::string_view text,
                                 std::string_view from,
                                 std::string_view to,
                                 int64_t count);
/// `text` repeated; a negative count gives "".
Result<std::string> repeat_text(Runtime& runtime, std::string_view text, int64_t count);
/// str.split() and str.rsplit() at white space or at a separator (which must not be empty).
std::vector<std::string_view> split_space(std::string_view text, int64_t limit, bool from_right);
std::vector<std::string_view> split_at(std::string_view text,
                                       std::string_view separator,
                                       int64_t limit,
                                       bool from_right);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);
/// str.center, ljust, rjust: `fill` is one character.
enum class Align { kLeft, kRight, kCenter };
Result<std::string> pad_text(
    Runtime& runtime, std::string_view text, int64_t width, std::string_view fill, Align align);
/// markupsafe.escape: & < > ' ".
std::string escape_html(std::string_view text);
/// Markup of any value: markup stays as it is, all else is converted to a string and escaped.
Result<std::string> escape_value(Runtime& runtime, const Value& value);

/// `text.format(*args, **kwargs)`; each field of markup is escaped.
Result<Value> format_fields(Runtime& runtime, const Value& pattern, const Arguments& arguments);
/// `pattern % value` with a tuple, a dict or a single value.
Result<Value> format_percent(Runtime& runtime, const Value& pattern, const Value& value);
/// Python's format(value, spec).
Result<std::string> format_value(Runtime& runtime, const Value& value, std::string_view spec);

/// strftime of Python's datetime without time zone. Errors: kInvalidArgument for unknown
/// directives.
Result<std::string> format_time(const LocalTime& time, std::string_view pattern);

/// Options of `tojson`, as of Python's json.dumps.
struct JsonOptions {
  bool ascii = false;      ///< escape all beyond ASCII
  bool sort_keys = false;  ///< keys in order
  bool pretty = false;     ///< one item a line
  std::string indent;      ///< of one level, when pretty
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
/// json.dumps. Errors: "Object of type Undefined is not JSON serializable".
Result<std::string> to_json(Runtime& runtime, const Value& value, const JsonOptions& options);

}  // namespace cupel::engine::jinja
