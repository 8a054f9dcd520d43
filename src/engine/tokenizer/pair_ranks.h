#pragma once

#include <cstdint>
#include <vector>

#include "engine/tokenizer/merge.h"

namespace cupel::engine {

/// (left id, right id) → what they merge to: open addressing, 16 bytes a slot.
class PairRanks {
 public:
  explicit PairRanks(size_t capacity);
  /// A pair that is there already keeps its first, better rank.
  void insert(TokenId left, TokenId right, const Merge& merge);
  [[nodiscard]] Merge find(TokenId left, TokenId right) const {
    const uint64_t key = key_of(left, right);
    for (size_t at = hash_of(key) & mask_;; at = (at + 1) & mask_) {
      if (slots_[at].key == key) {
        return slots_[at].merge;
      }
      if (slots_[at].key == kFree) {
        return {};
      }
    }
  }

 private:
  static constexpr uint64_t kFree = ~uint64_t{0};
  struct Slot {
    uint64_t key = kFree;
    Merge merge;
  };
  static uint64_t key_of(TokenId left, TokenId right) {
    return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32U) |
           static_cast<uint32_t>(right);
  }
  static size_t hash_of(uint64_t key) {
    key *= 0x9E3779B97F4A7C15ULL;
    return static_cast<size_t>(key ^ (key >> 32U));
  }
  std::vector<Slot> slots_;
  size_t mask_;
};

}  // namespace cupel::engine
