#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cupel {

/// Bytes that come one after another: of a file, a pipe or memory, decompressed on the way.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Fills `out` as far as there are bytes: less than its size only at the end, 0 ever after.
  /// Errors name the source: kUnavailable - the system refuses to read; kCorruptData - compressed
  /// data that is damaged or cut; kUnsupported - a compression that asks for more memory than we
  /// give.
  virtual Result<size_t> read(std::span<char> out) = 0;
};

/// A source and what messages call it.
struct OpenSource {
  std::string name;  ///< the path, or "standard input"
  std::unique_ptr<ByteSource> bytes;
  bool is_compressed = false;
};

/// Opens a file, or standard input for "-". Gzip and zstd are recognised by their first bytes
/// whatever the name says, also several members or frames one after another.
///
/// Memory: 256 KiB, and the window of the compression: at most 128 MiB, for zstd --long.
/// Errors: kNotFound (with a hint), kInvalidArgument - a folder; kUnsupported - compressed in
///         another way (xz, bzip2, zip, lz4), with the command that unpacks it.
Result<OpenSource> open_source(const std::string& path);
/// The same of bytes in memory, which must outlive the source.
Result<OpenSource> source_of_bytes(std::string_view bytes, const std::string& name);

}  // namespace cupel
