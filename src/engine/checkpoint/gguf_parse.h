#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/checkpoint/checkpoint.h"

namespace cupel::engine {

/// Reads header, metadata and tensor table of a GGUF file; used by Checkpoint alone.
///
/// Nothing is allocated by a count that the file merely claims: every count is first held against
/// the bytes that are left, and each read is checked against the end.
class GgufParser {
 public:
  GgufParser(std::span<const std::byte> bytes, std::string path);
  /// Errors: as Checkpoint::open.
  Result<Checkpoint> parse();

 private:
  Result<Ok> read_header();
  Result<Ok> read_metadata();
  Result<GgufValue> read_value(GgufType type, int depth);
  Result<GgufValue> read_array(int depth);
  Result<Ok> check_elements(const GgufValue& array, int depth);
  Result<Ok> read_alignment();
  Result<Ok> read_tensors();
  Result<CheckpointTensor> read_tensor();
  Result<Ok> read_dims(CheckpointTensor& tensor);
  Result<TensorType> read_tensor_type(std::string_view name);
  Result<Ok> locate_data();
  Result<Ok> reject_overlaps() const;

  Result<Ok> need(uint64_t count, std::string_view what) const;
  Result<std::string_view> read_string(std::string_view what, uint64_t max_bytes);
  Result<GgufType> read_type();
  template <typename T>
  Result<T> read(std::string_view what);
  [[nodiscard]] uint64_t left() const { return bytes_.size() - position_; }

  std::span<const std::byte> bytes_;
  std::string path_;
  uint64_t position_ = 0;
  uint64_t tensor_count_ = 0;
  uint64_t entry_count_ = 0;
  Checkpoint file_;
};

}  // namespace cupel::engine
