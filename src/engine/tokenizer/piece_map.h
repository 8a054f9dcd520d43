#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/tokenizer.h"

namespace cupel::engine {

/// Texts of all tokens, one after another in one buffer.
class PieceTexts {
 public:
  void reserve(size_t pieces, size_t bytes);
  void append(std::string_view text);
  [[nodiscard]] size_t size() const { return begins_.size() - 1; }
  [[nodiscard]] std::string_view operator[](TokenId id) const {
    const auto at = static_cast<size_t>(id);
    return std::string_view(bytes_).substr(begins_[at], begins_[at + 1] - begins_[at]);
  }

 private:
  std::string bytes_;
  std::vector<size_t> begins_{0};
};

/// Text → id over some of the tokens: open addressing, keys stay in the PieceTexts.
class PieceMap {
 public:
  /// Room for `capacity` insertions into a table over `texts`, which must outlive the map.
  PieceMap(const PieceTexts& texts, size_t capacity);
  /// False when an equal text is there already (which then stays).
  bool insert(TokenId id);
  /// The id, or -1.
  [[nodiscard]] TokenId find(std::string_view text) const;
  /// Length of the longest text in bytes.
  [[nodiscard]] size_t longest() const { return longest_; }

 private:
  struct Slot {
    uint32_t hash = 0;
    TokenId id = -1;
  };
  const PieceTexts* texts_;
  std::vector<Slot> slots_;
  size_t mask_;
  size_t longest_ = 0;
};

}  // namespace cupel::engine
