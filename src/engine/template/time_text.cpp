#include <ctime>
#include <string>

#include "base/error.h"
#include "engine/template/text_functions.h"

namespace cupel::engine::jinja {
namespace {

std::tm calendar(const LocalTime& time) {
  std::tm parts{};
  parts.tm_year = time.year - 1900;
  parts.tm_mon = time.month - 1;
  parts.tm_mday = time.day;
  parts.tm_hour = time.hour;
  parts.tm_min = time.minute;
  parts.tm_sec = time.second;
  std::tm normal = parts;
  timegm(&normal);  // fills in the day of the week and of the year
  parts.tm_wday = normal.tm_wday;
  parts.tm_yday = normal.tm_yday;
  return parts;
}

}  // namespace

Result<std::string> format_time(const LocalTime& time, std::string_view pattern) {
  constexpr std::string_view kDirectives = "aAbBcCdDeFgGhHIjklmMnpPrRStTuUVwWxXyY%";
  constexpr std::string_view kFlags = "-_0^#";
  if (pattern.size() > 4096) {
    return invalid_argument("a time format has {} bytes; 4096 are enough", pattern.size());
  }
  const std::tm parts = calendar(time);
  std::string out;
  for (size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] != '%' || at + 1 >= pattern.size()) {
      out += pattern[at];
      continue;
    }
    const bool flagged = kFlags.find(pattern[at + 1]) != std::string_view::npos;
    const size_t directive_at = at + (flagged ? 2 : 1);
    const char directive = directive_at < pattern.size() ? pattern[directive_at] : '\0';
    if (directive == 'f') {
      out += format("{:06d}", time.microsecond);
    } else if (kDirectives.find(directive) != std::string_view::npos && directive != '\0') {
      char buffer[128];
      const std::string one(pattern.substr(at, directive_at - at + 1));
      out.append(buffer, std::strftime(buffer, sizeof buffer, one.c_str(), &parts));
    } else if (directive != 'z' && directive != 'Z') {  // no time zone: both give nothing
      out += pattern[at];
      continue;
    }
    at = directive_at;
  }
  return out;
}

}  // namespace cupel::engine::jinja
