#pragma once

#include <string>

#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"

namespace cupel::engine::hf {

/// A folder with config.json and safetensors as a checkpoint in the terms of GGUF: the metadata
/// that a converter would write (without the tokenizer), the tensors under GGUF's names, mapped and
/// not copied. Rows of Q and K are not permuted and norms of Gemma not raised by one:
/// `<arch>.rope.interleaved` and `<arch>.norm_plus_one` say so.
///
/// Errors: kNotFound; kCorruptData - broken files, or tensors that are missing; kUnsupported - a
/// model_type, a setting or a tensor that is not understood, by its name.
Result<Checkpoint> open_folder(const std::string& folder);

}  // namespace cupel::engine::hf
