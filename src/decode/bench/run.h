#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "decode/bench/figures.h"
#include "decode/local_model.h"

namespace cupel::decode::bench {

/// What to measure. An empty list stands for the sizes of the comment as far as the model's context
/// reaches; a list that is given must fit.
struct Options {
  std::vector<Part> parts = all_parts();
  size_t threads = 0;            ///< of the engine and of the bandwidth; 0 = all usable CPUs
  int64_t rounds = 5;            ///< ≥ 1
  std::vector<int64_t> prefill;  ///< tokens of a prompt: 128, 512, 2048
  std::vector<int64_t> batch;    ///< sequences decoded together: 1, 4, 16
  std::vector<int64_t> context;  ///< positions: 128, 256, … 8192
  int64_t decode_tokens = 64;    ///< that each sequence writes (decode, streams)
  /// Called with what comes next, e.g. "round 2 of 5"; may be empty.
  std::function<void(std::string_view)> on_progress;

  [[nodiscard]] bool has(Part part) const;
};

/// Measures a model, or without `model` the memory alone.
///
/// Each figure is measured once a round, after a shorter round for warming up; the figures of a
/// round follow each other, so that a slow moment of the machine meets all of them. Loading comes
/// first, with rounds of its own.
///
/// Errors: kInvalidArgument - a size that the model's context does not hold; those of Subject::open
/// and of the timings (measure.h); kExhausted - no memory.
Result<Run> run_bench(const std::optional<LocalModelOptions>& model, const Options& options);

}  // namespace cupel::decode::bench
