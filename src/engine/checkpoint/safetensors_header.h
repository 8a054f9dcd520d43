#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/checkpoint/tensor_type.h"

namespace cupel::engine {

/// One entry of a header, checked.
struct SafetensorsEntry {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<uint64_t> shape;
  uint64_t offset = 0;  ///< from the start of the file
  uint64_t size = 0;    ///< in bytes
};
struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< ascending offsets
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// Reads and checks the header of one file; used by SafetensorsFile alone. `path` is for messages.
/// Errors: as SafetensorsFile::open.
Result<SafetensorsHeader> parse_safetensors_header(std::span<const std::byte> file,
                                                   const std::string& path);

}  // namespace cupel::engine
