#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "core/sampling.h"
#include "core/tokenizer.h"

namespace cupel::decode {

/// A token that may still be drawn.
struct Candidate {
  TokenId id = 0;
  float logit = 0;
};

/// The one order of candidates: likelier first, ties to the lowest id.
inline bool likelier(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

/// A logit after arithmetic with an option, which may be absurdly large or small: still a number
/// that differences can be taken of.
inline float bounded_logit(float x) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  return std::clamp(x, -kLargest, kLargest);
}

/// What survives so far. Ascending by id until a processor cuts; from then on sorted by `likelier`.
struct Candidates {
  std::vector<Candidate> items;
  bool sorted = false;
};

struct ProcessorContext {
  const SamplingOptions* options = nullptr;
  std::span<const TokenId> seen;  ///< prompt and generated tokens so far
};

/// One step between raw logits and the draw. One file each; they run in the order of
/// processors.def.
struct LogitsProcessor {
  std::string_view name;
  std::string_view summary;
  bool (*active)(const SamplingOptions& options);
  void (*apply)(Candidates& candidates, const ProcessorContext& context);
};

/// All processors in their fixed order.
const std::vector<LogitsProcessor>& logits_processors();

}  // namespace cupel::decode
