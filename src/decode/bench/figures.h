#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/machine.h"

namespace cupel::decode::bench {

/// What a benchmark can measure, in the order of the table.
enum class Part {
  kBandwidth,   ///< the memory's read bandwidth with the engine's number of threads
  kLoad,        ///< a model file until it is ready, repacking included
  kFirstToken,  ///< from the begin of loading to the first token after a prompt of 5
  kMemory,      ///< most memory resident while loading, reading a prompt and writing an answer
  kPrefill,     ///< a prompt of that many tokens
  kDecode,      ///< that many sequences, a token of each per step
  kContext,     ///< one sequence, by the length of what it has seen
  kStreams,     ///< sequences that share a prefix, from the prompt to the last token
  kCost,        ///< a step with that many rows of one sequence, against a step with one
};
/// "bandwidth", "load", …: as `--only` names them and as JSON does.
std::string_view part_name(Part part);
/// All parts, in order.
const std::vector<Part>& all_parts();

/// One row of the table: the values of its rounds and what they are to be held against.
struct Figure {
  Part part{};
  /// What `size` counts: "tokens", "sequences", "positions", "rows"; empty where there is one size.
  std::string_view size_of;
  int64_t size = 0;
  /// Further settings, e.g. {"prefix", 300}.
  std::vector<std::pair<std::string_view, int64_t>> settings;
  std::string_view unit;       ///< "GB/s", "tokens/s", "s", "ms" or "bytes"
  std::vector<double> values;  ///< one a round, in order

  /// What the memory allows: tokens/s at which the bytes of a step are read at full bandwidth.
  std::optional<double> limit;
  std::optional<double> bytes_per_step;  ///< weights and cache, the mean over the steps
  /// Multiply-adds of the linear layers and of attention, 10^9 a second (prefill).
  std::optional<double> giga_multiply_adds_per_second;
  /// Cost: to the first size of the part. Memory: to the weights and the cache.
  std::optional<double> relative;
};

/// Median and range of the rounds of a figure.
struct Summary {
  double median = 0;
  double min = 0;
  double max = 0;
};
/// Of at least one value. The median of an even number of values is the mean of the middle two.
Summary summarise(std::vector<double> values);
/// Median over limit, where there is a limit.
std::optional<double> share_of_limit(const Figure& figure);

/// How many tensors of a model file are stored in a format.
struct TypeCount {
  std::string_view type;
  int64_t tensors = 0;
  int64_t bytes = 0;
};

/// A model as far as its speed depends on it.
struct ModelFacts {
  std::string name;  ///< as the spec names it
  std::string file;
  std::string architecture;
  std::vector<TypeCount> types;  ///< most bytes first
  int64_t parameters = 0;
  int64_t file_bytes = 0;
  int64_t weight_bytes = 0;       ///< of the packed matrices
  int64_t step_weight_bytes = 0;  ///< of them, what a step reads
  int64_t cache_bytes_per_position = 0;
  int64_t context_length = 0;
  int64_t memory_cache_bytes = 0;  ///< the cache's pages at the peak of Part::kMemory
};

/// All figures of one model with one number of threads; without a model the bandwidth alone.
struct Run {
  std::optional<ModelFacts> model;
  int64_t threads = 0;
  std::optional<double> bandwidth_gb_s;  ///< median; what the limits were computed with
  std::string_view cpu_level;            ///< of the kernels; empty without a model
  std::string_view activations;          ///< "int8" or "f32"; empty without a model
  std::vector<Figure> figures;
  double others_share = 0;  ///< of the CPUs, taken by other programs meanwhile
};

/// From this share on, times prove little.
inline constexpr double kBusyShare = 0.15;

/// A whole benchmark.
struct Report {
  Machine machine;
  int64_t rounds = 0;
  std::vector<Run> runs;

  [[nodiscard]] bool busy() const;
};

/// The run's figures of one part, in order.
std::vector<const Figure*> figures_of(const Run& run, Part part);

}  // namespace cupel::decode::bench
