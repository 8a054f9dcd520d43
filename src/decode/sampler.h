#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "core/sampling.h"
#include "core/tokenizer.h"
#include "decode/logits_processor.h"
#include "engine/kernels/operators.h"

namespace cupel::decode {

/// A drawn token. Log-probabilities in nats.
struct Draw {
  TokenId id = 0;
  float logprob = 0;             ///< raw: log-softmax of the model's own logits
  double processed_logprob = 0;  ///< under the distribution that was drawn from; greedy: 0
  double surviving_mass = 1;     ///< raw probability of all tokens that could be drawn

  /// False when the logits are no distribution: one of them is NaN or infinite, as damaged weights
  /// make them; or when the constraint could not say what it allows. Nothing was drawn then.
  [[nodiscard]] bool valid() const { return !std::isnan(logprob); }
};

/// log-softmax of one token: the one formula behind sampling, scoring and labels, so that they
/// agree bit for bit.
inline float token_logprob(std::span<const float> logits, TokenId id, double normaliser) {
  return static_cast<float>(static_cast<double>(logits[static_cast<size_t>(id)]) - normaliser);
}
/// log Σ exp of all logits.
double log_normaliser(const engine::Operators& operators, std::span<const float> logits);
float token_logprob(const engine::Operators& operators, std::span<const float> logits, TokenId id);

/// Which draw of which sequence this is: the random number is a function of these three alone.
struct DrawKey {
  uint64_t seed = 0;
  uint64_t stream = 0;    ///< sample index
  uint64_t position = 0;  ///< tokens generated before this one
};

/// Draws tokens; keeps its buffers. One per sequence.
class Sampler {
 public:
  Draw draw(const engine::Operators& operators,
            std::span<const float> logits,
            ProcessorContext context,
            const DrawKey& key);

 private:
  Candidates candidates_;
};

}  // namespace cupel::decode
