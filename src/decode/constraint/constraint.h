#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/result.h"
#include "core/sampling.h"
#include "core/tokenizer.h"
#include "decode/constraint/token_masks.h"

namespace cupel::decode::constraint {

/// How far an answer has come, and which tokens may come next.
struct Progress {
  Machine::State state = Machine::kDead;
  uint64_t round = 0;             ///< of the states: what is from another one is read again
  std::vector<uint64_t> allowed;  ///< one bit an id
};

/// A constraint on the answers of one model: any number of sequences follow it at once, and what
/// one of them needed is there for the others. Thread-safe; a Progress belongs to one thread at a
/// time.
class TokenConstraint {
 public:
  /// `tokenizer` must outlive the object. Errors: those of compile_json_schema and compile_regex,
  /// with "json_schema: " or "regex: " in front.
  static Result<std::shared_ptr<TokenConstraint>> compile(
      const OutputConstraint& constraint,
      const Tokenizer& tokenizer,
      std::shared_ptr<const VocabularyTrie> vocabulary);

  /// An answer of no tokens, with room for its mask.
  [[nodiscard]] Progress begin();
  /// Whether `id` may follow `answer`, which `progress` has been advanced by: the bit that
  /// `prepare` would set, without working out the others. False also where that takes too many
  /// steps.
  bool allows(Progress& progress, std::span<const TokenId> answer, TokenId id);
  /// Fills in `allowed` behind the tokens of `answer`, the last of which `progress` has been
  /// advanced by.
  /// Errors: kExhausted - see TokenMasks::fill; kUnsupported - no token of the vocabulary can go
  ///         on.
  Result<Ok> prepare(Progress& progress, std::span<const TokenId> answer);
  /// Reads the last token of `answer`, which was allowed and does not end the turn.
  void advance(Progress& progress, std::span<const TokenId> answer);
  /// True when nothing may follow but the end.
  [[nodiscard]] bool complete(const Progress& progress);

 private:
  TokenConstraint(Automaton automaton,
                  const Tokenizer& tokenizer,
                  std::shared_ptr<const VocabularyTrie> vocabulary);
  void settle(Progress& progress, std::span<const TokenId> answer);
  void read_again(Progress& progress, std::span<const TokenId> answer);
  [[nodiscard]] bool loses_blank(std::span<const TokenId> answer) const;
  Machine::State behind(Machine::State state, TokenId id);

  const Tokenizer* tokenizer_;
  std::shared_ptr<const VocabularyTrie> vocabulary_;
  std::mutex mutex_;  // of what follows
  TokenMasks masks_;
};

}  // namespace cupel::decode::constraint
