#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "train/optimiser/optimiser.h"

namespace cupel::train {

/// Writes tensors as `folder`/`stem`.safetensors, bit by bit: f32, bf16, f64, bytes, int64. No file
/// where there are none.
/// Errors: those of SafetensorsWriter.
Result<Ok> write_tensors(const std::string& folder,
                         const std::string& stem,
                         std::span<const NamedTensor> tensors);

/// Reads the tensors of a file, or of the shards of an index, into new ones on the CPU.
/// Errors: those of SafetensorsFile::open; kUnsupported - another type.
Result<std::vector<NamedTensor>> read_tensors(const std::string& path);

/// Copies what the file has into tensors of the same names, which must all be there with their
/// shapes and types. Errors: kCorruptData naming file and tensor; then nothing has changed.
Result<Ok> read_into(const std::string& path, std::span<const NamedTensor> tensors);

}  // namespace cupel::train
