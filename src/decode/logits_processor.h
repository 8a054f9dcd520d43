#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "core/sampling.h"
#include "core/tokenizer.h"
#include "engine/kernels/operators.h"

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

/// The score of a token that a constraint excludes: no arithmetic brings it back.
constexpr float kExcluded = -std::numeric_limits<float>::infinity();

/// What may still be drawn: every token with its score until a processor cuts, then a list. Keeps
/// its buffers from one token to the next.
class Candidates {
 public:
  /// All tokens, with the model's own logits (none of them NaN), which must outlive the draw.
  void start(const engine::Operators& operators, std::span<const float> logits);

  [[nodiscard]] const engine::Operators& operators() const { return *operators_; }
  /// The model's own, by id.
  [[nodiscard]] std::span<const float> logits() const { return logits_; }

  [[nodiscard]] bool cut() const { return cut_; }
  /// By id; until a cut. kExcluded for those that a constraint excludes.
  [[nodiscard]] std::span<const float> scores() const { return scores_; }
  /// The same to be changed one by one.
  std::span<float> own_scores();
  /// score ← change(score) for every token.
  template <typename Change>
  void change_scores(const Change& change);

  /// After a cut: what survives, ascending by id or, where the processor says so, by `likelier`.
  [[nodiscard]] const std::vector<Candidate>& items() const { return items_; }
  std::vector<Candidate>& items() { return items_; }
  /// The list, empty, to be filled: from here on it alone counts.
  std::vector<Candidate>& begin_cut();
  /// A second list of the same room, for sorting.
  std::vector<Candidate>& scratch() { return scratch_; }

 private:
  const engine::Operators* operators_ = nullptr;
  std::span<const float> logits_;
  std::span<const float> scores_;
  std::vector<float> changed_;
  std::vector<Candidate> items_;
  std::vector<Candidate> scratch_;
  bool cut_ = false;
};

template <typename Change>
void Candidates::change_scores(const Change& change) {
  constexpr size_t kBlock = 16;  // a loop of known length becomes vector instructions
  changed_.resize(scores_.size());
  const float* from = scores_.data();
  float* to = changed_.data();
  size_t i = 0;
  for (; i + kBlock <= scores_.size(); i += kBlock) {
    for (size_t j = 0; j < kBlock; ++j) {
      to[i + j] = change(from[i + j]);
    }
  }
  for (; i < scores_.size(); ++i) {
    to[i] = change(from[i]);
  }
  scores_ = changed_;
}

/// What the constraint of the options allows next.
class AllowedTokens {
 public:
  virtual ~AllowedTokens() = default;
  virtual bool allows(TokenId id) = 0;
  /// One bit an id, at least one of them set; empty where it cannot be said.
  virtual std::span<const uint64_t> mask() = 0;
};

struct ProcessorContext {
  const SamplingOptions* options = nullptr;
  std::span<const TokenId> seen;        ///< prompt and generated tokens so far
  AllowedTokens* allowed = nullptr;     ///< set where the options have a constraint
  std::span<const uint64_t> mask = {};  ///< of `allowed`, once the sampler has asked for it
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
