#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/checkpoint/model_source.h"
#include "engine/checkpoint/quantize.h"
#include "engine/checkpoint/safetensors_writer.h"

namespace cupel::engine {

/// What was written, of one kind or the other.
struct ConvertReport {
  std::vector<QuantizedTensor> tensors;  ///< under the names of the output
  std::vector<std::string> notes;        ///< what the output says otherwise than the input
  uint64_t source_bytes = 0;
  uint64_t output_bytes = 0;
};

struct FolderOptions {
  /// Of all tensors; absent: the matrices' own where that is F32, F16 or BF16 throughout, else F32,
  /// and vectors that it cannot hold stay F32.
  std::optional<TensorType> type;
  WriteObserver observer;
  uint64_t shard_bytes = SafetensorsWriter::kShardBytes;  ///< largest safetensors file
  /// What tokenizer and chat template are taken from, the same model in another place; none: the
  /// checkpoint itself. Those of a folder are copied as they are, with its configuration, in which
  /// only the type of the weights changes.
  const Checkpoint* texts_of = nullptr;
  std::string chat_template = {};  ///< Jinja, instead of the one that comes with them; empty: that
};

/// Writes a checkpoint as a folder that transformers opens: config.json, generation_config.json,
/// model.safetensors (in shards beyond 5 GB), tokenizer.json and tokenizer_config.json.
///
/// Everything that llama.cpp's conventions change is undone (folder_tensors). Quantised weights are
/// decoded. The folder appears when it is complete. Errors: as Checkpoint::open, folder_tensors,
/// folder_config and folder_tokenizer; kFailedPrecondition - there is something at `path` already;
/// kCancelled; kExhausted - disk full. On every error no folder appears.
Result<ConvertReport> write_folder(const Checkpoint& file,
                                   const std::string& path,
                                   const FolderOptions& options = {});

}  // namespace cupel::engine
