#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
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
  size_t threads = 0;  ///< of the engine and of the bandwidth; 0 = all usable CPUs
  int64_t rounds = 5;  ///< ≥ 1
  /// A figure that has taken this long has only kFewRounds rounds, if `rounds` are more.
  double enough_seconds = std::numeric_limits<double>::infinity();
  std::vector<int64_t> prefill;  ///< tokens of a prompt: 128, 512, 2048
  std::vector<int64_t> batch;    ///< sequences decoded together: 1, 4, 16
  std::vector<int64_t> context;  ///< positions: 128, 256, … 8192
  int64_t decode_tokens = 64;    ///< that each sequence writes (decode, streams)
  /// Called with what comes next, e.g. "round 2 of 5"; may be empty.
  std::function<void(std::string_view)> on_progress;

  [[nodiscard]] bool has(Part part) const;
};

inline constexpr int64_t kFewRounds = 3;

/// The sizes of a benchmark of one model: those asked for, or the usual ones that its context
/// holds.
struct Sizes {
  std::vector<int64_t> prefill;
  std::vector<int64_t> batch;
  std::vector<int64_t> context;
  int64_t decode_prompt = 0;  ///< tokens that a sequence has read before it is decoded
};
/// Looks at the parts asked for only. Errors: kInvalidArgument - a size that a context of that many
/// positions does not hold; names `path`.
Result<Sizes> sizes_for(const Options& options, int64_t context_length, const std::string& path);

/// Whether a model file can be measured with these options, from its header alone: what a benchmark
/// of many models checks before it begins. Errors: those of Checkpoint::open, describe_model and
/// sizes_for.
Result<Ok> check_bench(const LocalModelOptions& model, const Options& options);

/// Measures a model, or without `model` the memory alone.
///
/// Each figure is measured once a round, after a shorter round for warming up; the figures of a
/// round follow each other, so that a slow moment of the machine meets all of them. Loading comes
/// first, with rounds of its own.
///
/// Errors: those of sizes_for, Subject::open and the timings (measure.h); kExhausted - no memory.
Result<Run> run_bench(const std::optional<LocalModelOptions>& model, const Options& options);

}  // namespace cupel::decode::bench
