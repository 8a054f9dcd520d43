#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/tokenizer/json/json_at.h"
#include "engine/tokenizer/piece_map.h"

namespace cupel::engine {

/// Most ids below the largest one that no token has: tables are made by id, and a file of 100 bytes
/// must not make large ones.
constexpr int64_t kMostIdGaps = int64_t{1} << 16U;

/// Tokens that stand for single bytes, for text that has no other. A vocabulary may lack some:
/// Gemma's has a tabulator of its own in place of "<0x09>".
class ByteTokens {
 public:
  ByteTokens() = default;  // none
  /// `ids`: of each byte, -1 where it has no token.
  explicit ByteTokens(const std::array<TokenId, 256>& ids) : ids_(ids), some_(true) {}

  [[nodiscard]] bool has_all() const {
    return some_ && std::ranges::all_of(ids_, [](TokenId id) { return id >= 0; });
  }
  /// Whether each byte of the text has one.
  [[nodiscard]] bool cover(std::string_view text) const {
    return some_ && std::ranges::all_of(text, [this](char c) { return of(c) >= 0; });
  }
  [[nodiscard]] TokenId of(char byte) const { return ids_[static_cast<unsigned char>(byte)]; }

 private:
  std::array<TokenId, 256> ids_{};
  bool some_ = false;
};

/// The tokens of the "model" of a tokenizer.json, by id; ids may have gaps. Immutable, movable.
class ModelTokens {
 public:
  /// {"text": id}: BPE, WordPiece and WordLevel. Errors: kCorruptData - a text or id is there
  /// twice, an id is no integer, negative or far beyond the number of tokens.
  static Result<ModelTokens> from_map(const JsonAt& vocab);
  /// [["text", score]]: Unigram. Of equal texts (trained vocabularies have some) the last one is
  /// found. Errors: kCorruptData - an entry of another form.
  static Result<ModelTokens> from_list(const JsonAt& vocab);

  /// One more than the largest id.
  [[nodiscard]] size_t size() const { return present_.size(); }
  [[nodiscard]] bool contains(TokenId id) const {
    return id >= 0 && static_cast<size_t>(id) < size() && present_[static_cast<size_t>(id)];
  }
  [[nodiscard]] std::string_view text(TokenId id) const { return (*texts_)[id]; }
  /// The token of that text, or -1.
  [[nodiscard]] TokenId find(std::string_view text) const { return by_text_->find(text); }
  /// Of a Unigram vocabulary.
  [[nodiscard]] const std::vector<double>& scores() const { return scores_; }
  /// The tokens "<0x00>" to "<0xFF>".
  [[nodiscard]] ByteTokens byte_tokens() const;

 private:
  ModelTokens() = default;
  Result<Ok> set_texts(const JsonAt& vocab, const std::vector<const std::string*>& by_id);

  std::unique_ptr<PieceTexts> texts_ = std::make_unique<PieceTexts>();
  std::unique_ptr<PieceMap> by_text_;
  std::vector<bool> present_;
  std::vector<double> scores_;
};

}  // namespace cupel::engine
