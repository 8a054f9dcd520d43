#pragma once

#include <cstdint>
#include <string_view>

namespace cupel::engine {

/// What word splitters ask of a character.
enum class CharClass : uint8_t { kOther, kLetter, kNumber, kSpace };

/// \p{L}, \p{N}, White_Space or none of them, as of Unicode 16.
CharClass char_class(uint32_t code_point);

/// One character of a text that is valid UTF-8.
struct Char {
  uint32_t value = 0;
  uint32_t length = 0;  ///< 0: past the end
  CharClass kind = CharClass::kOther;
};
/// The character at `offset`; past the end a Char of length 0 and kind kOther.
Char char_at(std::string_view text, size_t offset);

}  // namespace cupel::engine
