#include "report/numbers.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/format.h"

namespace cupel::report {

std::string fixed_text(double value, int decimals) {
  if (!std::isfinite(value)) {
    return kNoNumber;
  }
  std::string text = format("{:.{}f}", value, decimals);
  if (text.starts_with('-') && text.find_first_not_of("-0.") == std::string::npos) {
    text.erase(0, 1);
  }
  return text;
}

std::string short_text(double value, int max_decimals) {
  CUPEL_CHECK(std::isfinite(value), "a coordinate that is no number");
  std::string text = fixed_text(value, max_decimals);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) {
      text.pop_back();
    }
  }
  return text;
}

std::string signed_text(double value, int decimals, bool plus) {
  if (!std::isfinite(value)) {
    return kPageNoNumber;
  }
  const std::string text = fixed_text(value, decimals);
  if (text.starts_with('-')) {
    return typographic_text(text);
  }
  const bool zero = text.find_first_not_of("0.") == std::string::npos;
  return plus && !zero ? "+" + text : text;
}

std::string typographic_text(std::string_view text) {
  if (text == kNoNumber) {
    return kPageNoNumber;
  }
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts = i == 0 || text[i - 1] == ' ' || text[i - 1] == '(';
    const bool minus = text[i] == '-' && starts && i + 1 < text.size() && is_digit(text[i + 1]);
    out += minus ? std::string_view("\u2212") : text.substr(i, 1);
  }
  return out;
}

std::string brief_text(double value) {
  constexpr double kFourDigits = 9999.5;
  constexpr double kExact = 1e15;  // every whole number below it is a double
  if (!std::isfinite(value)) {
    return kNoNumber;
  }
  const double size = std::abs(value);
  return size >= kFourDigits && size < kExact ? fixed_text(value, 0) : format("{:.4g}", value);
}

std::string count_text(int64_t count) {
  std::string digits = format("{}", count);
  const size_t first = digits.starts_with('-') ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string count_text(int64_t count, std::string_view singular) {
  return format("{} {}{}", count_text(count), singular, count == 1 ? "" : "s");
}

std::string percent_text(double share) {
  if (!std::isfinite(share)) {
    return kNoNumber;
  }
  const double percent = share * 100.0;
  if (percent == 0.0 || percent == 100.0) {
    return format("{:.0f}%", percent);
  }
  if (percent > 0.0 && percent < 0.1) {
    return "<0.1%";
  }
  if (percent > 99.9 && percent < 100.0) {
    return ">99.9%";
  }
  return format(percent < 9.95 || percent > 99.0 ? "{:.1f}%" : "{:.0f}%", percent);
}

std::string money_text(double amount) {
  constexpr int kMostDecimals = 12;
  if (!std::isfinite(amount) || amount == 0) {
    return fixed_text(amount, 2);
  }
  const double magnitude = std::floor(std::log10(std::fabs(amount)));
  const int decimals = static_cast<int>(std::clamp(2 - magnitude, 2.0, 1.0 * kMostDecimals));
  const std::string text = fixed_text(amount, decimals);
  const bool vanished = text.find_first_not_of("-0.") == std::string::npos;
  return vanished ? format("{:.2e}", amount) : text;
}

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) {
    return kNoNumber;
  }
  if (seconds < 9.995) {
    return format("{:.2f} s", seconds);
  }
  if (seconds < 59.95) {
    return format("{:.1f} s", seconds);
  }
  constexpr double kLongest = 1e9;  // thirty years: keeps the conversion below within int64
  const auto whole = static_cast<int64_t>(std::llround(std::fmin(seconds, kLongest)));
  if (whole < 3600) {
    return format("{} min {:02} s", whole / 60, whole % 60);
  }
  return format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::optional<double> share_of(int64_t part, int64_t whole) {
  if (whole <= 0) {
    return std::nullopt;
  }
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace cupel::report
