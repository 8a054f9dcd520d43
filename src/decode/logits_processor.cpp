#include "decode/logits_processor.h"

namespace cupel::decode {

void Candidates::start(const engine::Operators& operators, std::span<const float> logits) {
  operators_ = &operators;
  logits_ = logits;
  scores_ = logits;
  cut_ = false;
}

std::span<float> Candidates::own_scores() {
  if (scores_.data() != changed_.data()) {
    changed_.assign(scores_.begin(), scores_.end());
    scores_ = changed_;
  }
  return changed_;
}

// Room for all at once: pages that are never reached cost nothing, and no later token allocates.
std::vector<Candidate>& Candidates::begin_cut() {
  items_.clear();
  items_.reserve(logits_.size());
  scratch_.reserve(logits_.size());
  cut_ = true;
  return items_;
}

}  // namespace cupel::decode
