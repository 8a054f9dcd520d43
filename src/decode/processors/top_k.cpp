// Fan et al. 2018: only the k likeliest tokens survive; ties at the border go to the lowest ids.
#include <algorithm>

#include "decode/logits_processor.h"

namespace cupel::decode::processor {
namespace {

void apply(Candidates& candidates, const ProcessorContext& context) {
  auto& items = candidates.items;
  const auto k = static_cast<size_t>(context.options->top_k);
  if (k < items.size()) {
    std::nth_element(items.begin(), items.begin() + static_cast<int64_t>(k) - 1, items.end(),
                     likelier);
    items.resize(k);
  }
  std::sort(items.begin(), items.end(), likelier);
  candidates.sorted = true;
}

}  // namespace

LogitsProcessor top_k() {
  return {.name = "top_k",
          .summary = "keeps the k likeliest tokens",
          .active = [](const SamplingOptions& o) { return !o.greedy() && o.top_k > 0; },
          .apply = &apply};
}

}  // namespace cupel::decode::processor
