#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/quantize.h"
#include "engine/model/description.h"

namespace cupel::engine {

/// A tensor as transformers has it: rows of one of a checkpoint.
struct FolderTensor {
  std::string name;  ///< in transformers
  TensorType type = TensorType::kF32;
  std::vector<uint64_t> shape;  ///< one or two dimensions, the outermost first
  const CheckpointTensor* source = nullptr;
  uint64_t first_row = 0;  ///< of the source
  uint64_t head_rows = 0;  ///< rows (or numbers of a vector) of a head that stand in pairs; 0: none
  bool minus_one = false;  ///< the source holds w + 1

  [[nodiscard]] bool is_vector() const { return shape.size() == 1; }
  [[nodiscard]] uint64_t rows() const { return is_vector() ? 1 : shape.front(); }
  [[nodiscard]] uint64_t columns() const { return shape.back(); }
  [[nodiscard]] uint64_t elements() const { return rows() * columns(); }
};

/// The tensors of a checkpoint as transformers has them, in the order of the checkpoint. What the
/// conventions of llama.cpp change is undone: rows of Q and K stand in halves, norms of Gemma have
/// no + 1, stacks are taken apart. A checkpoint of a folder comes out as it is.
///
/// `type` is that of all tensors; without it they get the matrices' own where that is F32, F16 or
/// BF16 throughout, else F32, and vectors that it cannot hold stay F32.
/// Errors: those of describe_model; kUnsupported - a tensor that transformers has no name for;
/// kCorruptData - a shape that does not fit. `file` must outlive the result.
Result<std::vector<FolderTensor>> folder_tensors(const Checkpoint& file,
                                                 const ModelFamily& family,
                                                 std::optional<TensorType> type);

/// Decodes and encodes the rows of one tensor, which must outlive it.
class RowConverter {
 public:
  explicit RowConverter(const FolderTensor& tensor);

  /// Row `index` (< rows()) in f32; `out` has a place for each of its columns. Errors: those of
  /// dequantize_row.
  Result<Ok> decode(uint64_t index, std::span<float> out);
  /// The bytes of row `index` in the tensor's type, valid until the next call.
  /// Errors: those of dequantize_row and quantize_row.
  Result<std::span<const std::byte>> row(uint64_t index);
  /// What the type changed of the rows so far.
  [[nodiscard]] QuantizedTensor report() const;

 private:
  [[nodiscard]] std::span<const std::byte> source_row(uint64_t index) const;
  void add_errors();

  const FolderTensor& tensor_;
  std::vector<float> values_;
  std::vector<float> result_;
  std::vector<std::byte> bytes_;
  double squared_error_ = 0;
  double squared_weight_ = 0;
  double max_error_ = 0;
};

}  // namespace cupel::engine
