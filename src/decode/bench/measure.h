#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode/bench/subject.h"
#include "decode/sampler.h"
#include "engine/runtime/sequence_state.h"

namespace cupel::decode::bench {

// One timing each. All of them draw greedily, as generation does; a draw from logits that are not
// finite is kCorruptData. Further errors: those of Transformer::step.

/// A sequence that has seen something, and the token that comes next.
struct Stream {
  engine::SequenceState state;
  TokenId next = 0;
};

/// Reads a prompt (not empty) into a new sequence, in steps of as many rows as a generator takes,
/// and draws the next token. `seconds` receives the time.
Result<Stream> read_prompt(Subject& subject, std::span<const TokenId> ids, double& seconds);

/// Seconds of that many steps, each of which advances all streams by one token.
Result<double> decode_seconds(Subject& subject, std::span<Stream> streams, int64_t steps);

/// Seconds of `repeats` steps of one sequence, one after the other, with `ids.size()` rows each; a
/// token is drawn after every row. `seen` is forked and stays as it is.
Result<double> rows_seconds(Subject& subject,
                            const engine::SequenceState& seen,
                            std::span<const TokenId> ids,
                            int64_t repeats);

/// Sequences that begin alike and go on differently.
struct SharedPrefix {
  int64_t sequences = 16;
  int64_t prefix = 300;  ///< tokens of the common beginning
  int64_t suffix = 8;    ///< tokens of each one's own prompt after it
  int64_t tokens = 64;   ///< that each writes
};
/// Seconds until a generator that knows nothing yet has finished all of them. Errors: also those of
/// Generator::submit.
Result<double> shared_prefix_seconds(Subject& subject, const SharedPrefix& job);

/// A model that was just loaded, and how long it took.
struct Opened {
  std::unique_ptr<Subject> subject;
  double load_seconds = 0;
  double first_token_seconds = 0;  ///< since the load began; after a prompt of kFirstPrompt tokens
};
inline constexpr int64_t kFirstPrompt = 5;
/// Errors: also those of Subject::open.
Result<Opened> open_timed(const LocalModelOptions& options);

}  // namespace cupel::decode::bench
