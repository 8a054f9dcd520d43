#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/gguf_writer.h"

namespace cupel::engine {

/// A tensor to be written as GGUF has it, and where its rows lie now. Move-only.
///
/// Shapes: as CheckpointTensor; `parts` hold the rows one after another, all of one size. Where
/// `head_rows` is not 0, the rows of each head of that many are taken in the order 0, H/2, 1,
/// H/2 + 1, …: the pairs that llama.cpp rotates.
struct SourceTensor {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<uint64_t> dims;
  std::vector<std::span<const std::byte>> parts;
  uint64_t head_rows = 0;
  std::unique_ptr<const std::vector<float>> values;  ///< what the part views of a computed vector

  [[nodiscard]] uint64_t columns() const { return dims[0]; }
  [[nodiscard]] uint64_t rows() const;
  [[nodiscard]] uint64_t elements() const { return columns() * rows(); }
  [[nodiscard]] uint64_t row_bytes() const { return engine::row_bytes(type, columns()); }
  [[nodiscard]] uint64_t size_bytes() const { return rows() * row_bytes(); }
  /// Bytes of row `index` (< rows()).
  [[nodiscard]] std::span<const std::byte> row(uint64_t index) const;
  [[nodiscard]] GgufTensorPlan plan() const { return {.name = name, .type = type, .dims = dims}; }
};

/// A model in the terms of GGUF before it is one: what is written and quantised. Tensors are views;
/// nothing is computed but vectors. The checkpoint must outlive it.
class ModelSource {
 public:
  /// A GGUF file as it is.
  explicit ModelSource(const Checkpoint& file);
  ModelSource(const Checkpoint& file, GgufHeader metadata, std::vector<SourceTensor> tensors);

  /// Where path and numbers of the metadata are read.
  [[nodiscard]] const Checkpoint& file() const { return *file_; }
  /// What the file that is written begins with, without tensors.
  [[nodiscard]] const GgufHeader& metadata() const { return metadata_; }
  [[nodiscard]] std::span<const SourceTensor> tensors() const { return tensors_; }
  [[nodiscard]] uint64_t size_bytes() const;
  /// The tensor's pages are not needed any more.
  void release(const SourceTensor& tensor) const;

 private:
  const Checkpoint* file_;
  GgufHeader metadata_;
  std::vector<SourceTensor> tensors_;
};

/// What a long write reports, and what stops it.
struct WriteObserver {
  std::stop_token stop;  ///< polled for each tensor; a stop leaves no file
  /// Called on the calling thread with bytes of the source done and in all.
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> progress;
};

/// Refuses what cannot be written: the source as output, no tensors, a part of a split model.
/// Errors: kInvalidArgument, kUnsupported.
Result<Ok> check_source(const ModelSource& source, const std::string& output_path);

/// The rows of a tensor, in order, as they are.
Result<Ok> write_rows(const SourceTensor& tensor, GgufWriter& writer);

/// Writes the model with every tensor as it is; the number of bytes. Errors: as check_source and
/// GgufWriter; kUnsupported - a type that GGUF does not have; kCancelled. On every error no file
/// appears. Cost: one pass; a few MiB beyond the mapped source.
Result<uint64_t> write_model(const ModelSource& source,
                             const std::string& path,
                             const WriteObserver& observer = {});

}  // namespace cupel::engine
