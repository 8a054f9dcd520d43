#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/tokenizer.h"

namespace cupel::engine {

/// Ids of the words of one text that were encoded before: most words of a long text repeat. Lives
/// for one call of encode; direct-mapped, words are views into the text.
class WordCache {
 public:
  /// Short texts are not worth a table: the cache then stays empty.
  explicit WordCache(size_t text_bytes) {
    if (text_bytes >= kWorthwhileBytes) {
      slots_.resize(kSlots);
    }
  }

  /// Appends the ids of the word when they are known.
  bool append_known(std::string_view word, std::vector<TokenId>& ids) const {
    if (slots_.empty()) {
      return false;
    }
    const Slot& slot = slots_[index(word)];
    if (slot.count == 0 || slot.word != word) {
      return false;
    }
    ids.insert(ids.end(), slot.ids, slot.ids + slot.count);
    return true;
  }

  void remember(std::string_view word, std::span<const TokenId> ids) {
    if (slots_.empty() || ids.empty() || ids.size() > kMaxIds) {
      return;
    }
    Slot& slot = slots_[index(word)];
    slot.word = word;
    slot.count = static_cast<uint32_t>(ids.size());
    std::copy(ids.begin(), ids.end(), slot.ids);
  }

 private:
  static constexpr size_t kWorthwhileBytes = 2048;
  static constexpr size_t kSlots = 4096;
  static constexpr size_t kMaxIds = 7;
  struct Slot {
    std::string_view word;
    uint32_t count = 0;
    TokenId ids[kMaxIds] = {};
  };
  static size_t index(std::string_view word) {
    return std::hash<std::string_view>{}(word) & (kSlots - 1);
  }
  std::vector<Slot> slots_;
};

}  // namespace cupel::engine
