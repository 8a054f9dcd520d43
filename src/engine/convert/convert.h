#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/checkpoint/model_source.h"
#include "engine/convert/to_folder.h"

namespace cupel::engine {

/// A model of any format, opened to be written as GGUF.
struct OpenSource {
  std::unique_ptr<const Checkpoint> file;
  std::unique_ptr<const ModelSource> model;
  std::vector<std::string> notes;  ///< of the tokenizer
};

/// A GGUF file as it is; a folder of config.json and safetensors with its tokenizer.
/// Errors: those of open_checkpoint, gguf_source and gguf_tokenizer.
Result<OpenSource> open_source(const std::string& path);

struct ConvertOptions {
  std::optional<TensorType> type;  ///< F32, F16 or BF16; absent: as it is
  size_t threads = 0;              ///< workers where types change; 0 takes every CPU
  WriteObserver observer;
};

/// A folder becomes a GGUF file, a GGUF file a folder (write_folder), or, where `output` ends in
/// ".gguf", a file of another type.
///
/// Errors: those of open_source, quantize_model, write_model and write_folder; kInvalidArgument - a
/// folder to a name that does not end in ".gguf", or a file to a file without a type. On every
/// error nothing appears. Cost: one pass; a few MiB beyond the mapped source.
Result<ConvertReport> convert_model(const std::string& input,
                                    const std::string& output,
                                    const ConvertOptions& options);

Json to_json(const ConvertReport& report);

}  // namespace cupel::engine
