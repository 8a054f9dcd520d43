#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel {

/// How the next token is drawn. Processors run in one fixed order: repetition penalty, temperature,
/// top-k, top-p, min-p. A draw is a function of (seed, sequence, position) alone; ties go to the
/// lowest id. So batching, resuming and speculation change nothing, seed for seed.
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

  [[nodiscard]] bool greedy() const { return temperature < 1e-4; }
};

/// kInvalidArgument that names the field and its range, or Ok.
Result<Ok> check_sampling(const SamplingOptions& options);
Json sampling_to_json(const SamplingOptions& options);

}  // namespace cupel
