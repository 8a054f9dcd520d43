// Nguyen et al. 2024: drops every token less likely than min_p times the likeliest one.
#include <algorithm>
#include <cmath>

#include "decode/logits_processor.h"
#include "decode/scores.h"

namespace cupel::decode::processor {
namespace {

float floor_below(float peak, const ProcessorContext& context) {
  return static_cast<float>(peak + std::log(context.options->min_p));
}

void apply(Candidates& candidates, const ProcessorContext& context) {
  if (!candidates.cut()) {
    const std::span<const float> scores = candidates.scores();
    gather_at_least(scores, floor_below(largest_score(scores), context), candidates.begin_cut());
    return;
  }
  auto& items = candidates.items();
  float peak = items.front().logit;
  for (const Candidate& candidate : items) {
    peak = std::max(peak, candidate.logit);
  }
  const float floor = floor_below(peak, context);
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
