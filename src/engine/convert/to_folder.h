#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/checkpoint/model_source.h"
#include "engine/checkpoint/quantize.h"

namespace cupel::engine {

/// What was written, of one kind or the other.
struct ConvertReport {
  std::vector<QuantizedTensor> tensors;  ///< under the names of the output
  std::vector<std::string> notes;        ///< what the output says otherwise than the input
  uint64_t source_bytes = 0;
  uint64_t output_bytes = 0;
};

/// Writes a GGUF file as a folder that transformers opens: config.json, generation_config.json,
/// model.safetensors (in shards beyond 5 GB), tokenizer.json and tokenizer_config.json.
///
/// Everything that llama.cpp's conventions change is undone: rows of Q and K stand in halves again,
/// norms of Gemma lose their + 1, stacks of experts are taken apart. `type` is that of all tensors;
/// without it they get the matrices' own where that is F32, F16 or BF16 throughout, else F32, and
/// vectors that it cannot hold stay F32. Quantised weights are decoded.
/// The folder appears when it is complete. Errors: as Checkpoint::open, folder_config and
/// folder_tokenizer; kFailedPrecondition - there is something at `path` already; kCancelled;
/// kExhausted - disk full. On every error no folder appears.
Result<ConvertReport> write_folder(const Checkpoint& file,
                                   const std::string& path,
                                   std::optional<TensorType> type = {},
                                   const WriteObserver& observer = {},
                                   uint64_t shard_bytes = 0);

}  // namespace cupel::engine
