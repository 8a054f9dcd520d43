#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "decode/constraint/machine.h"
#include "decode/constraint/vocabulary_trie.h"

namespace cupel::decode::constraint {

/// Which tokens may come next, as one bit an id.
///
/// A mask is put together from parts. For each place of the state there is a part that does not
/// depend on the open calls: the tokens that stay within the rule at hand. It is worked out once
/// per node of the automaton. Only the few tokens that go on behind the end of the rule, like a
/// quote and a comma in one, are looked at for each state. Whole masks are kept per state.
///
/// Memory is bounded: masks and the machine's states are forgotten when they are many, which
/// `rounds` counts. Not thread-safe.
class TokenMasks {
 public:
  TokenMasks(std::shared_ptr<const Automaton> automaton,
             std::shared_ptr<const VocabularyTrie> vocabulary);

  [[nodiscard]] Machine& machine() { return machine_; }
  [[nodiscard]] const Machine& machine() const { return machine_; }
  [[nodiscard]] const VocabularyTrie& vocabulary() const { return *vocabulary_; }

  /// Makes room where memory is short. Call it between tokens: states from before are void where
  /// `rounds` has changed.
  void make_room();
  [[nodiscard]] uint64_t rounds() const { return rounds_; }

  /// The mask of a state, end tokens included where the text may end. `mask` has
  /// `vocabulary().mask_words()` words.
  /// Errors: kExhausted - the automaton is too ambiguous to be followed in bounded time and memory.
  Result<Ok> fill(Machine::State state, std::span<uint64_t> mask);

 private:
  /// Tokens by their length: in a counted string short ones are far from the bounds sooner, so
  /// that more places share what is worked out for them; long ones are few.
  enum class Length : uint8_t { kAny, kShort, kLong };
  /// What one node of the automaton lets through within its rule.
  struct Part {
    std::vector<uint64_t> bits;  // empty where `few` says it all
    std::vector<TokenId> few;
    std::vector<uint32_t> exits;  // nodes of the tree behind which the rule may be at its end
    int32_t reach = 0;
  };

  Result<Ok> compute(Machine::State state, std::span<uint64_t> mask);
  const Part& part(NodeId node, Length length);
  Part make_part(NodeId node, Length length);
  bool add_part(const Part& part, Machine::Place place, std::span<uint64_t> mask);
  bool add_place(Machine::Place place, std::span<uint64_t> mask);
  /// Tokens below a node of the tree, that node's bytes being read already.
  template <typename Visit>
  void walk(Machine::State state, uint32_t below, Length length, const Visit& visit);
  void add_below(Machine::State state, uint32_t below, std::span<uint64_t> mask);

  Machine machine_;
  std::shared_ptr<const VocabularyTrie> vocabulary_;
  std::vector<Machine::State> path_;  // states by depth of the walk
  std::vector<uint16_t> deepest_;     // per node of the tree: the longest token there or below
  std::unordered_map<uint64_t, Part> parts_;
  std::unordered_map<Machine::State, std::vector<uint64_t>> masks_;
  std::vector<uint64_t> scratch_;
  size_t part_bytes_ = 0;
  uint64_t rounds_ = 0;
};

}  // namespace cupel::decode::constraint
