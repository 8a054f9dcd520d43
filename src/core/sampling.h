#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel {

/// What an answer must look like as a whole. Of the tokens that could be drawn only those remain
/// with which it can still come to that; it may end only where it is whole. An answer that
/// max_tokens cuts short is not: its finish reason is then kLength, as always.
struct OutputConstraint {
  enum class Kind { kNone, kJsonSchema, kRegex };
  Kind kind = Kind::kNone;
  std::string text;  ///< a JSON Schema as JSON, or a pattern; see docs/constrained.md

  [[nodiscard]] bool active() const { return kind != Kind::kNone; }
  bool operator==(const OutputConstraint&) const = default;
};
/// "none", "json_schema" or "regex".
std::string_view constraint_name(OutputConstraint::Kind kind);

/// How the next token is drawn. Processors run in one fixed order: constraint, repetition penalty,
/// temperature, top-k, top-p, min-p. A draw is a function of (seed, sequence, position) alone; ties
/// go to the lowest id. So batching, resuming and speculation change nothing, seed for seed.
struct SamplingOptions {
  double temperature = 0;  ///< ≥ 0; below 1e-4 greedy (FastChat's rule)
  int64_t top_k = 0;       ///< keep the k most likely; 0 = all
  double top_p = 1;        ///< (0, 1]: smallest set with that mass
  double min_p = 0;        ///< [0, 1): drop tokens below min_p · the largest probability
  double repetition_penalty =
      1;  ///< > 0; logits of seen tokens: divided when positive, else multiplied
  uint64_t seed = 0;
  int64_t max_tokens = 512;       ///< ≥ 1
  std::vector<std::string> stop;  ///< the text ends before the first of these; none may be empty
  OutputConstraint constraint{};  ///< not together with `stop`, which could cut it short

  [[nodiscard]] bool greedy() const { return temperature < 1e-4; }
};

/// kInvalidArgument that names the field and its range, or Ok.
Result<Ok> check_sampling(const SamplingOptions& options);
/// As a record and a cache key; "json_schema" or "regex" only where there is a constraint.
Json sampling_to_json(const SamplingOptions& options);

}  // namespace cupel
