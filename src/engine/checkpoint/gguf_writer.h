#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/io.h"
#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"

namespace cupel::engine {

/// Name, type and shape of a tensor to be written; dims[0] is contiguous, 1 to 4 dimensions.
struct GgufTensorPlan {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<uint64_t> dims;

  [[nodiscard]] uint64_t size_bytes() const;
};

/// Everything of a GGUF file before its data: metadata and tensor table, version 3.
///
/// Keys and tensors keep the order in which they were added; setting a key again replaces its
/// value. `general.alignment` follows from the constructor and is written only when it is not 32.
class GgufHeader {
 public:
  /// `alignment` is a positive multiple of 8.
  explicit GgufHeader(uint32_t alignment = 32);

  // T: bool, float, double, or an integer of 8 to 64 bits; stored in exactly that type.
  template <typename T>
  void set(std::string_view key, T value);
  template <typename T>
  void set_array(std::string_view key, std::span<const T> values);
  void set_string(std::string_view key, std::string_view value);
  void set_string_array(std::string_view key, std::span<const std::string_view> values);
  /// A value of another file, in its own type.
  void set_value(std::string_view key, const GgufValue& value);
  /// Every value of another header, without its tensors.
  void set_all(const GgufHeader& other);
  void add_tensor(GgufTensorPlan tensor);

  [[nodiscard]] std::span<const GgufTensorPlan> tensors() const { return tensors_; }
  [[nodiscard]] uint32_t alignment() const { return alignment_; }
  /// Bytes from one tensor's start to the next one's.
  [[nodiscard]] uint64_t padded(uint64_t size) const;
  /// The header, padded to the start of the data section.
  [[nodiscard]] std::string encode() const;

 private:
  struct Entry {
    std::string key;
    std::string encoded;  // type and value
  };
  void put(std::string_view key, std::string encoded);

  uint32_t alignment_;
  std::vector<Entry> entries_;
  std::vector<GgufTensorPlan> tensors_;
};

/// Writes a GGUF file tensor by tensor, in pieces; it appears under its name only when complete.
class GgufWriter {
 public:
  /// Errors: kNotFound, kUnavailable, kExhausted - the file cannot be created or written.
  static Result<GgufWriter> create(const std::string& path, GgufHeader header);

  /// The next bytes of the current tensor; its padding follows by itself. Pieces must not cross
  /// from one tensor into the next. Errors: kExhausted when the disk is full, else kUnavailable.
  Result<Ok> write(std::span<const std::byte> piece);
  /// Puts the file in its place; every tensor must have been written whole.
  Result<Ok> close();
  [[nodiscard]] uint64_t bytes_written() const { return bytes_written_; }

 private:
  GgufWriter(AtomicFile file, GgufHeader header)
      : file_(std::move(file)), header_(std::move(header)) {}

  AtomicFile file_;
  GgufHeader header_;
  size_t tensor_ = 0;            // the one that `write` continues
  uint64_t tensor_written_ = 0;  // its bytes so far
  uint64_t bytes_written_ = 0;
};

}  // namespace cupel::engine
