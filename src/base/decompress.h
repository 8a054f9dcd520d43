#pragma once

#include <memory>
#include <string>

#include "base/byte_source.h"

namespace cupel {

/// The decompressed bytes of a gzip source (RFC 1952), all its members; zlib.
Result<std::unique_ptr<ByteSource>> gunzip(std::unique_ptr<ByteSource> packed, std::string name);
/// The decompressed bytes of a zstd source (RFC 8878), all its frames, skippable ones passed over;
/// libzstd, windows up to 128 MiB.
Result<std::unique_ptr<ByteSource>> unzstd(std::unique_ptr<ByteSource> packed, std::string name);

}  // namespace cupel
