#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "base/http_client.h"
#include "base/text.h"

namespace cupel {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Decimal digits only, all of them.
std::optional<int> parse_digits(std::string_view text) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end && value >= 0 ? std::optional(value) : std::nullopt;
}

std::optional<double> parse_clock(std::string_view text) {
  const auto pieces = split(text, ':');
  if (pieces.size() != 3) {
    return std::nullopt;
  }
  const auto hour = parse_digits(pieces[0]);
  const auto minute = parse_digits(pieces[1]);
  const auto second = parse_digits(pieces[2]);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  return *hour * 3600.0 + *minute * 60.0 + *second;
}

// "Sun, 06 Nov 1994 08:49:37 GMT": the one form that a server may write today.
std::optional<double> parse_http_date(std::string_view text) {
  const auto words = split(text, ' ');
  if (words.size() != 6 || words[5] != "GMT") {
    return std::nullopt;
  }
  const auto day = parse_digits(words[1]);
  const auto* const month = std::find(kMonths.begin(), kMonths.end(), words[2]);
  const auto year = parse_digits(words[3]);
  const auto clock = parse_clock(words[4]);
  if (!day || month == kMonths.end() || !year || *year > 9999 || !clock) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(
      std::chrono::year(*year),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) {
    return std::nullopt;
  }
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return static_cast<double>(days) * 86400.0 + *clock;
}

}  // namespace

std::optional<double> parse_retry_after(std::string_view value, double now_unix_s) {
  const std::string_view text = trim(value);
  if (const auto seconds = parse_digits(text)) {
    return static_cast<double>(*seconds);
  }
  if (const auto date = parse_http_date(text)) {
    return std::max(0.0, *date - now_unix_s);
  }
  return std::nullopt;
}

}  // namespace cupel
