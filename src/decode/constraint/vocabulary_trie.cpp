#include "decode/constraint/vocabulary_trie.h"

#include <algorithm>

namespace cupel::decode::constraint {
namespace {

// A token of more bytes would be the only one of its kind anywhere; it is left out.
constexpr size_t kLongestToken = 4096;

}  // namespace

VocabularyTrie::VocabularyTrie(const Tokenizer& tokenizer, size_t ids)
    : ids_(ids), blank_first_((ids + 63) / 64) {
  std::vector<TokenId> sorted;
  const size_t known = std::min(ids, tokenizer.vocabulary_size());
  offsets_.reserve(known + 1);
  for (size_t i = 0; i < known; ++i) {
    const auto id = static_cast<TokenId>(i);
    offsets_.push_back(static_cast<uint32_t>(text_.size()));
    if (tokenizer.ends_generation(id)) {
      end_tokens_.push_back(id);
      continue;
    }
    if (tokenizer.is_control(id)) {
      continue;
    }
    tokenizer.append_token_bytes(id, text_);
    const size_t length = text_.size() - offsets_.back();
    if (length == 0 || length > kLongestToken) {
      text_.resize(offsets_.back());
      continue;
    }
    longest_ = std::max(longest_, length);
    if (text_[offsets_.back()] == ' ') {
      blank_first_[i / 64] |= uint64_t{1} << (i % 64);
    }
    sorted.push_back(id);
  }
  offsets_.push_back(static_cast<uint32_t>(text_.size()));
  std::sort(sorted.begin(), sorted.end(), [this](TokenId a, TokenId b) {
    const int order = bytes(a).compare(bytes(b));
    return order != 0 ? order < 0 : a < b;
  });
  build(sorted);
}

std::string_view VocabularyTrie::bytes(TokenId id) const {
  const auto i = static_cast<size_t>(id);
  if (id < 0 || i + 1 >= offsets_.size()) {
    return {};
  }
  return std::string_view(text_).substr(offsets_[i], offsets_[i + 1] - offsets_[i]);
}

// Sorted by bytes, tokens come in the order of the walk: each shares a beginning with the one
// before it, which is still open, and closes the rest.
void VocabularyTrie::build(const std::vector<TokenId>& sorted) {
  nodes_.push_back({});
  std::vector<uint32_t> open = {0};  // the nodes above and at the last one
  std::string_view last;
  const auto close = [&](size_t depth) {
    while (open.size() > depth + 1) {
      nodes_[open.back()].end = static_cast<uint32_t>(nodes_.size());
      open.pop_back();
    }
  };
  for (const TokenId id : sorted) {
    const std::string_view text = bytes(id);
    const auto [mine, theirs] = std::mismatch(text.begin(), text.end(), last.begin(), last.end());
    const auto shared = static_cast<size_t>(mine - text.begin());
    if (shared < text.size()) {
      close(shared);
    }
    for (size_t i = shared; i < text.size(); ++i) {
      open.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({.tokens = static_cast<uint32_t>(tokens_.size()),
                        .depth = static_cast<uint16_t>(i + 1),
                        .byte = static_cast<uint8_t>(text[i])});
    }
    tokens_.push_back(id);
    last = text;
  }
  close(0);
  nodes_[0].end = static_cast<uint32_t>(nodes_.size());
  nodes_.push_back({.tokens = static_cast<uint32_t>(tokens_.size())});
}

}  // namespace cupel::decode::constraint
