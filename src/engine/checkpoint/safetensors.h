#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/io.h"
#include "base/result.h"
#include "engine/checkpoint/tensor_type.h"

namespace cupel::engine {

/// One tensor: a view into a mapped file.
///
/// Shapes: `shape` is the file's, the outermost dimension first ([out, in] of a linear layer, as in
/// PyTorch); empty for a single number, and a dimension may be 0. `rows()` rows of `columns()`
/// numbers lie one after another.
struct SafetensorsTensor {
  std::string_view name;
  TensorType type = TensorType::kF32;  ///< only types with `readable` are weights
  std::vector<uint64_t> shape;         ///< at most 8 dimensions, product below 2^52
  uint32_t shard = 0;                  ///< index of its file in `SafetensorsFile::paths()`
  uint64_t offset = 0;                 ///< of the data from the start of that file
  std::span<const std::byte> data;     ///< exactly elements() · bytes of the type

  [[nodiscard]] uint64_t columns() const { return shape.empty() ? 1 : shape.back(); }
  [[nodiscard]] uint64_t elements() const;
  [[nodiscard]] uint64_t rows() const { return columns() == 0 ? 0 : elements() / columns(); }
  /// "[1536, 576]".
  [[nodiscard]] std::string shape_text() const;
};

/// A safetensors checkpoint, one file or the shards of an index, mapped into memory and checked
/// whole: after `open` every view lies inside its file, names are unique, and each file's tensors
/// cover its data section without a gap or an overlap, as the format asks for.
///
/// Movable; views stay valid as long as the object (or the one it was moved to) lives. Immutable
/// and thread-safe after `open`. Source: the format description of huggingface/safetensors.
/// Checked against: tests/engine/safetensors_reader_test.cpp (files of safetensors 0.8.0).
class SafetensorsFile {
 public:
  using Metadata = std::vector<std::pair<std::string, std::string>>;

  /// `path`: a safetensors file, a "*.index.json" beside its shards, or a folder with
  /// "model.safetensors" or else "model.safetensors.index.json". The index says which tensors a
  /// sharded checkpoint has; others in its shards are passed over.
  /// Errors: kNotFound; kCorruptData - broken in itself (names the place, what was expected and the
  /// mend), an index that names a file or tensor that is not there, or a path instead of a file
  /// name; kUnsupported - a type of numbers that Cupel does not know.
  static Result<SafetensorsFile> open(const std::string& path);
  /// One file's bytes, which are not copied and must outlive the object; `path` is for messages.
  static Result<SafetensorsFile> from_bytes(std::span<const std::byte> bytes, std::string path);

  /// As given to `open`.
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The files that hold tensors: one, or the shards by name.
  [[nodiscard]] std::vector<std::string> paths() const;
  [[nodiscard]] uint64_t size_bytes() const;

  /// In the order of the data: file by file, ascending offsets.
  [[nodiscard]] std::span<const SafetensorsTensor> tensors() const { return tensors_; }
  /// The tensor of that name, or nullptr.
  [[nodiscard]] const SafetensorsTensor* find_tensor(std::string_view name) const;
  /// Errors: kCorruptData - there is no tensor of that name.
  [[nodiscard]] Result<const SafetensorsTensor*> get_tensor(std::string_view name) const;
  /// "__metadata__" of the files; a key of several has the first one's value.
  [[nodiscard]] const Metadata& metadata() const { return metadata_; }

  /// 32 hex digits over every byte of the index and the files (XXH3-128), of a single file equal to
  /// `fingerprint` of it. Computed at the first call, then kept; pages are released as they are
  /// read. Thread-safe.
  [[nodiscard]] const std::string& fingerprint() const;

  // Hints to the system about `part` of a tensor's data (MappedFile); none where the bytes are
  // somebody else's.
  void expect(std::span<const std::byte> part) const;
  void release(std::span<const std::byte> part) const;
  void release_all() const;

 private:
  struct Shard {
    std::string path;
    std::optional<MappedFile> mapping;  // absent when the bytes are somebody else's
    std::span<const std::byte> bytes;
  };
  struct LazyFingerprint {
    std::once_flag once;
    std::string value;
  };

  SafetensorsFile() = default;
  static Result<SafetensorsFile> open_file(const std::string& path);
  static Result<SafetensorsFile> open_index(const std::string& path);
  Result<Ok> add_shard(Shard shard);
  void index_names();
  [[nodiscard]] const Shard* shard_of(std::span<const std::byte> part) const;

  std::string path_;
  std::string index_;  // text of the index; empty for a single file
  std::vector<Shard> shards_;
  std::vector<SafetensorsTensor> tensors_;
  std::vector<std::unique_ptr<const std::string>> names_;  // what the views in tensors_ are of
  std::unordered_map<std::string_view, size_t> by_name_;
  Metadata metadata_;
  std::unordered_set<std::string> metadata_keys_;
  std::unique_ptr<LazyFingerprint> fingerprint_ = std::make_unique<LazyFingerprint>();
};

}  // namespace cupel::engine
