// Methods of str that give several texts, and those that ask a question about its characters.

#include <string>

#include "base/error.h"
#include "engine/template/access.h"
#include "engine/template/text_functions.h"

namespace cupel::engine::jinja {
namespace {

Result<Value> list_of(Call& call, const std::vector<std::string_view>& parts) {
  std::vector<Value> items;
  items.reserve(parts.size());
  for (const auto part : parts) {
    CUPEL_TRY(auto item, call.runtime.text(std::string(part), call[0].is_markup()));
    items.push_back(std::move(item));
  }
  return call.runtime.list(std::move(items));
}

template <bool from_right>
Result<Value> split_method(Call& call) {
  CUPEL_TRY(const int64_t limit, call.integer(2, -1));
  const std::string_view text = call[0].bytes();
  CUPEL_TRY_VOID(call.runtime.step(1 + text.size() / 16));
  if (!call.has(1)) {
    return list_of(call, split_space(text, limit, from_right));
  }
  CUPEL_TRY(const auto separator, call.text(1));
  if (separator.empty()) {
    return invalid_argument("empty separator");
  }
  return list_of(call, split_at(text, separator, limit, from_right));
}

Result<Value> split_lines_method(Call& call) {
  CUPEL_TRY(const bool keep_ends, call.flag(1, false));
  CUPEL_TRY_VOID(call.runtime.step(1 + call[0].bytes().size() / 16));
  return list_of(call, split_lines(call[0].bytes(), keep_ends));
}

template <bool from_right>
Result<Value> partition(Call& call) {
  CUPEL_TRY(const auto separator, call.text(1));
  if (separator.empty()) {
    return invalid_argument("empty separator");
  }
  const std::string_view text = call[0].bytes();
  const size_t found = from_right ? text.rfind(separator) : text.find(separator);
  std::vector<std::string_view> parts;
  if (found != std::string_view::npos) {
    parts = {text.substr(0, found), separator, text.substr(found + separator.size())};
  } else if (from_right) {
    parts = {"", "", text};
  } else {
    parts = {text, "", ""};
  }
  CUPEL_TRY(const auto list, list_of(call, parts));
  return call.runtime.tuple(list.items());
}

// True when the text is not empty and every character passes.
template <bool (*Predicate)(uint32_t)>
Result<Value> all_characters(Call& call) {
  const std::string_view text = call[0].bytes();
  CUPEL_TRY_VOID(call.runtime.step(1 + text.size() / 16));
  for (size_t at = 0; at < text.size(); at += sequence_length(text[at])) {
    if (!Predicate(code_point_at(text, at))) {
      return Value::boolean(false);
    }
  }
  return Value::boolean(!text.empty());
}

// True when there is a cased character and none of the other case.
template <bool (*Wanted)(uint32_t)>
Result<Value> all_cased(Call& call) {
  const std::string_view text = call[0].bytes();
  CUPEL_TRY_VOID(call.runtime.step(1 + text.size() / 16));
  bool found = false;
  for (size_t at = 0; at < text.size(); at += sequence_length(text[at])) {
    const uint32_t c = code_point_at(text, at);
    if (is_cased(c)) {
      if (!Wanted(c)) {
        return Value::boolean(false);
      }
      found = true;
    }
  }
  return Value::boolean(found);
}

Result<Value> is_ascii(Call& call) {
  return Value::boolean(call[0].text().ascii());
}

Result<Value> is_all_printable(Call& call) {
  if (call[0].bytes().empty()) {
    return Value::boolean(true);
  }
  return all_characters<is_printable>(call);
}

Result<Value> is_identifier(Call& call) {
  const std::string_view text = call[0].bytes();
  if (text.empty() || is_numeric(code_point_at(text, 0))) {
    return Value::boolean(false);
  }
  return all_characters<is_word>(call);
}

Result<Value> is_title_text(Call& call) {
  const std::string_view text = call[0].bytes();
  bool inside_word = false;
  bool found = false;
  for (size_t at = 0; at < text.size(); at += sequence_length(text[at])) {
    const uint32_t c = code_point_at(text, at);
    const bool starts = is_upper(c) || is_title(c);
    if ((starts && inside_word) || (is_lower(c) && !inside_word)) {
      return Value::boolean(false);
    }
    inside_word = is_cased(c);
    found = found || inside_word;
  }
  return Value::boolean(found);
}

constexpr Builtin kSplitMethods[] = {
    {"partition", "self sep", partition<false>},
    {"rpartition", "self sep", partition<true>},
    {"rsplit", "self sep? maxsplit?", split_method<true>},
    {"split", "self sep? maxsplit?", split_method<false>},
    {"splitlines", "self keepends?", split_lines_method},
};

constexpr Builtin kPredicates[] = {
    {"isalnum", "self", all_characters<is_alnum>},
    {"isalpha", "self", all_characters<is_alpha>},
    {"isascii", "self", is_ascii},
    {"isdecimal", "self", all_characters<is_decimal>},
    {"isdigit", "self", all_characters<is_digit>},
    {"isidentifier", "self", is_identifier},
    {"islower", "self", all_cased<is_lower>},
    {"isnumeric", "self", all_characters<is_numeric>},
    {"isprintable", "self", is_all_printable},
    {"isspace", "self", all_characters<is_space>},
    {"istitle", "self", is_title_text},
    {"isupper", "self", all_cased<is_upper>},
};

}  // namespace

std::span<const Builtin> text_split_methods() {
  return kSplitMethods;
}
std::span<const Builtin> text_predicates() {
  return kPredicates;
}

}  // namespace cupel::engine::jinja
