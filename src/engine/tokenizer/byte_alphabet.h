#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cupel::engine {

// Byte-level vocabularies write their tokens in an alphabet of 256 printable characters, one a
// byte: 33–126, 161–172 and 174–255 stand for themselves, the other 68 bytes for U+0100 and up, in
// order.

/// The character that stands for a byte.
uint32_t byte_to_char(uint8_t byte);
/// Appends the bytes that `text` stands for. False, and nothing appended, when a character is not
/// of the alphabet.
bool append_alphabet_bytes(std::string_view text, std::string& out);

}  // namespace cupel::engine
