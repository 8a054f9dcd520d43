#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/tokenizer.h"

namespace cupel::engine {

/// Finds whole tokens in raw text: the leftmost, and of those that begin there the longest (as
/// `tokenizers` does; for nested tokens it is the same as "longest first").
///
/// A sorted list, narrowed byte by byte from a table of first bytes: text that begins no token
/// costs one look-up a byte; else O(length of the token · log tokens).
class SpecialTokens {
 public:
  struct Entry {
    std::string_view text;  ///< must outlive this object; empty ones are ignored
    TokenId id = -1;
  };
  struct Match {
    size_t begin = 0;
    size_t length = 0;
    TokenId id = -1;  ///< -1: none
  };

  SpecialTokens() = default;
  explicit SpecialTokens(std::vector<Entry> entries);

  /// The first match that begins at or after `from`.
  [[nodiscard]] Match find(std::string_view text, size_t from) const;
  /// The longest one that begins at `begin` (< text.size()).
  [[nodiscard]] Match longest_at(std::string_view text, size_t begin) const;
  /// The id whose whole text this is, or -1.
  [[nodiscard]] TokenId exact(std::string_view text) const;
  [[nodiscard]] bool empty() const { return entries_.empty(); }

 private:
  struct Range {
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  std::vector<Entry> entries_;         // sorted by text
  std::array<Range, 256> by_first_{};  // entries that begin with this byte
};

}  // namespace cupel::engine
