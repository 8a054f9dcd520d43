// Keskar et al. 2019 (CTRL), §4.1, in the form of transformers: positive logits are divided by the
// penalty, negative ones multiplied, once per distinct token that was seen.
#include <algorithm>
#include <limits>

#include "decode/logits_processor.h"

namespace cupel::decode::processor {
namespace {

void apply(Candidates& candidates, const ProcessorContext& context) {
  const float penalty =
      std::max(bounded_logit(static_cast<float>(context.options->repetition_penalty)),
               std::numeric_limits<float>::min());
  const std::span<float> scores = candidates.own_scores();
  for (const TokenId id : context.seen) {  // from the model's own logit: once, however often seen
    if (scores[static_cast<size_t>(id)] == kExcluded) {
      continue;
    }
    const float logit = candidates.logits()[static_cast<size_t>(id)];
    scores[static_cast<size_t>(id)] = bounded_logit(logit > 0 ? logit / penalty : logit * penalty);
  }
}

}  // namespace

LogitsProcessor repetition_penalty() {
  return {.name = "repetition_penalty",
          .summary = "makes tokens that were seen less likely",
          .active = [](const SamplingOptions& o) { return o.repetition_penalty != 1; },
          .apply = &apply};
}

}  // namespace cupel::decode::processor
