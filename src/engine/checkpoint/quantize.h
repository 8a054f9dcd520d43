#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/model_source.h"
#include "engine/checkpoint/quantize_plan.h"

namespace cupel::engine {

struct QuantizeOptions {
  size_t threads =
      0;  ///< workers; 0 takes every CPU of the process; the output does not depend on it
  /// An importance matrix (importance.h) that weighs the errors of each row; empty: all alike.
  std::string importance_path;
  std::stop_token stop;  ///< polled a few times per second; a stop leaves no file
  /// Called on the calling thread with bytes of the source done and in all.
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> progress;
};

/// What became of one tensor. Errors are of the new weights against the source's decoded ones.
struct QuantizedTensor {
  std::string name;
  TensorType from = TensorType::kF32;
  TensorType to = TensorType::kF32;
  uint64_t elements = 0;
  double rmse = 0;       ///< root mean square error, in units of the weights
  double max_error = 0;  ///< largest absolute error
  double rms = 0;    ///< root mean square of the source weights: rmse / rms is the relative error
  std::string note;  ///< why the tensor is not of the type asked for; empty when it is
};

struct QuantizeReport {
  std::vector<QuantizedTensor> tensors;  ///< in file order
  uint64_t source_bytes = 0;
  uint64_t output_bytes = 0;

  /// Root mean square error over that of the weights, of all converted tensors together.
  [[nodiscard]] double relative_error() const;
};
Json to_json(const QuantizeReport& report);

/// Writes a model as GGUF with its weight matrices (the token embedding too) in another type, as
/// plan_tensors says; metadata are copied, `general.file_type` follows the target.
///
/// Scales are searched for (quantize_row_searched), weighed by the importance of each input where a
/// file of it is given; a matrix that it does not know is noted and weighed alike. A matrix that
/// already has the type is copied. Sources may be quantised themselves: they go through f32, and
/// errors add up.
/// Errors: as check_source and Importance::open; kUnsupported - a source type without decoder
/// or a target without encoder; kInvalidArgument - output is the source itself, or the importance
/// is of another model (names the tensor); kCorruptData - a weight is not finite (names tensor and
/// row); kCancelled; kExhausted - disk full. On every error no output appears. Cost: one pass;
/// memory a few MiB beyond the mapped source; deterministic for any number of threads. Checked
/// against: tests/engine/quantize_file_test.cpp, codec_search_test.cpp; the output loads in
/// llama.cpp (bench/oracles/check_quantized.py).
Result<QuantizeReport> quantize_model(const ModelSource& source,
                                      const std::string& output_path,
                                      const QuantizeTarget& target,
                                      const QuantizeOptions& options = {});
/// The same of a GGUF file. Errors: also those of Checkpoint::open.
Result<QuantizeReport> quantize_file(const std::string& source_path,
                                     const std::string& output_path,
                                     const QuantizeTarget& target,
                                     const QuantizeOptions& options = {});

}  // namespace cupel::engine
