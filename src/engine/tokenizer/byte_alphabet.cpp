#include "engine/tokenizer/byte_alphabet.h"

#include <array>

#include "base/text.h"

namespace cupel::engine {
namespace {

constexpr uint32_t kFirstShifted = 0x100;
constexpr size_t kChars = 0x100 + 68;

constexpr bool stands_for_itself(uint32_t byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

constexpr std::array<uint32_t, 256> make_chars() {
  std::array<uint32_t, 256> chars{};
  uint32_t next = kFirstShifted;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    chars[byte] = stands_for_itself(byte) ? byte : next++;
  }
  return chars;
}

constexpr std::array<uint32_t, 256> kByteToChar = make_chars();

constexpr std::array<int16_t, kChars> make_bytes() {
  std::array<int16_t, kChars> bytes{};
  for (int16_t& byte : bytes) {
    byte = -1;
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    bytes[kByteToChar[byte]] = static_cast<int16_t>(byte);
  }
  return bytes;
}

constexpr std::array<int16_t, kChars> kCharToByte = make_bytes();

}  // namespace

uint32_t byte_to_char(uint8_t byte) {
  return kByteToChar[byte];
}

bool append_alphabet_bytes(std::string_view text, std::string& out) {
  const size_t before = out.size();
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (!c.valid || c.value >= kChars || kCharToByte[c.value] < 0) {
      out.resize(before);
      return false;
    }
    out.push_back(static_cast<char>(kCharToByte[c.value]));
    at += c.length;
  }
  return true;
}

}  // namespace cupel::engine
