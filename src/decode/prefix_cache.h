#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <vector>

#include "core/tokenizer.h"
#include "engine/runtime/sequence_state.h"

namespace cupel::decode {

/// Number of leading ids that both have.
int64_t common_prefix(std::span<const TokenId> a, std::span<const TokenId> b);

/// A few recent sequences, kept so that a prompt that begins like one of them forks instead of
/// being computed again (turn 2 after turn 1, few-shot prefixes, checklists). Least recently used
/// goes first.
class PrefixCache {
 public:
  explicit PrefixCache(size_t capacity) : capacity_(capacity) {}

  struct Match {
    const engine::SequenceState* state = nullptr;
    int64_t length = 0;
  };
  /// The longest remembered prefix of `ids`, at most ids.size() - 1 long (the last id must be
  /// computed for its logits). Marks it as used.
  Match find(std::span<const TokenId> ids);
  /// Remembers a sequence; one that is a prefix of it is replaced.
  void insert(std::vector<TokenId> ids, engine::SequenceState state);
  /// Forgets the least recently used; false when there is none.
  bool evict();

 private:
  struct Entry {
    std::vector<TokenId> ids;
    engine::SequenceState state;
  };
  size_t capacity_;
  std::list<Entry> entries_;  // most recently used first
};

}  // namespace cupel::decode
