#pragma once

#include <string>
#include <string_view>

namespace cupel::test {

/// Bytes compressed by zlib (one gzip member) and by libzstd (one frame).
std::string gzip(std::string_view bytes);
std::string zstd(std::string_view bytes, int window_log = 0);

}  // namespace cupel::test
