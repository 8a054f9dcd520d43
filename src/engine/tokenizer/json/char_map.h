#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cupel::engine {

/// SentencePiece's character map: a double-array trie of byte strings and what each becomes.
///
/// Layout of the decoded blob, little-endian: u32 bytes of the trie, the trie's u32 units, texts
/// each ended by a zero byte. Source: SentencePiece's normalizer; the Darts double array.
class CharMap {
 public:
  /// Errors: kCorruptData - no base64, or lengths that do not fit.
  static Result<CharMap> decode(std::string_view base64);
  /// What `text` becomes: the text of the shortest entry that `text` begins with (as the original
  /// does), or nothing. Never reads outside the blob, whatever the trie says.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view text) const;
  /// Characters of the longest text that something may become, at least 1.
  [[nodiscard]] size_t longest_text() const;

 private:
  std::vector<uint32_t> units_;
  std::string texts_;
};

}  // namespace cupel::engine
