// Filters on strings that str methods do not cover as they are.

#include <algorithm>

#include "base/error.h"
#include "engine/template/access.h"
#include "engine/template/compare.h"
#include "engine/template/filters.h"
#include "engine/template/iterate.h"
#include "engine/template/repr.h"
#include "engine/template/text_functions.h"

namespace cupel::engine::jinja {
namespace {

template <std::string (*Map)(std::string_view)>
Result<Value> map_text(Call& call) {
  CUPEL_TRY(const auto text, soft_text(call.runtime, call[0]));
  CUPEL_TRY_VOID(call.runtime.step(1 + text.bytes().size() / 16));
  return call.runtime.text(Map(text.bytes()), text.is_markup());
}

Result<Value> center(Call& call) {
  CUPEL_TRY(const auto text, soft_text(call.runtime, call[0]));
  CUPEL_TRY(const int64_t width, call.integer(1, 80));
  CUPEL_TRY(auto padded, pad_text(call.runtime, text.bytes(), width, " ", Align::kCenter));
  return call.runtime.text(std::move(padded), text.is_markup());
}

Result<Value> trim(Call& call) {
  CUPEL_TRY(const auto text, soft_text(call.runtime, call[0]));
  if (!call.has(1)) {
    return call.runtime.text(std::string(strip_space(text.bytes())), text.is_markup());
  }
  CUPEL_TRY(const auto characters, call.text(1));
  CUPEL_TRY_VOID(call.runtime.step(1 + text.bytes().size() * (1 + characters.size() / 64) / 16));
  return call.runtime.text(std::string(strip_characters(text.bytes(), characters)),
                           text.is_markup());
}

Result<Value> replace(Call& call) {
  CUPEL_TRY(const auto text, str(call.runtime, call[0]));
  CUPEL_TRY(const auto from, str(call.runtime, call[1]));
  CUPEL_TRY(const auto to, str(call.runtime, call[2]));
  int64_t count = -1;
  if (call.has(3)) {
    CUPEL_TRY(count, call.integer(3));
  }
  CUPEL_TRY(auto replaced, replace_text(call.runtime, text, from, to, count));
  return call.runtime.text(std::move(replaced));
}

bool starts_word(uint32_t c) {
  return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
}

// Unlike str.title: words begin after white space, - ( { [ <.
Result<Value> title(Call& call) {
  CUPEL_TRY(const auto value, soft_text(call.runtime, call[0]));
  const std::string_view text = value.bytes();
  CUPEL_TRY_VOID(call.runtime.step(1 + text.size() / 16));
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const bool separator = starts_word(code_point_at(text, at));
    const size_t begin = at;
    while (at < text.size() && starts_word(code_point_at(text, at)) == separator) {
      at += sequence_length(text[at]);
    }
    const auto part = text.substr(begin, at - begin);
    const size_t first = sequence_length(part[0]);
    out += to_upper(part.substr(0, first));
    out += to_lower(part.substr(first));
  }
  return call.runtime.text(std::move(out));
}

Result<Value> word_count(Call& call) {
  CUPEL_TRY(const auto text, str(call.runtime, call[0]));
  CUPEL_TRY_VOID(call.runtime.step(1 + text.size() / 16));
  int64_t words = 0;
  bool inside = false;
  for (size_t at = 0; at < text.size(); at += sequence_length(text[at])) {
    const bool word = is_word(code_point_at(text, at));
    words += word && !inside ? 1 : 0;
    inside = word;
  }
  return Value::integer(words);
}

Result<Value> string(Call& call) {
  return soft_text(call.runtime, call[0]);
}

Result<Value> join(Call& call) {
  CUPEL_TRY(const auto separator,
            call[1].is_missing() ? Result<std::string>(std::string()) : str(call.runtime, call[1]));
  const bool has_attribute = call.has(2);
  CUPEL_TRY(const auto path, AttributePath::parse(call.runtime, call[2]));
  CUPEL_TRY(const auto iterator, iterate(call.runtime, call[0]));
  std::string out;
  bool first = true;
  while (true) {
    CUPEL_TRY_VOID(call.runtime.step());
    CUPEL_TRY(auto item, iterator->next(call.runtime));
    if (!item) {
      return call.runtime.text(std::move(out));
    }
    if (has_attribute) {
      CUPEL_TRY(*item, path.get(call.runtime, std::move(*item)));
    }
    if (!first) {
      out += separator;
    }
    first = false;
    CUPEL_TRY_VOID(append_str(call.runtime, *item, out));
    CUPEL_TRY_VOID(call.runtime.check_text_size(out.size()));
  }
}

Result<Value> format_filter(Call& call) {
  CUPEL_TRY(const auto pattern, soft_text(call.runtime, call[0]));
  if (!call.rest.positional.empty() && !call.rest.named.empty()) {
    return invalid_argument("can't handle positional and keyword arguments at the same time");
  }
  if (call.rest.named.empty()) {
    CUPEL_TRY(const auto values, call.runtime.tuple(std::move(call.rest.positional)));
    return format_percent(call.runtime, pattern, values);
  }
  DictBuilder builder(call.runtime);
  for (auto& [name, value] : call.rest.named) {
    CUPEL_TRY(auto key, call.runtime.text(name));
    CUPEL_TRY_VOID(builder.set(std::move(key), std::move(value)));
  }
  CUPEL_TRY(const auto values, std::move(builder).finish());
  return format_percent(call.runtime, pattern, values);
}

Result<Value> to_json_filter(Call& call) {
  JsonOptions options;
  CUPEL_TRY(options.ascii, call.flag(1, false));
  CUPEL_TRY(options.sort_keys, call.flag(4, false));
  if (call.has(2)) {
    options.pretty = true;
    options.item_separator.pop_back();  // lines end without the blank
    if (call[2].is_text()) {
      options.indent = call[2].bytes();
    } else {
      CUPEL_TRY(const int64_t width, call.integer(2));
      CUPEL_TRY(options.indent, repeat_text(call.runtime, " ", width));
    }
  }
  if (call.has(3)) {
    CUPEL_TRY(const auto separators, collect(call.runtime, call[3]));
    if (separators.size() != 2 || !separators[0].is_text() || !separators[1].is_text()) {
      return invalid_argument("tojson: separators must be two strings");
    }
    options.item_separator = separators[0].bytes();
    options.key_separator = separators[1].bytes();
  }
  CUPEL_TRY(auto text, to_json(call.runtime, call[0], options));
  return call.runtime.text(std::move(text));
}

constexpr Builtin kFilters[] = {
    {"capitalize", "s", map_text<to_capitalized>},
    {"center", "value width?", center},
    {"format", "value *", format_filter},
    {"join", "value d? attribute?", join},
    {"lower", "s", map_text<to_lower>},
    {"replace", "s old new count?", replace},
    {"string", "object", string},
    {"title", "s", title},
    {"tojson", "x ensure_ascii? indent? separators? sort_keys?", to_json_filter},
    {"trim", "value chars?", trim},
    {"upper", "s", map_text<to_upper>},
    {"wordcount", "s", word_count},
};

}  // namespace

std::span<const Builtin> text_filters() {
  return kFilters;
}

}  // namespace cupel::engine::jinja
