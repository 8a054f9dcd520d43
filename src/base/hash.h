#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cupel {

/// 128-bit XXH3 as 32 hex digits: cache keys and fingerprints, not security.
std::string fingerprint(std::string_view bytes);
/// SHA-256 as 64 hex digits: checksums of files that others publish.
std::string sha256(std::string_view bytes);
Result<std::string> sha256_file(const std::string& path);

}  // namespace cupel
