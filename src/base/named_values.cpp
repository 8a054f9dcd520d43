#include "base/named_values.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace cupel {

Result<size_t> find_name(std::string_view word,
                         std::span<const std::string_view> names,
                         std::string_view what) {
  const auto found = std::find(names.begin(), names.end(), word);
  if (found == names.end()) {
    const std::vector<std::string> candidates(names.begin(), names.end());
    return invalid_argument("unknown {} \"{}\"{}; expected {}", what, printable(word),
                            did_you_mean(word, candidates), join(candidates, ", "));
  }
  return static_cast<size_t>(found - names.begin());
}

}  // namespace cupel
