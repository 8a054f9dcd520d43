#include "decode/constraint/string_formats.h"

#include <string>

namespace cupel::decode::constraint {
namespace {

// RFC 3339, "full-date": months have their days, and February 29th only leap years.
const std::string& date() {
  static const std::string pattern =
      R"((?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|)"
      R"(02-(?:0[1-9]|1\d|2[0-8]))|)"
      R"((?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29))";
  return pattern;
}

// RFC 3339, "full-time", without leap seconds.
const std::string& time() {
  static const std::string pattern =
      R"((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d))";
  return pattern;
}

}  // namespace

std::string_view format_pattern(std::string_view format) {
  static const std::string date_time = date() + "T" + time();
  if (format == "date") {
    return date();
  }
  if (format == "time") {
    return time();
  }
  if (format == "date-time") {
    return date_time;
  }
  if (format == "uuid") {
    return "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
  }
  if (format == "email") {  // RFC 5321 without quoted parts and address literals
    return R"([A-Za-z0-9_+-]{1,32}(?:\.[A-Za-z0-9_+-]{1,31})?@)"
           R"((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,24})";
  }
  if (format == "ipv4") {
    return R"((?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))";
  }
  return {};
}

std::string_view format_names() {
  return "date, time, date-time, uuid, email, ipv4";
}

}  // namespace cupel::decode::constraint
