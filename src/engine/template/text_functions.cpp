#include "engine/template/text_functions.h"

#include <algorithm>

#include "base/error.h"
#include "engine/template/repr.h"

namespace cupel::engine::jinja {
namespace {

// An empty pattern matches before every character and at the end.
Result<std::string> interleave(Runtime& runtime,
                               std::string_view text,
                               std::string_view to,
                               int64_t count) {
  const auto gaps = static_cast<int64_t>(code_point_count(text)) + 1;
  const int64_t times = count < 0 ? gaps : std::min(count, gaps);
  CUPEL_TRY_VOID(runtime.check_text_size(text.size() + to.size() * static_cast<size_t>(times)));
  std::string out;
  size_t at = 0;
  for (int64_t i = 0; i < times; ++i) {
    out += to;
    if (at < text.size()) {
      const size_t size = sequence_length(text[at]);
      out += text.substr(at, size);
      at += size;
    }
  }
  out += text.substr(std::min(at, text.size()));
  return out;
}

}  // namespace

Result<std::string> replace_text(Runtime& runtime,
                                 std::string_view text,
                                 std::string_view from,
                                 std::string_view to,
                                 int64_t count) {
  CUPEL_TRY_VOID(runtime.step(1 + text.size() / 64));
  if (from.empty()) {
    return interleave(runtime, text, to, count);
  }
  std::string out;
  size_t at = 0;
  while (count != 0) {
    const size_t found = text.find(from, at);
    if (found == std::string_view::npos) {
      break;
    }
    CUPEL_TRY_VOID(runtime.check_text_size(out.size() + to.size()));
    out += text.substr(at, found - at);
    out += to;
    at = found + from.size();
    --count;
  }
  out += text.substr(at);
  return out;
}

Result<std::string> repeat_text(Runtime& runtime, std::string_view text, int64_t count) {
  std::string out;
  if (count <= 0 || text.empty()) {
    return out;
  }
  const size_t limit = runtime.limits().text_bytes;
  const auto times = static_cast<size_t>(count);
  CUPEL_TRY_VOID(
      runtime.check_text_size(times > limit / text.size() ? limit + 1 : times * text.size()));
  out.reserve(times * text.size());
  for (size_t i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

std::vector<std::string_view> split_space(std::string_view text, int64_t limit, bool from_right) {
  std::vector<std::string_view> parts;
  const Side outer = from_right ? Side::kRight : Side::kLeft;
  text = strip_space(text, outer);
  const auto cut_at = [&](std::string_view rest) {
    size_t at = from_right ? rest.size() : 0;
    while (!from_right && at < rest.size() && !is_space(code_point_at(rest, at))) {
      at += sequence_length(rest[at]);
    }
    while (from_right && at > 0 && !is_space(code_point_at(rest, previous_offset(rest, at)))) {
      at = previous_offset(rest, at);
    }
    return at;
  };
  while (!text.empty()) {
    if (limit >= 0 && static_cast<int64_t>(parts.size()) >= limit) {
      parts.push_back(strip_space(text, from_right ? Side::kRight : Side::kLeft));
      break;
    }
    const size_t cut = cut_at(text);
    parts.push_back(from_right ? text.substr(cut) : text.substr(0, cut));
    text = strip_space(from_right ? text.substr(0, cut) : text.substr(cut), outer);
  }
  if (from_right) {
    std::reverse(parts.begin(), parts.end());
  }
  return parts;
}

std::vector<std::string_view> split_at(std::string_view text,
                                       std::string_view separator,
                                       int64_t limit,
                                       bool from_right) {
  std::vector<std::string_view> parts;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    const size_t found = from_right ? text.rfind(separator) : text.find(separator);
    if (found == std::string_view::npos) {
      break;
    }
    if (from_right) {
      parts.push_back(text.substr(found + separator.size()));
      text = text.substr(0, found);
    } else {
      parts.push_back(text.substr(0, found));
      text = text.substr(found + separator.size());
    }
  }
  parts.push_back(text);
  if (from_right) {
    std::reverse(parts.begin(), parts.end());
  }
  return parts;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = at;
    const uint32_t c = code_point_at(text, at);
    at += sequence_length(text[at]);
    if (!is_line_break(c)) {
      continue;
    }
    if (c == '\r' && at < text.size() && text[at] == '\n') {
      ++at;
    }
    lines.push_back(text.substr(begin, (keep_ends ? at : end) - begin));
    begin = at;
  }
  if (begin < text.size()) {
    lines.push_back(text.substr(begin));
  }
  return lines;
}

Result<std::string> pad_text(
    Runtime& runtime, std::string_view text, int64_t width, std::string_view fill, Align align) {
  const auto size = static_cast<int64_t>(code_point_count(text));
  if (width <= size) {
    return std::string(text);
  }
  const int64_t missing = width - size;
  int64_t left = 0;
  if (align == Align::kRight) {
    left = missing;
  } else if (align == Align::kCenter) {
    left = missing / 2 + (missing & width & 1);  // CPython's rule for odd rests
  }
  CUPEL_TRY(std::string out, repeat_text(runtime, fill, left));
  CUPEL_TRY(const std::string right, repeat_text(runtime, fill, missing - left));
  out += text;
  out += right;
  return out;
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Result<std::string> escape_value(Runtime& runtime, const Value& value) {
  CUPEL_TRY(std::string text, str(runtime, value));
  return value.is_markup() ? std::move(text) : escape_html(text);
}

}  // namespace cupel::engine::jinja
