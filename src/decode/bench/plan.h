#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "decode/bench/measure.h"
#include "decode/bench/run.h"

namespace cupel::decode::bench {

/// A figure and the way to one more value of it. The round for warming up may be a shorter one.
struct Measurement {
  Figure figure;
  std::function<Result<double>(bool warm_up)> measure;
  /// Bytes of the cache that a step reads, over all its sequences, the mean over the steps; with it
  /// the figure gets a limit.
  std::optional<double> cache_bytes;
  int64_t tokens_of_step = 1;
  double seconds = 0;  ///< that all its rounds have taken, the one for warming up not counted
};

/// What the rounds measure of a model that is ready: prefill to cost. Reads the prompts that
/// decoding starts from, once: later rounds fork them. The subject must outlive the result.
/// Errors: those of sizes_for and read_prompt.
Result<std::vector<Measurement>> plan_rounds(Subject& subject, const Options& options);

}  // namespace cupel::decode::bench
