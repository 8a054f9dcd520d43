#include "judge/verdict_parser.h"

#include <charconv>
#include <cmath>
#include <string>
#include <utility>

namespace cupel::judge {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Reads  digits [. digits*]  at `at` and moves behind it; nothing where there is none.
std::optional<double> read_number(std::string_view text, size_t& at) {
  size_t end = at;
  while (end < text.size() && is_digit(text[end])) {
    ++end;
  }
  if (end == at) {
    return std::nullopt;
  }
  if (end < text.size() && text[end] == '.') {
    ++end;
    while (end < text.size() && is_digit(text[end])) {
      ++end;
    }
  }
  double value = 0;
  std::from_chars(text.data() + at, text.data() + end, value);
  at = end;
  return value;
}

// First match of the regular expression \[\[(\d+\.?\d*)\]\] with these brackets.
std::optional<double> first_bracketed(std::string_view text,
                                      std::string_view open,
                                      std::string_view close) {
  for (size_t at = text.find(open); at != std::string_view::npos; at = text.find(open, at + 1)) {
    size_t end = at + open.size();
    const auto value = read_number(text, end);
    if (value && text.substr(end).starts_with(close)) {
      return value;
    }
  }
  return std::nullopt;
}

// First match of \[\[(\d+\.?\d*),\s?(\d+\.?\d*)\]\] with these brackets.
std::optional<std::pair<double, double>> first_bracketed_pair(std::string_view text,
                                                              std::string_view open,
                                                              std::string_view close) {
  constexpr std::string_view kBlanks = " \t\n\r\f\v";
  for (size_t at = text.find(open); at != std::string_view::npos; at = text.find(open, at + 1)) {
    size_t end = at + open.size();
    const auto first = read_number(text, end);
    if (!first || !text.substr(end).starts_with(",")) {
      continue;
    }
    ++end;
    if (end < text.size() && kBlanks.find(text[end]) != std::string_view::npos) {
      ++end;
    }
    const auto second = read_number(text, end);
    if (second && text.substr(end).starts_with(close)) {
      return std::pair(*first, *second);
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

std::optional<Preferred> parse_preference(std::string_view judgment) {
  const auto says = [&](std::string_view mark) {
    return judgment.find(mark) != std::string_view::npos;
  };
  return says("[[A]]")   ? std::optional(Preferred::kFirst)
         : says("[[B]]") ? std::optional(Preferred::kSecond)
         : says("[[C]]") ? std::optional(Preferred::kTie)
                         : std::nullopt;
}

std::optional<Preferred> parse_score_pair(std::string_view judgment) {
  constexpr double kTieDelta = 0.1;  // FastChat's TIE_DELTA
  auto pair = first_bracketed_pair(judgment, "[[", "]]");
  if (!pair) {
    pair = first_bracketed_pair(judgment, "[", "]");
  }
  if (!pair) {
    return std::nullopt;
  }
  const double lead = pair->first - pair->second;
  return std::abs(lead) <= kTieDelta ? Preferred::kTie
         : lead > 0                  ? Preferred::kFirst
                                     : Preferred::kSecond;
}

}  // namespace cupel::judge
