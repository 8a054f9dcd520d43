// Holtzman et al. 2020 (nucleus): the smallest set of likeliest tokens whose mass reaches p.
#include <algorithm>
#include <cmath>

#include "decode/logits_processor.h"

namespace cupel::decode::processor {
namespace {

// Sorts only as many of the likeliest as the nucleus needs: a heap is built in linear time, and
// each member costs one pop. The nucleus of a trained model is small.
void apply(Candidates& candidates, const ProcessorContext& context) {
  auto& items = candidates.items;
  const auto less = [](const Candidate& a, const Candidate& b) { return likelier(b, a); };
  const float peak = std::max_element(items.begin(), items.end(), less)->logit;
  double total = 0;
  for (const Candidate& candidate : items) {
    total += std::exp(static_cast<double>(candidate.logit) - peak);
  }
  const double wanted = context.options->top_p * total;
  std::make_heap(items.begin(), items.end(), less);
  double mass = 0;
  auto heap_end = items.end();
  do {  // the likeliest one always survives
    std::pop_heap(items.begin(), heap_end, less);
    --heap_end;
    mass += std::exp(static_cast<double>(heap_end->logit) - peak);
  } while (mass < wanted && heap_end != items.begin());
  std::reverse(heap_end, items.end());  // pops fill from the back, likeliest last
  items.erase(items.begin(), heap_end);
  candidates.sorted = true;
}

}  // namespace

LogitsProcessor top_p() {
  return {.name = "top_p",
          .summary = "keeps the smallest set of likeliest tokens with that mass",
          .active = [](const SamplingOptions& o) { return !o.greedy() && o.top_p < 1; },
          .apply = &apply};
}

}  // namespace cupel::decode::processor
