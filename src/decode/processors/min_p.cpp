// Nguyen et al. 2024: drops every token less likely than min_p times the likeliest one.
#include <algorithm>
#include <cmath>

#include "decode/logits_processor.h"

namespace cupel::decode::processor {
namespace {

void apply(Candidates& candidates, const ProcessorContext& context) {
  auto& items = candidates.items;
  float peak = items.front().logit;
  for (const Candidate& candidate : items) {
    peak = std::max(peak, candidate.logit);
  }
  const auto floor = static_cast<float>(peak + std::log(context.options->min_p));
  std::erase_if(items, [floor](const Candidate& candidate) { return candidate.logit < floor; });
}

}  // namespace

LogitsProcessor min_p() {
  return {.name = "min_p",
          .summary = "drops tokens below min_p times the largest probability",
          .active = [](const SamplingOptions& o) { return !o.greedy() && o.min_p > 0; },
          .apply = &apply};
}

}  // namespace cupel::decode::processor
