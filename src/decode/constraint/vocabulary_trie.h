#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/tokenizer.h"

namespace cupel::decode::constraint {

/// The bytes of all tokens of a vocabulary as a tree, in one walk: tokens that begin alike are
/// looked at together. Control tokens, tokens that end a turn and tokens of no bytes are left out.
/// Immutable and thread-safe.
class VocabularyTrie {
 public:
  /// `ids` is the number of ids that logits are given for, at least the vocabulary's size.
  VocabularyTrie(const Tokenizer& tokenizer, size_t ids);

  /// A node is a beginning of tokens; nodes stand in the order of a depth-first walk, and what is
  /// below a node stands behind it, up to `end`.
  struct Node {
    uint32_t end = 0;     ///< the first node that is not below
    uint32_t tokens = 0;  ///< begin of its tokens in `tokens`; the next node's is their end
    uint16_t depth = 0;   ///< bytes
    uint8_t byte = 0;     ///< the last one
  };
  /// Node 0 is the empty beginning. One more stands at the end.
  [[nodiscard]] std::span<const Node> nodes() const { return nodes_; }
  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(nodes_.size() - 1); }
  /// Ids whose bytes are exactly those of the node.
  [[nodiscard]] std::span<const TokenId> tokens(uint32_t node) const {
    const uint32_t begin = nodes_[node].tokens;
    return std::span(tokens_).subspan(begin, nodes_[node + 1].tokens - begin);
  }

  [[nodiscard]] size_t ids() const { return ids_; }
  [[nodiscard]] size_t mask_words() const { return (ids_ + 63) / 64; }
  [[nodiscard]] std::span<const TokenId> end_tokens() const { return end_tokens_; }
  /// Tokens that begin with a blank, one bit an id.
  [[nodiscard]] const std::vector<uint64_t>& blank_first() const { return blank_first_; }
  [[nodiscard]] size_t longest_token() const { return longest_; }
  /// The bytes of a token of the tree; "" for others.
  [[nodiscard]] std::string_view bytes(TokenId id) const;

 private:
  void build(const std::vector<TokenId>& sorted);

  size_t ids_;
  size_t longest_ = 0;
  std::vector<Node> nodes_;
  std::vector<TokenId> tokens_;
  std::vector<TokenId> end_tokens_;
  std::vector<uint64_t> blank_first_;
  std::string text_;               // bytes of all tokens
  std::vector<uint32_t> offsets_;  // into it, by id
};

}  // namespace cupel::decode::constraint
