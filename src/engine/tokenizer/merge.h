#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

#include "core/tokenizer.h"

namespace cupel::engine {

/// A stretch of the piece that is being merged.
struct Symbol {
  uint32_t begin = 0;   ///< in bytes
  uint32_t length = 0;  ///< 0: was merged into the one before it
  TokenId id = -1;      ///< -1: no token (a byte or character that the vocabulary lacks)
};

/// What two neighbours become. Lower priorities merge first, leftmost on ties.
struct Merge {
  uint32_t priority = 0;
  TokenId id = -1;  ///< -1: they do not merge
};

/// Merges neighbours, best pair first, until none is left. Use: fill `symbols()`, `run()`, read
/// them.
///
/// `find_merge(left, right)` → Merge. Short pieces scan for the best pair; long ones keep a heap:
/// O(n log n), so that a megabyte of one letter is no attack.
template <typename FindMerge>
class SymbolMerger {
 public:
  explicit SymbolMerger(FindMerge find_merge) : find_merge_(std::move(find_merge)) {}

  std::vector<Symbol>& symbols() { return symbols_; }
  FindMerge& find_merge() { return find_merge_; }

  void run() {
    if (symbols_.size() <= kScanLimit) {
      scan(symbols_);
    } else {
      heap(symbols_);
    }
  }

 private:
  static constexpr size_t kScanLimit = 48;  // about where the two cost the same

  void scan(std::vector<Symbol>& symbols) {
    merges_.clear();  // merges_[i]: what symbols i and i + 1 become
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      merges_.push_back(find_merge_(symbols[i], symbols[i + 1]));
    }
    while (true) {
      size_t best = merges_.size();
      for (size_t i = 0; i < merges_.size(); ++i) {
        if (merges_[i].id >= 0 &&
            (best == merges_.size() || merges_[i].priority < merges_[best].priority)) {
          best = i;
        }
      }
      if (best == merges_.size()) {
        return;
      }
      symbols[best].length += symbols[best + 1].length;
      symbols[best].id = merges_[best].id;
      symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(best) + 1);
      merges_.erase(merges_.begin() + static_cast<ptrdiff_t>(best));
      if (best > 0) {
        merges_[best - 1] = find_merge_(symbols[best - 1], symbols[best]);
      }
      if (best < merges_.size()) {
        merges_[best] = find_merge_(symbols[best], symbols[best + 1]);
      }
    }
  }

  /// A merge that was possible when it was queued; it is stale once either side has changed.
  struct Candidate {
    uint64_t order = 0;   // priority, then left index
    uint32_t length = 0;  // of both sides: differs as soon as one of them grew
    TokenId id = -1;
    bool operator>(const Candidate& other) const { return order > other.order; }
  };
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

  void heap(std::vector<Symbol>& symbols) {
    const auto count = static_cast<uint32_t>(symbols.size());
    previous_.resize(count);
    next_.resize(count);
    for (uint32_t i = 0; i < count; ++i) {
      previous_[i] = i == 0 ? kNone : i - 1;
      next_[i] = i + 1 == count ? kNone : i + 1;
    }
    for (uint32_t i = 0; i + 1 < count; ++i) {
      enqueue(symbols, i, i + 1);
    }
    while (!queue_.empty()) {
      const Candidate candidate = queue_.top();
      queue_.pop();
      apply(symbols, candidate);
    }
    std::erase_if(symbols, [](const Symbol& symbol) { return symbol.length == 0; });
  }

  void apply(std::vector<Symbol>& symbols, const Candidate& candidate) {
    const auto left = static_cast<uint32_t>(candidate.order);
    if (symbols[left].length == 0 || next_[left] == kNone) {
      return;
    }
    const uint32_t right = next_[left];
    if (symbols[left].length + symbols[right].length != candidate.length) {
      return;
    }
    symbols[left].length = candidate.length;
    symbols[left].id = candidate.id;
    symbols[right].length = 0;
    next_[left] = next_[right];
    if (next_[left] != kNone) {
      previous_[next_[left]] = left;
      enqueue(symbols, left, next_[left]);
    }
    if (previous_[left] != kNone) {
      enqueue(symbols, previous_[left], left);
    }
  }

  void enqueue(const std::vector<Symbol>& symbols, uint32_t left, uint32_t right) {
    const Merge merge = find_merge_(symbols[left], symbols[right]);
    if (merge.id >= 0) {
      queue_.push({(static_cast<uint64_t>(merge.priority) << 32U) | left,
                   symbols[left].length + symbols[right].length, merge.id});
    }
  }

  FindMerge find_merge_;
  std::vector<Symbol> symbols_;
  std::vector<Merge> merges_;
  std::vector<uint32_t> previous_;
  std::vector<uint32_t> next_;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue_;
};

}  // namespace cupel::engine
