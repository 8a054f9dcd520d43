#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/io.h"
#include "base/result.h"
#include "engine/checkpoint/tensor_type.h"

namespace cupel::engine {

/// Type of a metadata value; values are GGUF's ids.
enum class GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};
/// "u8" … "f64", "bool", "string", "array".
std::string_view gguf_type_name(GgufType type);
/// Bytes of a value of fixed size; 0 for strings and arrays.
size_t gguf_type_bytes(GgufType type);

/// One metadata value: a view into the file, decoded when asked for. Trivially copyable.
struct GgufValue {
  GgufType type = GgufType::kU8;
  GgufType element_type = GgufType::kU8;  ///< of an array
  uint64_t count = 1;                     ///< elements of an array, else 1
  std::span<const std::byte> bytes;       ///< a string without its length; an array's elements raw

  // Conversions; nothing when the type does not fit. Integers of every width and sign convert into
  // each other as long as the value fits; integers convert to double, never back.
  [[nodiscard]] std::optional<uint64_t> to_u64() const;
  [[nodiscard]] std::optional<int64_t> to_i64() const;
  [[nodiscard]] std::optional<double> to_f64() const;
  [[nodiscard]] std::optional<bool> to_bool() const;
  [[nodiscard]] std::optional<std::string_view> to_string() const;
  /// "u32", "array of string", …
  [[nodiscard]] std::string type_name() const;
};

/// A metadata pair in file order.
struct GgufEntry {
  std::string_view key;
  GgufValue value;
};

/// One tensor: a view into the file.
///
/// Shapes: dims[0] is the contiguous dimension (inputs of a weight); `rows()` rows of `columns()`
/// numbers lie one after another, each `row_bytes()` bytes. A weight [576, 1536] has 1536 output
/// rows.
struct CheckpointTensor {
  std::string_view name;
  TensorType type = TensorType::kF32;
  uint32_t num_dims = 1;                     ///< 1 … 4
  std::array<uint64_t, 4> dims{1, 1, 1, 1};  ///< unused ones are 1; none is 0
  uint64_t offset = 0;                       ///< of the data from the start of the file
  std::span<const std::byte> data;           ///< exactly rows() · row_bytes() bytes

  [[nodiscard]] uint64_t columns() const { return dims[0]; }
  [[nodiscard]] uint64_t rows() const { return dims[1] * dims[2] * dims[3]; }
  [[nodiscard]] uint64_t elements() const { return columns() * rows(); }
  [[nodiscard]] uint64_t row_bytes() const { return engine::row_bytes(type, columns()); }
  /// Bytes of row `index` (< rows()).
  [[nodiscard]] std::span<const std::byte> row(uint64_t index) const {
    return data.subspan(index * row_bytes(), row_bytes());
  }
  /// "[576, 1536]".
  [[nodiscard]] std::string shape() const;
};

/// Where the tensors of a checkpoint lie that is presented as a GGUF file without being one.
class TensorStorage {
 public:
  virtual ~TensorStorage() = default;
  [[nodiscard]] virtual const std::string& fingerprint() const = 0;
  [[nodiscard]] virtual uint64_t size_bytes() const = 0;
  virtual void expect(std::span<const std::byte> part) const = 0;
  virtual void release(std::span<const std::byte> part) const = 0;
  virtual void release_all() const = 0;
};

/// A tensor of another format under the name that GGUF has for it.
struct ForeignTensor {
  std::string name;
  TensorType type = TensorType::kF32;
  std::array<uint64_t, 4> dims{1, 1, 1, 1};  ///< dims[0] is contiguous
  uint32_t num_dims = 1;
  uint64_t offset = 0;
  std::span<const std::byte> data;
};

/// The weights of a model and what is said of them, in GGUF's terms: a GGUF file (versions 2 and 3,
/// little-endian), mapped into memory and checked whole, or a checkpoint of another format
/// presented as one. After `open`, every view lies inside the file, names and keys are unique,
/// tensors do not overlap.
///
/// Values are only decoded when asked for. Movable; views stay valid as long as the object (or the
/// one it was moved to) lives. Immutable and thread-safe after `open`.
class Checkpoint {
 public:
  /// Errors: kNotFound; kCorruptData - broken in itself (names the byte, what was expected and the
  /// mend); kUnsupported - version 1 or newer than 3, big-endian, or a tensor type of unknown
  /// shape.
  static Result<Checkpoint> open(const std::string& path);
  /// The same over bytes in memory, which are not copied and must outlive the object; `path` is for
  /// messages.
  static Result<Checkpoint> from_bytes(std::span<const std::byte> bytes, std::string path);

