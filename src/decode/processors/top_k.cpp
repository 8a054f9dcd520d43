// Fan et al. 2018: only the k likeliest tokens survive; ties at the border go to the lowest ids.
#include <algorithm>
#include <limits>

#include "decode/logits_processor.h"
#include "decode/scores.h"

namespace cupel::decode::processor {
namespace {

void apply(Candidates& candidates, const ProcessorContext& context) {
  const std::span<const float> scores = candidates.scores();  // no processor before this one cuts
  const auto k = static_cast<size_t>(context.options->top_k);
  auto& items = candidates.begin_cut();
  if (k < scores.size()) {
    gather_likeliest(scores, k, items);
  } else {
    gather_at_least(scores, -std::numeric_limits<float>::infinity(), items);
  }
  std::sort(items.begin(), items.end(), likelier);
}

}  // namespace

LogitsProcessor top_k() {
  return {.name = "top_k",
          .summary = "keeps the k likeliest tokens",
          .active = [](const SamplingOptions& o) { return !o.greedy() && o.top_k > 0; },
          .apply = &apply};
}

}  // namespace cupel::decode::processor
