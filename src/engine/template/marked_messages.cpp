#include "engine/template/marked_messages.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace cupel::engine {
namespace {

// U+FDD0 + n is EF B7 (90 + n) in UTF-8.
constexpr std::string_view kPlane = "\xEF\xB7";
constexpr size_t kCharBytes = 3;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr unsigned kFirst = 0x90;
constexpr unsigned kControl = 0;  // no control token begins here
constexpr unsigned kBegin = 1;    // a text begins: its number follows
constexpr unsigned kEnd = 2;
constexpr unsigned kDigit = 0x10;  // U+FDE0 + 0 … 15
constexpr size_t kDigits = 5;

std::string mark_char(unsigned n) {
  return std::string(kPlane) + static_cast<char>(kFirst + n);
}

/// Which of the 32 marks stands at `at`.
std::optional<unsigned> mark_at(std::string_view text, size_t at) {
  if (text.substr(at, kPlane.size()) != kPlane || at + kCharBytes > text.size()) {
    return std::nullopt;
  }
  const auto last = static_cast<unsigned char>(text[at + 2]);
  return last >= kFirst && last < kFirst + 32 ? std::optional<unsigned>(last - kFirst)
                                              : std::nullopt;
}

std::string end_mark(unsigned kind, size_t number) {
  std::string out = mark_char(kind);
  for (size_t digit = kDigits; digit > 0; --digit) {
    out += mark_char(kDigit + static_cast<unsigned>((number >> (4 * (digit - 1))) & 15U));
  }
  return out;
}

std::string without_marks(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    if (mark_at(text, at).has_value()) {
      out += kReplacement;
      at += kCharBytes;
    } else {
      out += text[at++];
    }
  }
  return out;
}

bool is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\v';
}

struct Range {
  size_t begin = 0;
  size_t end = 0;
};

void add_trimmed(std::string_view text, Range range, std::vector<Range>& ranges) {
  while (range.begin < range.end && is_blank(text[range.begin])) {
    ++range.begin;
  }
  while (range.end > range.begin && is_blank(text[range.end - 1])) {
    --range.end;
  }
  if (range.begin < range.end) {
    ranges.push_back(range);
  }
}

/// What templates keep or leave out as a whole.
std::vector<Range> texts_in(std::string_view text) {
  constexpr std::array<std::string_view, 2> kTags = {"<think>", "</think>"};
  std::vector<Range> ranges;
  size_t begin = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    for (const std::string_view tag : kTags) {
      if (text[at] == '<' && text.substr(at).starts_with(tag)) {
        add_trimmed(text, {begin, at}, ranges);
        begin = at + tag.size();
      }
    }
  }
  add_trimmed(text, {begin, text.size()}, ranges);
  return ranges;
}

bool is_text_key(std::string_view key) {
  return key == "content" || key == "text" || key == "reasoning_content" || key == "reasoning" ||
         key == "thinking";
}

}  // namespace

std::string MessageMarker::mark(std::string_view text, bool ends) {
  const std::string own = without_marks(text);
  std::vector<std::pair<size_t, std::string>> marks;
  if (ends) {
    for (const Range& range : texts_in(own)) {
      marks.emplace_back(range.begin, end_mark(kBegin, texts_.size()));
      marks.emplace_back(range.end, end_mark(kEnd, texts_.size()));
      texts_.push_back({message_});
    }
  }
  for (const size_t place : tokenizer_->control_places(own)) {
    marks.emplace_back(place, mark_char(kControl));
  }
  std::ranges::stable_sort(marks, {}, &std::pair<size_t, std::string>::first);
  std::string out;
  size_t done = 0;
  for (const auto& [place, bytes] : marks) {
    out.append(own, done, place - done);
    out += bytes;
    done = place;
  }
  return out.append(own, done);
}

Json MessageMarker::marked_value(const Json& value, std::string_view key, bool ends) {
  if (value.is_string()) {
    const bool structure = key == "role" || key == "type";
    return structure ? value : Json(mark(value.as_string(), ends && is_text_key(key)));
  }
  if (value.is_array()) {
    Json list = Json::array();
    for (const Json& item : value.as_array()) {
      list.push_back(marked_value(item, key, ends && item.is_object()));
    }
    return list;
  }
  if (value.is_object()) {
    Json object = Json::object();
    for (const auto& [name, member] : value.as_object()) {
      object.set(name, marked_value(member, name, ends && (is_text_key(name))));
    }
    return object;
  }
  return value;
}

Json MessageMarker::mark_controls(const Json& messages) const {
  MessageMarker marker(*tokenizer_);
  return marker.marked_value(messages, "messages", false);
}

Json MessageMarker::mark_texts(const Json& messages, const std::function<bool(size_t)>& chosen) {
  texts_.clear();
  Json out = Json::array();
  for (message_ = 0; message_ < messages.size(); ++message_) {
    out.push_back(marked_value(messages.as_array()[message_], "messages", chosen(message_)));
  }
  return out;
}

UnmarkedText take_marks(std::string_view marked) {
  UnmarkedText out;
  out.text.reserve(marked.size());
  size_t open = SIZE_MAX;  // number of the text that is open
  for (size_t at = 0; at < marked.size();) {
    const auto kind = mark_at(marked, at);
    if (!kind.has_value()) {
      out.text += marked[at++];
      continue;
    }
    at += kCharBytes;
    if (*kind == kControl) {
      out.plain_at.push_back(out.text.size());
      continue;
    }
    size_t number = 0;
    size_t digits = 0;
    for (; digits < kDigits; ++digits, at += kCharBytes) {
      const auto digit = mark_at(marked, at);
      if (!digit.has_value() || *digit < kDigit) {
        break;
      }
      number = number * 16 + (*digit - kDigit);
    }
    const bool begins = *kind == kBegin && open == SIZE_MAX;
    const bool ends = *kind == kEnd && open == number;
    if (digits < kDigits || (!begins && !ends)) {
      out.complete = false;
    } else if (begins) {
      open = number;
      out.stretches.push_back({number, out.text.size(), out.text.size()});
    } else {
      out.stretches.back().end = out.text.size();
      open = SIZE_MAX;
    }
  }
  out.complete = out.complete && open == SIZE_MAX;
  return out;
}

size_t mark_bytes_before(std::string_view marked, size_t offset) {
  size_t bytes = 0;
  for (size_t at = 0; at < offset;) {
    if (mark_at(marked, at).has_value()) {
      bytes += kCharBytes;
      at += kCharBytes;
    } else {
      ++at;
    }
  }
  return bytes;
}

}  // namespace cupel::engine
