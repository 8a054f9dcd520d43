#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/tokenizer.h"

namespace cupel::engine {

/// All pieces that a text begins with: a sorted list, narrowed byte by byte from a table of first
/// bytes. O(length of the longest match · log pieces) a place, no memory beyond the list.
class PieceTrie {
 public:
  struct Entry {
    std::string_view text;  ///< must outlive this object; empty ones are ignored, texts are unique
    TokenId id = -1;
  };

  PieceTrie() = default;
  explicit PieceTrie(std::vector<Entry> entries);

  /// Calls `visit(length, id)` for each piece that `text` begins with, the shortest first.
  template <typename Visit>
  void prefixes_of(std::string_view text, Visit visit) const {
    if (text.empty()) {
      return;
    }
    Range range = by_first_[static_cast<unsigned char>(text.front())];
    for (size_t depth = 1; range.begin < range.end; ++depth) {
      // All of the range share `depth` bytes with the text; the shortest comes first.
      if (entries_[range.begin].text.size() == depth) {
        visit(depth, entries_[range.begin].id);
        ++range.begin;
      }
      if (depth >= text.size()) {
        return;
      }
      narrow(range, depth, static_cast<unsigned char>(text[depth]));
    }
  }

 private:
  struct Range {
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  void narrow(Range& range, size_t depth, unsigned char byte) const;

  std::vector<Entry> entries_;         // sorted by text
  std::array<Range, 256> by_first_{};  // entries that begin with this byte
};

}  // namespace cupel::engine
