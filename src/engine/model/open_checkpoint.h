#pragma once

#include <string>

#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"

namespace cupel::engine {

/// Opens a model of any format: a GGUF file, or a folder with config.json and safetensors
/// (hf::open_folder). Errors: those of the format; kInvalidArgument - a path that is neither, with
/// what to give instead.
Result<Checkpoint> open_checkpoint(const std::string& path);

}  // namespace cupel::engine
