#pragma once

#include <string>

#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/gguf_writer.h"

namespace cupel::engine {

/// Writes an assembled checkpoint (hf::open_folder) as a GGUF file in the conventions of llama.cpp:
/// rows of Q and K in the order of pairs where its architecture asks for it, norms with their + 1,
/// experts and heads stacked in one tensor, vectors in f32. Matrices keep their type. `tokenizer`
/// holds the keys tokenizer.*, which are copied.
///
/// Errors: as GgufWriter; kUnsupported - a matrix type that GGUF does not have. On every error no
/// file appears. Cost: one pass; memory of the largest stacked tensor.
Result<Ok> write_gguf(const Checkpoint& checkpoint,
                      const GgufHeader& tokenizer,
                      const std::string& path);

}  // namespace cupel::engine
