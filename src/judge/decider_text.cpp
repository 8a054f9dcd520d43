#include "judge/decider_text.h"

#include <algorithm>
#include <charconv>

#include <utf8proc.h>

#include "base/text.h"

namespace cupel::judge {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(uint32_t point) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(point));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}
bool is_alnum(uint32_t point) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(point));
  return is_letter(point) || (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

template <typename Predicate>
bool any_code_point(std::string_view text, Predicate predicate) {
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = decode_utf8(text, i);
    if (predicate(point.value)) {
      return true;
    }
    i += point.length;
  }
  return false;
}

// Length of a closing quote or bracket at `i` of [ " ' ” ’ ) ] * _ ], or 0.
size_t closer_at(std::string_view text, size_t i) {
  constexpr std::string_view kAscii = "\"')]*_";
  if (i < text.size() && kAscii.find(text[i]) != std::string_view::npos) {
    return 1;
  }
  const std::string_view rest = text.substr(std::min(i, text.size()));
  return rest.starts_with("\u201d") || rest.starts_with("\u2019") ? 3 : 0;
}

size_t digits_at(std::string_view text, size_t i) {
  size_t end = i;
  while (end < text.size() && is_digit(text[end])) {
    ++end;
  }
  return end - i;
}

// End of "1,234,567" at `i` when the commas group thousands and no digit follows; else `i`.
size_t grouped_end(std::string_view text, size_t i) {
  const size_t lead = digits_at(text, i);
  if (lead < 1) {
    return i;
  }
  for (size_t first = std::min<size_t>(3, lead); first >= 1; --first) {
    size_t end = i + first;
    size_t good = i;
    while (end < text.size() && text[end] == ',' && digits_at(text, end + 1) >= 3) {
      end += 4;
      good = digits_at(text, end) == 0 ? end : good;
    }
    if (good > i) {
      return good;
    }
  }
  return i;
}

// "- ", "* ", "+ ", "• " or "12. ", "12) " before something visible; returns the marker's length or
// 0.
size_t marker_length(std::string_view line, ListStyle style) {
  size_t i = 0;
  while (i < line.size() && (line[i] == ' ' || line[i] == '\t')) {
    ++i;
  }
  size_t end = i;
  const std::string_view rest = line.substr(i);
  const bool bullet = !rest.empty() && (rest[0] == '-' || rest[0] == '*' || rest[0] == '+');
  if (style != ListStyle::kNumbered && (bullet || rest.starts_with("\u2022"))) {
    end = i + (bullet ? 1 : 3);
  } else if (style != ListStyle::kBullet && digits_at(line, i) > 0) {
    end = i + digits_at(line, i);
    if (end >= line.size() || (line[end] != '.' && line[end] != ')')) {
      return 0;
    }
    ++end;
  }
  const size_t after = end;
  while (end < line.size() && (line[end] == ' ' || line[end] == '\t')) {
    ++end;
  }
  const bool marked = after > i && end > after && end < line.size() && !is_space(line[end]);
  return marked ? end : 0;
}

}  // namespace

std::string clean_answer(std::string_view text) {
  return std::string(trim(replace_all(std::string(text), "\r\n", "\n")));
}

bool alnum_before(std::string_view text, size_t offset) {
  if (offset == 0) {
    return false;
  }
  size_t begin = offset - 1;
  while (begin > 0 && offset - begin < 4 &&
         (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) {
    --begin;
  }
  return is_alnum(decode_utf8(text, begin).value);
}

bool alnum_at(std::string_view text, size_t offset) {
  return offset < text.size() && is_alnum(decode_utf8(text, offset).value);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (const std::string_view line : split(text, '\n')) {
    if (const std::string_view visible = trim(line); !visible.empty()) {
      lines.push_back(visible);
    }
  }
  return lines;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t i = 0; i < text.size();) {
    while (i < text.size() && is_space(text[i])) {
      ++i;
    }
    const size_t begin = i;
    while (i < text.size() && !is_space(text[i])) {
      ++i;
    }
    const std::string_view word = text.substr(begin, i - begin);
    if (any_code_point(word, is_alnum)) {
      words.push_back(word);
    }
  }
  return words;
}

