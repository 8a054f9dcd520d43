#include "rank/duplicates.h"

#include <algorithm>

namespace cupel::rank {

DuplicateWeights duplicate_weights(std::span<const int32_t> prompts) {
  DuplicateWeights result;
  std::vector<int64_t> copies;
  for (const int32_t prompt : prompts) {
    if (prompt < 0) {
      ++result.distinct;
      continue;
    }
    const auto index = static_cast<size_t>(prompt);
    if (index >= copies.size()) {
      copies.resize(std::max(index + 1, 2 * copies.size()));
    }
    result.distinct += ++copies[index] == 1 ? 1 : 0;
  }
  // Each prompt has weight 1 before scaling, so all rows together weigh as many as there are
  // prompts.
  const double scale = static_cast<double>(prompts.size()) / static_cast<double>(result.distinct);
  for (const int32_t prompt : prompts) {
    const int64_t n = prompt < 0 ? 1 : copies[static_cast<size_t>(prompt)];
    result.weights.push_back(scale / static_cast<double>(n));
    result.repeated_rows += n > 1 ? 1 : 0;
    result.most_copies = std::max(result.most_copies, n);
  }
  return result;
}

}  // namespace cupel::rank
