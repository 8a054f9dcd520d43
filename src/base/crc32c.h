#pragma once

#include <cstdint>
#include <string_view>

namespace cupel {

/// CRC-32C (Castagnoli polynomial, reflected, as in RFC 3720 §B.4).
uint32_t crc32c(std::string_view bytes);

}  // namespace cupel
