// Only tokens with which the answer can still satisfy the constraint of the request survive
// (decode/constraint/).
#include <algorithm>
#include <bit>

#include "decode/logits_processor.h"

namespace cupel::decode::processor {
namespace {

constexpr size_t kWordBits = 64;

void apply(Candidates& candidates, const ProcessorContext& context) {
  const std::span<float> scores = candidates.own_scores();
  for (size_t begin = 0; begin < scores.size(); begin += kWordBits) {
    const size_t word = begin / kWordBits;
    uint64_t excluded = word < context.mask.size() ? ~context.mask[word] : ~uint64_t{0};
    const auto block = scores.subspan(begin, std::min(kWordBits, scores.size() - begin));
    if (excluded == ~uint64_t{0}) {
      std::fill(block.begin(), block.end(), kExcluded);
      continue;
    }
    for (; excluded != 0; excluded &= excluded - 1) {
      const auto bit = static_cast<size_t>(std::countr_zero(excluded));
      if (bit < block.size()) {
        block[bit] = kExcluded;
      }
    }
  }
}

}  // namespace

LogitsProcessor constraint() {
  return {.name = "constraint",
          .summary = "keeps the tokens with which the answer can still satisfy its constraint",
          .active = [](const SamplingOptions& o) { return o.constraint.active(); },
          .apply = &apply};
}

}  // namespace cupel::decode::processor
