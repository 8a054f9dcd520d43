#include "engine/tokenizer/split_pattern.h"

#include "base/format.h"
#include "engine/tokenizer/unicode_additions.h"

namespace cupel::engine {
namespace {

// White_Space: categories Z* and the six controls (TAB … CR, NEL).
constexpr std::string_view kWhiteSpace = R"(\x{9}-\x{d}\x{85}\p{Z})";

}  // namespace

std::string expand_classes(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  const auto append = [&](bool negated, std::string_view members) {
    out += in_class ? "" : negated ? "[^" : "[";
    out += members;
    out += in_class ? "" : "]";
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      in_class = in_class ? pattern[i] != ']' : pattern[i] == '[';
      out += pattern[i];
      continue;
    }
    const char escaped = pattern[++i];
    const size_t close = pattern.find('}', i);
    if (escaped == 's' || (escaped == 'S' && !in_class)) {
      append(escaped == 'S', kWhiteSpace);
    } else if (escaped == 'p' && close != std::string_view::npos) {
      const std::string_view property = pattern.substr(i + 2, close - i - 2);  // after "p{"
      append(false, format("\\p{{{}}}{}", property, added_ranges(property)));
      i = close;
    } else {
      out += {'\\', escaped};
    }
  }
  return out;
}

Result<Regex> compile_split_pattern(std::string_view pattern) {
  return Regex::compile(expand_classes(pattern), {.unicode_classes = true});
}

}  // namespace cupel::engine
