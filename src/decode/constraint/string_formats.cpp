#include "decode/constraint/string_formats.h"

#include <string>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/text.h"

namespace cupel::decode::constraint {
namespace {

// RFC 3339, "full-date": months have their days, and February 29th only leap years.
constexpr std::string_view kDate =
    R"((?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|)"
    R"(02-(?:0[1-9]|1\d|2[0-8]))|)"
    R"((?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29))";
// RFC 3339, "full-time", without leap seconds.
constexpr std::string_view kTime =
    R"((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d))";
// RFC 3339, appendix A: units descend and none between two is left out.
constexpr std::string_view kDuration =
    R"(P(?:\d{1,9}W|(?:\d{1,9}Y(?:\d{1,9}M(?:\d{1,9}D)?)?|\d{1,9}M(?:\d{1,9}D)?|\d{1,9}D)(?:T@)?|T@))";
constexpr std::string_view kDurationTime =
    R"((?:\d{1,9}H(?:\d{1,9}M(?:\d{1,9}S)?)?|\d{1,9}M(?:\d{1,9}S)?|\d{1,9}S))";
// RFC 1123.
constexpr std::string_view kLabel = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?";
// RFC 5321 without quoted parts and address literals; ends in a top-level domain of letters.
constexpr std::string_view kEmail =
    R"([A-Za-z0-9_+-]{1,32}(?:\.[A-Za-z0-9_+-]{1,31})?@(?:#\.){1,4}[A-Za-z]{2,24})";
constexpr std::string_view kIpv4 =
    R"((?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))";
// RFC 3986 with an authority, and short enough for 2083 characters: scheme://host:port/…?…#…
constexpr std::string_view kUri =
    R"([a-z][a-z0-9+.-]{1,14}://HOST(?::\d{1,5})?(?:/@{0,300})?(?:\?@{0,100})?(?:#@{0,60})?)";
constexpr std::string_view kUriCharacter = R"((?:[A-Za-z0-9._~!$&'()*+,;=:/-]|%[0-9A-F]{2}))";

// RFC 4291: eight groups, of which one run may be left out.
std::string ipv6() {
  constexpr std::string_view kGroup = "[0-9a-fA-F]{1,4}";
  std::string pattern = format("(?:{0}:){{7}}{0}|(?:{0}:){{1,7}}:|:(?::{0}){{1,7}}|::", kGroup);
  for (int before = 1; before < 7; ++before) {
    pattern += format("|(?:{0}:){{{1}}}(?::{0}){{1,{2}}}", kGroup, before, 7 - before);
  }
  return pattern;
}

using Formats = std::vector<std::pair<std::string_view, std::string>>;

const Formats& formats() {
  static const Formats all = [] {
    const auto put = [](std::string_view pattern, std::string_view mark, std::string_view part) {
      return replace_all(std::string(pattern), mark, part);
    };
    const std::string host = format(R"({0}(?:\.{0}){{0,5}})", kLabel);
    return Formats{
        {"date", std::string(kDate)},
        {"time", std::string(kTime)},
        {"date-time", format("{}T{}", kDate, kTime)},
        {"duration", put(kDuration, "@", kDurationTime)},
        {"uuid", "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"},
        {"email", put(kEmail, "#", kLabel)},
        {"hostname", host},
        {"ipv4", std::string(kIpv4)},
        {"ipv6", ipv6()},
        {"uri", put(put(kUri, "HOST", host), "@", kUriCharacter)},
    };
  }();
  return all;
}

}  // namespace

std::string_view format_pattern(std::string_view name) {
  for (const auto& [known, pattern] : formats()) {
    if (known == name) {
      return pattern;
    }
  }
  return {};
}

bool is_open_format(std::string_view name) {
  return name == "password" || name == "binary";
}

std::string format_names() {
  std::string names;
  for (const auto& [name, pattern] : formats()) {
    names += std::string(name) + ", ";
  }
  return names + "password, binary";
}

}  // namespace cupel::decode::constraint
