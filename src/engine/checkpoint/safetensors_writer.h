#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/io.h"
#include "base/result.h"
#include "engine/checkpoint/tensor_type.h"

namespace cupel::engine {

/// Name, type and shape of a tensor to be written; the outermost dimension first, as in PyTorch.
struct SafetensorsPlan {
  std::string name;
  TensorType type = TensorType::kF32;  ///< F32, F16 or BF16
  std::vector<uint64_t> shape;

  [[nodiscard]] uint64_t size_bytes() const;
};

/// Writes a safetensors checkpoint into a folder, tensor by tensor, in pieces: model.safetensors,
/// or, where it would be larger than a shard, model-00001-of-0000N.safetensors and
/// model.safetensors.index.json, as transformers names them. Each file appears when it is complete.
class SafetensorsWriter {
 public:
  static constexpr uint64_t kShardBytes = 5'000'000'000;  // of transformers

  /// `stem`: instead of "model" in the files' names. Errors: as AtomicFile.
  static Result<SafetensorsWriter> create(std::string folder,
                                          std::vector<SafetensorsPlan> plans,
                                          uint64_t shard_bytes = kShardBytes,
                                          std::string stem = "model");
  /// The next bytes of the current tensor; pieces must not cross from one tensor into the next.
  Result<Ok> write(std::span<const std::byte> piece);
  /// Puts the last file and the index in place; every tensor must have been written whole.
  Result<Ok> close();
  [[nodiscard]] uint64_t bytes_written() const { return bytes_written_; }

 private:
  SafetensorsWriter(std::string folder, std::vector<SafetensorsPlan> plans, std::string stem)
      : folder_(std::move(folder)), stem_(std::move(stem)), plans_(std::move(plans)) {}
  void split(uint64_t shard_bytes);
  [[nodiscard]] std::string shard_name(size_t shard) const;
  [[nodiscard]] std::string header(size_t shard) const;
  Result<Ok> open_shard();
  Result<Ok> write_index() const;

  std::string folder_;
  std::string stem_;
  std::vector<SafetensorsPlan> plans_;
  std::vector<size_t> shard_ends_;  // index past the last tensor of each shard
  size_t shard_ = 0;
  size_t tensor_ = 0;
  uint64_t tensor_written_ = 0;
  uint64_t bytes_written_ = 0;
  std::optional<AtomicFile> file_;
};

}  // namespace cupel::engine