size_t count_sentences(std::string_view text) {
  size_t count = 0;
  size_t begin = 0;
  const auto take = [&](size_t end) {
    count += any_code_point(text.substr(begin, end - begin), is_letter) ? 1 : 0;
    begin = end;
  };
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '.' && text[i] != '!' && text[i] != '?') {
      ++i;
      continue;
    }
    while (i < text.size() && (text[i] == '.' || text[i] == '!' || text[i] == '?')) {
      ++i;
    }
    size_t end = i;
    while (const size_t closer = closer_at(text, end)) {
      end += closer;
    }
    if (end == text.size() || is_space(text[end])) {
      take(end);
      i = end;
    }
  }
  take(text.size());
  return count;
}

size_t count_paragraphs(std::string_view text) {
  size_t count = 0;
  bool inside = false;
  for (const std::string_view line : split(text, '\n')) {
    const bool visible = !trim(line).empty();
    count += visible && !inside ? 1 : 0;
    inside = visible;
  }
  return count;
}

std::vector<double> numbers_of(std::string_view text) {
  std::vector<double> numbers;
  for (size_t i = 0; i < text.size();) {
    if (!is_digit(text[i])) {
      ++i;
      continue;
    }
    size_t sign = i;
    bool negative = false;
    if (i > 0 && (text[i - 1] == '+' || text[i - 1] == '-')) {
      sign = i - 1;
      negative = text[sign] == '-';
    } else if (i >= 3 && text.substr(i - 3, 3) == "\u2212") {
      sign = i - 3;
      negative = true;
    }
    if (alnum_before(text, sign)) {
      // "A-5": the sign is glued to a letter, the digits are not.
      if (sign == i || alnum_before(text, i)) {
        i += 1;
        continue;
      }
      negative = false;
    }
    size_t end = grouped_end(text, i);
    end = end == i ? i + digits_at(text, i) : end;
    if (end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])) {
      end += 1 + digits_at(text, end + 1);
    }
    const std::string digits = replace_all(std::string(text.substr(i, end - i)), ",", "");
    double value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    numbers.push_back(negative ? -value : value);
    i = end;
  }
  return numbers;
}

std::vector<std::string_view> list_items_of(std::string_view text, ListStyle style) {
  std::vector<std::string_view> items;
  for (const std::string_view line : split(text, '\n')) {
    if (const size_t marker = marker_length(line, style)) {
      items.push_back(trim(line.substr(marker)));
    }
  }
  return items;
}

std::vector<Fence> fences_of(std::string_view text, std::string& outside) {
  std::vector<Fence> fences;
  std::vector<std::string> outer;
  bool open = false;
  bool first_line = false;
  for (const std::string_view line : split(text, '\n')) {
    std::string_view visible = line;
    while (!visible.empty() && is_space(visible.front())) {
      visible.remove_prefix(1);
    }
    if (visible.starts_with("```")) {
      if (!open) {
        const std::string info = to_lower_ascii(trim(visible.substr(3)));
        fences.push_back({info.substr(0, info.find(' ')), {}});
        first_line = true;
      }
      open = !open;
    } else if (open) {
      fences.back().body += (first_line ? "" : "\n") + std::string(line);
      first_line = false;
    } else {
      outer.emplace_back(line);
    }
  }
  outside = join(outer, "\n");
  return fences;
}

int64_t count_occurrences(std::string_view text,
                          std::string_view needle,
                          bool case_sensitive,
                          bool whole_word) {
  const std::string haystack = case_sensitive ? std::string(text) : to_lower_ascii(text);
  const std::string wanted = case_sensitive ? std::string(needle) : to_lower_ascii(needle);
  int64_t count = 0;
  size_t at = haystack.find(wanted);
  while (at != std::string::npos && !wanted.empty()) {
    const size_t end = at + wanted.size();
    if (whole_word && (alnum_before(haystack, at) || alnum_at(haystack, end))) {
      at = haystack.find(wanted, at + 1);
      continue;
    }
    ++count;
    at = haystack.find(wanted, end);
  }
  return count;
}

size_t count_code_points(std::string_view text) {
  size_t count = 0;
  for (size_t i = 0; i < text.size(); ++count) {
    i += decode_utf8(text, i).length;
  }
  return count;
}

std::string_view bare_word(std::string_view word) {
  size_t begin = 0;
  while (begin < word.size() && !alnum_at(word, begin)) {
    begin += decode_utf8(word, begin).length;
  }
  size_t end = word.size();
  while (end > begin && !alnum_before(word, end)) {
    --end;
  }
  return word.substr(begin, end - begin);
}

}  // namespace cupel::judge
