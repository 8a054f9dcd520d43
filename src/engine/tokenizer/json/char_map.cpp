#include "engine/tokenizer/json/char_map.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"

namespace cupel::engine {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Result<std::string> decode_base64(std::string_view text) {
  std::array<int, 256> values{};
  values.fill(-1);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int>(i);
  }
  while (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = values[static_cast<unsigned char>(c)];
    if (value < 0) {
      return corrupt_data("is no base64");
    }
    bits = (bits << 6U) | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>(bits >> static_cast<uint32_t>(count) & 0xFFU));
    }
  }
  return out;
}

// A unit of the double array.
bool has_leaf(uint32_t unit) {
  return (unit >> 8U & 1U) != 0;
}
uint32_t leaf_value(uint32_t unit) {
  return unit & 0x7FFFFFFFU;
}
uint32_t label(uint32_t unit) {
  return unit & 0x800000FFU;
}
size_t offset(uint32_t unit) {
  return static_cast<size_t>(unit >> 10U) << ((unit & 0x200U) >> 6U);
}

}  // namespace

Result<CharMap> CharMap::decode(std::string_view base64) {
  CUPEL_TRY(const std::string blob, decode_base64(base64));
  uint32_t trie_bytes = 0;
  if (blob.size() < sizeof trie_bytes) {
    return corrupt_data("has {} bytes; expected a length of 4 bytes first", blob.size());
  }
  std::memcpy(&trie_bytes, blob.data(), sizeof trie_bytes);
  if (trie_bytes > blob.size() - sizeof trie_bytes || trie_bytes % 4 != 0 || trie_bytes == 0) {
    return corrupt_data("claims a trie of {} bytes; {} are there", trie_bytes,
                        blob.size() - sizeof trie_bytes);
  }
  CharMap map;
  map.units_.resize(trie_bytes / 4);
  std::memcpy(map.units_.data(), blob.data() + sizeof trie_bytes, trie_bytes);
  map.texts_ = blob.substr(sizeof trie_bytes + trie_bytes);
  return map;
}

size_t CharMap::longest_text() const {
  size_t longest = 1;
  size_t length = 0;
  for (const char c : texts_) {
    const bool begins = (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
    length = c == '\0' ? 0 : length + (begins ? 1 : 0);
    longest = std::max(longest, length);
  }
  return longest;
}

std::optional<std::string_view> CharMap::find(std::string_view text) const {
  size_t node = offset(units_[0]);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || label(units_[node]) != byte) {
      return std::nullopt;
    }
    const uint32_t unit = units_[node];
    node ^= offset(unit);
    if (!has_leaf(unit)) {
      continue;
    }
    if (node >= units_.size() || leaf_value(units_[node]) > texts_.size()) {
      return std::nullopt;
    }
    const std::string_view rest = std::string_view(texts_).substr(leaf_value(units_[node]));
    return rest.substr(0, rest.find('\0'));
  }
  return std::nullopt;
}

}  // namespace cupel::engine
