#pragma once

#include <string>

#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/gguf_writer.h"
#include "engine/checkpoint/model_source.h"

namespace cupel::engine {

/// An assembled checkpoint (hf::open_folder) as a GGUF file would hold it, in the conventions of
/// llama.cpp: rows of Q and K in the order of pairs where its architecture asks for it, norms with
/// their + 1, experts and heads stacked in one tensor, vectors in f32. Matrices keep their type and
/// are not copied. `tokenizer` holds the keys tokenizer.*, which are copied.
///
/// Errors: those of describe_model; kCorruptData - parts of a stack differ in shape or type.
/// Cost: the vectors' bytes. `checkpoint` must outlive the result.
Result<ModelSource> gguf_source(const Checkpoint& checkpoint, const GgufHeader& tokenizer);

/// Writes gguf_source as it is. Errors: those of gguf_source and write_model.
Result<Ok> write_gguf(const Checkpoint& checkpoint,
                      const GgufHeader& tokenizer,
                      const std::string& path);

/// Whether a GGUF file of that architecture holds the rows of Q and K in the order of pairs.
bool holds_pairs(std::string_view architecture);

}  // namespace cupel::engine