  /// A checkpoint of another format in the terms of this one: `header` is an encoded GgufHeader
  /// without tensors, the tensors lie in `storage`. Errors: as open.
  static Result<Checkpoint> assemble(std::string path,
                                     std::string header,
                                     std::vector<ForeignTensor> tensors,
                                     std::unique_ptr<const TensorStorage> storage);

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Whether it was assembled.
  [[nodiscard]] bool foreign() const { return foreign_ != nullptr; }
  [[nodiscard]] uint32_t version() const { return version_; }
  [[nodiscard]] uint32_t alignment() const { return alignment_; }
  [[nodiscard]] uint64_t size_bytes() const {
    return foreign() ? foreign_->storage->size_bytes() : bytes_.size();
  }
  /// Where the data section begins: everything before is header.
  [[nodiscard]] uint64_t data_offset() const { return data_offset_; }

  /// In file order.
  [[nodiscard]] std::span<const GgufEntry> metadata() const { return metadata_; }
  [[nodiscard]] std::span<const CheckpointTensor> tensors() const { return tensors_; }

  /// The value of a key, or nullptr.
  [[nodiscard]] const GgufValue* find(std::string_view key) const;
  [[nodiscard]] bool contains(std::string_view key) const { return find(key) != nullptr; }
  /// The tensor of that name, or nullptr.
  [[nodiscard]] const CheckpointTensor* find_tensor(std::string_view name) const;
  /// Errors: kCorruptData - the file has no tensor of that name.
  [[nodiscard]] Result<const CheckpointTensor*> get_tensor(std::string_view name) const;

  // Typed readers. Errors: kCorruptData - the key is absent, of another type, or its value does not
  // fit; the message names file, key and what was found. Integers may be stored in any width.
  [[nodiscard]] Result<uint64_t> get_u64(std::string_view key) const;
  [[nodiscard]] Result<int64_t> get_i64(std::string_view key) const;
  [[nodiscard]] Result<double> get_f64(std::string_view key) const;
  [[nodiscard]] Result<bool> get_bool(std::string_view key) const;
  [[nodiscard]] Result<std::string> get_string(std::string_view key) const;
  /// Views into the file: vocabularies hold 10^5 strings.
  [[nodiscard]] Result<std::vector<std::string_view>> get_string_array(std::string_view key) const;
  [[nodiscard]] Result<std::vector<float>> get_f32_array(std::string_view key) const;
  /// Array of integers or booleans (0/1) of any width that fit int32.
  [[nodiscard]] Result<std::vector<int32_t>> get_i32_array(std::string_view key) const;

  // As above, but an absent key gives the fallback; a mistyped one stays an error.
  [[nodiscard]] Result<uint64_t> get_u64_or(std::string_view key, uint64_t fallback) const;
  [[nodiscard]] Result<double> get_f64_or(std::string_view key, double fallback) const;
  [[nodiscard]] Result<bool> get_bool_or(std::string_view key, bool fallback) const;
  [[nodiscard]] Result<std::string> get_string_or(std::string_view key,
                                                  std::string_view fallback) const;

  /// 32 hex digits over every byte of the file (XXH3-128): changes with any weight. Computed at the
  /// first call (about 10 GB/s once the pages are in memory), then kept. Thread-safe. The mapping's
  /// pages are released as they are read.
  [[nodiscard]] const std::string& fingerprint() const;

  // Hints to the system about `part` of the file (MappedFile); none where the bytes are somebody
  // else's. Views stay valid.
  void expect(std::span<const std::byte> part) const;
  void release(std::span<const std::byte> part) const;
  void release_all() const;

 private:
  friend class GgufParser;
  struct LazyFingerprint {
    std::once_flag once;
    std::string value;
  };

  /// What the views of an assembled checkpoint are of.
  struct Foreign {
    std::string header;
    std::vector<ForeignTensor> tensors;
    std::unique_ptr<const TensorStorage> storage;
  };

  Checkpoint() = default;
  Result<const GgufValue*> require(std::string_view key) const;
  Error mistyped(std::string_view key, std::string_view expected) const;

  std::string path_;
  std::optional<MappedFile> mapping_;  // absent when the bytes are somebody else's
  std::span<const std::byte> bytes_;
  uint32_t version_ = 0;
  uint32_t alignment_ = 32;
  uint64_t data_offset_ = 0;
  std::vector<GgufEntry> metadata_;
  std::vector<CheckpointTensor> tensors_;
  std::unordered_map<std::string_view, size_t> keys_;
  std::unordered_map<std::string_view, size_t> names_;
  std::unique_ptr<Foreign> foreign_;
  std::unique_ptr<LazyFingerprint> fingerprint_ = std::make_unique<LazyFingerprint>();
};

}  // namespace cupel::engine
