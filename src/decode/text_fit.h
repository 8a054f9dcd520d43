#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "decode/reading_model.h"

namespace cupel::decode {

struct TextFitOptions {
  int64_t window = 512;  ///< tokens that are read together; each window starts anew
  std::stop_token stop;
};

/// How well a model predicts a text, and how far it is from another one of the same vocabulary.
struct TextFit {
  int64_t tokens = 0;     ///< predicted; the first of a window without BOS is not
  int64_t sequences = 0;  ///< that were read whole, one by one; 0 for a text
  double mean_nll = 0;    ///< nats a token; perplexity is its exponential
  /// Against the reference, at the same places; P is the reference's distribution.
  struct Against {
    double mean_nll = 0;     ///< of the reference
    double mean_kl = 0;      ///< KL(P || Q), nats a token
    double sequence_kl = 0;  ///< the sum over a sequence's tokens, mean over sequences
    double p99_kl = 0;       ///< 99th percentile
    double max_kl = 0;
    double same_top = 0;  ///< share of places where both have the same most likely token
  };
  std::optional<Against> against;
};

/// Reads `text` in windows of `options.window` tokens.
///
/// Logarithms of softmax and sums in double. Errors: kInvalidArgument - the text has no token to
/// predict, the window is longer than the context, or the two models have different vocabularies
/// or read the text as different tokens; kCorruptData - logits are not finite; kCancelled. Memory:
/// 32 rows of logits.
Result<TextFit> measure_fit(ReadingModel& model,
                            ReadingModel* reference,
                            std::string_view text,
                            const TextFitOptions& options);

/// A sequence that is read from its beginning.
struct ReadSequence {
  std::vector<TokenId> ids;
  /// Per id, whether its prediction counts; that of the first never does.
  std::vector<bool> counted;
};

/// Reads whole sequences, such as answers after their prompts, of which only some tokens count.
///
/// With sequences that the reference wrote itself, sequence_kl estimates KL(reference || model) of
/// whole answers, with the sums over the vocabulary exact at each place (no sampling of tokens on
/// top). Errors and memory as above; kInvalidArgument - no token counts, or a sequence is longer
/// than a context.
Result<TextFit> measure_fit(ReadingModel& model,
                            ReadingModel* reference,
                            std::span<const ReadSequence> sequences,
                            const TextFitOptions& options);

Json to_json(const TextFit& fit);

}  // namespace cupel::decode
