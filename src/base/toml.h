#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel {

/// A value of a TOML text and where it stands. Tables are opened: keys are dotted, whatever way
/// they are written; arrays and what is in them are one value.
struct TomlEntry {
  std::string key;
  Json value;
  size_t line = 0;
};

/// All values of a TOML 1.0 text, in order of their lines. Reading is toml++'s, kept in toml.cpp.
/// Errors: kCorruptData `path:line: …`; kUnsupported - a date or time; kExhausted - a text beyond
/// 1 MiB.
Result<std::vector<TomlEntry>> parse_toml(std::string_view text, const std::string& path);

/// A value in TOML: strings in double quotes, escaped. Objects and null have no such form (a bug).
std::string toml_value(const Json& value);

}  // namespace cupel
