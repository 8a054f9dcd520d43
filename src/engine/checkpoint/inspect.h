#pragma once

#include <string>

#include "base/json.h"
#include "engine/checkpoint/checkpoint.h"

namespace cupel::engine {

struct InspectTextOptions {
  bool tensors = false;  ///< also one line per tensor
};

/// What is in a model file, as JSON:
/// `{"file", "format": "gguf" or "safetensors", "version", "size_bytes", "fingerprint",
/// "alignment", "architecture",
///   "name", "license", "file_type", "parameters", "layers", "width", "feed_forward", "heads",
///   "kv_heads", "context_length", "tokenizer": {"kind", "pre", "vocabulary_size"},
///   "chat_template": {"bytes"}, "types": [{"type", "tensors", "parameters", "bytes", "readable"}],
///   "tensors": [{"name", "type", "shape", "offset", "bytes"}], "metadata": {key: value}}`.
/// What the file does not say is null. Metadata arrays appear as `{"array_of", "count"}`, long
/// strings are cut; shapes have the contiguous dimension first.
Json inspect(const Checkpoint& file);

/// The same for people, from the JSON of `inspect`, to which "embeddings" may have been added:
/// `{"dimensions", "pooling": [name], "normalize", "max_tokens"}` of a sentence encoder.
std::string inspect_text(const Json& report, const InspectTextOptions& options = {});

}  // namespace cupel::engine
