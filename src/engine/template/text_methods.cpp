// Methods of str that give one text or a number.

#include <algorithm>
#include <string>

#include "base/error.h"
#include "engine/template/access.h"
#include "engine/template/compare.h"
#include "engine/template/iterate.h"
#include "engine/template/repr.h"
#include "engine/template/text_functions.h"

namespace cupel::engine::jinja {
namespace {

// Methods of Markup give Markup.
Result<Value> same_kind(Call& call, std::string text) {
  return call.runtime.text(std::move(text), call[0].is_markup());
}

template <std::string (*Map)(std::string_view)>
Result<Value> map_text(Call& call) {
  CUPEL_TRY_VOID(call.runtime.step(1 + call[0].bytes().size() / 16));
  return same_kind(call, Map(call[0].bytes()));
}

template <Side side>
Result<Value> strip(Call& call) {
  const std::string_view text = call[0].bytes();
  if (!call.has(1)) {
    return same_kind(call, std::string(strip_space(text, side)));
  }
  CUPEL_TRY(const auto characters, call.text(1));
  CUPEL_TRY_VOID(call.runtime.step(1 + text.size() * (1 + characters.size() / 64) / 16));
  return same_kind(call, std::string(strip_characters(text, characters, side)));
}

// An argument as text; Markup's methods escape what is put into it.
Result<std::string> inserted(Call& call, size_t index, std::string_view fallback) {
  if (call[index].is_missing()) {
    return std::string(fallback);
  }
  CUPEL_TRY(const auto text, call.text(index));
  const bool escapes = call[0].is_markup() && !call[index].is_markup();
  return escapes ? escape_html(text) : std::string(text);
}

template <Align align>
Result<Value> pad(Call& call) {
  CUPEL_TRY(const int64_t width, call.integer(1));
  CUPEL_TRY(const auto fill, inserted(call, 2, " "));
  if (code_point_count(fill) != 1) {
    return invalid_argument("the fill character must be exactly one character long");
  }
  CUPEL_TRY(auto text, pad_text(call.runtime, call[0].bytes(), width, fill, align));
  return same_kind(call, std::move(text));
}

Result<Value> zfill(Call& call) {
  CUPEL_TRY(const int64_t width, call.integer(1));
  const std::string_view text = call[0].bytes();
  const bool sign = text.starts_with('-') || text.starts_with('+');
  const auto digits = text.substr(sign ? 1 : 0);
  CUPEL_TRY(auto padded, pad_text(call.runtime, digits, width - sign, "0", Align::kRight));
  return same_kind(call, std::string(text.substr(0, sign ? 1 : 0)) + padded);
}

Result<Value> replace(Call& call) {
  CUPEL_TRY(const auto from, call.text(1));
  CUPEL_TRY(const auto to, inserted(call, 2, ""));
  CUPEL_TRY(const int64_t count, call.integer(3, -1));
  CUPEL_TRY(auto text, replace_text(call.runtime, call[0].bytes(), from, to, count));
  return same_kind(call, std::move(text));
}

Result<Value> remove_prefix(Call& call) {
  CUPEL_TRY(const auto prefix, call.text(1));
  std::string_view text = call[0].bytes();
  if (text.starts_with(prefix)) {
    text.remove_prefix(prefix.size());
  }
  return same_kind(call, std::string(text));
}

Result<Value> remove_suffix(Call& call) {
  CUPEL_TRY(const auto suffix, call.text(1));
  std::string_view text = call[0].bytes();
  if (text.ends_with(suffix)) {
    text.remove_suffix(suffix.size());
  }
  return same_kind(call, std::string(text));
}

// The part text[start:end] that find, count, startswith … look at, with its offset in code points.
struct Window {
  std::string_view text;
  int64_t start = 0;
  bool valid = true;  // start lies within the text
};

Result<Window> window(Call& call, size_t first) {
  const auto size = static_cast<int64_t>(call[0].text().length);
  const auto bound = [&](size_t index, int64_t fallback) -> Result<int64_t> {
    if (!call.has(index)) {
      return fallback;
    }
    CUPEL_TRY(const int64_t value, call.integer(index));
    return value < 0 ? std::max<int64_t>(value + size, 0) : value;
  };
  CUPEL_TRY(const int64_t start, bound(first, 0));
  CUPEL_TRY(const int64_t end, bound(first + 1, size));
  const std::string_view text = call[0].bytes();
  if (start > size || end < start) {
    return Window{.text = {}, .start = start, .valid = false};
  }
  CUPEL_TRY_VOID(call.runtime.step(1 + text.size() / 64));
  const size_t begin = byte_offset(text, static_cast<size_t>(start));
  const auto rest = text.substr(begin);
  return Window{.text = rest.substr(0, byte_offset(rest, static_cast<size_t>(end - start))),
                .start = start,
                .valid = true};
}

template <bool from_right>
Result<int64_t> position(Call& call) {
  CUPEL_TRY(const auto part, call.text(1));
  CUPEL_TRY(const auto view, window(call, 2));
  if (!view.valid) {
    return int64_t{-1};
  }
  const size_t found = from_right ? view.text.rfind(part) : view.text.find(part);
  return found == std::string_view::npos
             ? int64_t{-1}
             : view.start + static_cast<int64_t>(code_point_count(view.text.substr(0, found)));
}

template <bool from_right>
Result<Value> find(Call& call) {
  CUPEL_TRY(const int64_t found, position<from_right>(call));
  return Value::integer(found);
}

template <bool from_right>
Result<Value> index(Call& call) {
  CUPEL_TRY(const int64_t found, position<from_right>(call));
  if (found < 0) {
    return invalid_argument("substring not found");
  }
  return Value::integer(found);
}

Result<Value> count(Call& call) {
  CUPEL_TRY(const auto part, call.text(1));
  CUPEL_TRY(const auto view, window(call, 2));
  if (!view.valid) {
    return Value::integer(0);
  }
  if (part.empty()) {
    return Value::integer(static_cast<int64_t>(code_point_count(view.text)) + 1);
  }
  int64_t times = 0;
  for (size_t at = view.text.find(part); at != std::string_view::npos;
       at = view.text.find(part, at + part.size())) {
    ++times;
  }
  return Value::integer(times);
}

template <bool at_end>
Result<Value> has_affix(Call& call) {
  CUPEL_TRY(const auto view, window(call, 2));
  std::vector<Value> candidates;
  if (call[1].is_tuple()) {
    candidates = call[1].items();
  } else {
    candidates.push_back(call[1]);
  }
  for (const auto& candidate : candidates) {
    if (!candidate.is_text()) {
      return invalid_argument("{} first arg must be str or a tuple of str, not {}", call.name,
                              type_name(candidate));
    }
    const auto& affix = candidate.bytes();
    if (view.valid && (at_end ? view.text.ends_with(affix) : view.text.starts_with(affix))) {
      return Value::boolean(true);
    }
  }
  return Value::boolean(false);
}

Result<Value> join(Call& call) {
  CUPEL_TRY(const auto iterator, iterate(call.runtime, call[1]));
  const bool markup = call[0].is_markup();
  std::string out;
  for (int64_t position = 0;; ++position) {
    CUPEL_TRY_VOID(call.runtime.step());
    CUPEL_TRY(const auto item, iterator->next(call.runtime));
    if (!item) {
      return call.runtime.text(std::move(out), markup);
    }
    if (!markup && !item->is_text()) {
      return invalid_argument("sequence item {}: expected str instance, {} found", position,
                              type_name(*item));
    }
    if (position > 0) {
      out += call[0].bytes();
    }
    if (markup) {
      CUPEL_TRY(const auto escaped, escape_value(call.runtime, *item));
      out += escaped;
    } else {
      out += item->bytes();
    }
    CUPEL_TRY_VOID(call.runtime.check_text_size(out.size()));
  }
}

Result<Value> expand_tabs(Call& call) {
  CUPEL_TRY(const int64_t size, call.integer(1, 8));
  std::string out;
  int64_t column = 0;
  const std::string_view text = call[0].bytes();
  for (size_t at = 0; at < text.size(); at += sequence_length(text[at])) {
    if (text[at] == '\t') {
      const int64_t blanks = size > 0 ? size - column % size : 0;
      CUPEL_TRY(const auto filling, repeat_text(call.runtime, " ", blanks));
      out += filling;
      column += blanks;
      CUPEL_TRY_VOID(call.runtime.check_text_size(out.size()));
      continue;
    }
    out += text.substr(at, sequence_length(text[at]));
    column = text[at] == '\n' || text[at] == '\r' ? 0 : column + 1;
  }
  return same_kind(call, std::move(out));
}

Result<Value> format_method(Call& call) {
  return format_fields(call.runtime, call[0], call.rest);
}

Result<Value> format_map(Call& call) {
  if (!call[1].is_dict()) {
    return invalid_argument("format_map() needs a dict, not {}", type_name(call[1]));
  }
  Arguments arguments;
  for (const auto& [key, value] : call[1].dict().entries) {
    if (key.is_text()) {
      arguments.named.emplace_back(key.bytes(), value);
    }
  }
  return format_fields(call.runtime, call[0], arguments);
}

Result<Value> unsupported_method(Call& call) {
  return unsupported("the method str.{} is not available in templates", call.name);
}

constexpr Builtin kMethods[] = {
    {"capitalize", "self", map_text<to_capitalized>},
    {"casefold", "self", map_text<to_folded_case>},
    {"center", "self width fillchar?", pad<Align::kCenter>},
    {"count", "self sub start? end?", count},
    {"encode", "self *", unsupported_method},
    {"endswith", "self suffix start? end?", has_affix<true>},
    {"expandtabs", "self tabsize?", expand_tabs},
    {"find", "self sub start? end?", find<false>},
    {"format", "self *", format_method},
    {"format_map", "self mapping", format_map},
    {"index", "self sub start? end?", index<false>},
    {"join", "self iterable", join},
    {"ljust", "self width fillchar?", pad<Align::kLeft>},
    {"lower", "self", map_text<to_lower>},
    {"lstrip", "self chars?", strip<Side::kLeft>},
    {"maketrans", "self *", unsupported_method},
    {"removeprefix", "self prefix", remove_prefix},
    {"removesuffix", "self suffix", remove_suffix},
    {"replace", "self old new count?", replace},
    {"rfind", "self sub start? end?", find<true>},
    {"rindex", "self sub start? end?", index<true>},
    {"rjust", "self width fillchar?", pad<Align::kRight>},
    {"rstrip", "self chars?", strip<Side::kRight>},
    {"startswith", "self prefix start? end?", has_affix<false>},
    {"strip", "self chars?", strip<Side::kBoth>},
    {"swapcase", "self", map_text<to_swapped_case>},
    {"title", "self", map_text<to_title>},
    {"translate", "self *", unsupported_method},
    {"upper", "self", map_text<to_upper>},
    {"zfill", "self width", zfill},
};

}  // namespace

std::span<const Builtin> text_methods() {
  return kMethods;
}

}  // namespace cupel::engine::jinja
