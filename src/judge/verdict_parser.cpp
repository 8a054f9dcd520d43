#include "judge/verdict_parser.h"

#include <charconv>
#include <string>

namespace cupel::judge {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// First match of  open digits [. digits*] close : the regular expression \[\[(\d+\.?\d*)\]\].
std::optional<double> first_bracketed(std::string_view text,
                                      std::string_view open,
                                      std::string_view close) {
  for (size_t at = text.find(open); at != std::string_view::npos; at = text.find(open, at + 1)) {
    const size_t begin = at + open.size();
    size_t end = begin;
    while (end < text.size() && is_digit(text[end])) {
      ++end;
    }
    if (end == begin) {
      continue;
    }
    if (end < text.size() && text[end] == '.') {
      ++end;
      while (end < text.size() && is_digit(text[end])) {
        ++end;
      }
    }
    if (text.substr(end).starts_with(close)) {
      double value = 0;
      std::from_chars(text.data() + begin, text.data() + end, value);
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<double> parse_rating(std::string_view judgment) {
  if (const auto score = first_bracketed(judgment, "[[", "]]")) {
    return score;
  }
  return first_bracketed(judgment, "[", "]");
}

}  // namespace cupel::judge
