// Logits over the temperature; greedy decoding never comes here with a divisor of 0.
#include "decode/logits_processor.h"

namespace cupel::decode::processor {
namespace {

void apply(Candidates& candidates, const ProcessorContext& context) {
  const float temperature = bounded_logit(static_cast<float>(context.options->temperature));
  candidates.change_scores([temperature](float x) {
    return x == kExcluded ? kExcluded : bounded_logit(x / temperature);
  });
}

}  // namespace

LogitsProcessor temperature() {
  return {.name = "temperature",
          .summary = "sharpens (below 1) or flattens (above 1) the distribution",
          .active = [](const SamplingOptions& o) { return !o.greedy() && o.temperature != 1; },
          .apply = &apply};
}

}  // namespace cupel::decode::processor
