#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizer/piece_map.h"
#include "engine/tokenizer/special_tokens.h"
#include "engine/tokenizer/tokenizer_data.h"

namespace cupel::engine {

/// "<0x41>" → 0x41; -1 for anything else.
int byte_token_value(std::string_view text);

/// Marks in `ends` the special tokens whose text says that they end a turn ("<|im_end|>", …),
/// whatever the file's eos is.
void mark_end_texts(const SpecialTokens& specials, TokenId eos, std::vector<bool>& ends);

/// The checked tokens of a model file: texts, kinds, look-ups. Immutable.
class Vocabulary {
 public:
  /// The bytes that a token of that raw text stands for, appended to `out`.
  using BytesOf = void (*)(std::string_view raw, TokenType type, std::string& out);

  /// Errors: kCorruptData - no tokens, lists of different lengths, unknown token types, text that
  /// is no UTF-8, two tokens of the same text, a special id out of range; each names the token.
  static Result<std::unique_ptr<Vocabulary>> create(const TokenizerData& data, BytesOf bytes_of);

  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  [[nodiscard]] size_t size() const { return types_.size(); }
  [[nodiscard]] bool contains(TokenId id) const {
    return id >= 0 && static_cast<size_t>(id) < size();
  }
  [[nodiscard]] TokenType type(TokenId id) const { return types_[static_cast<size_t>(id)]; }
  /// Control and unknown tokens: structure, not text.
  [[nodiscard]] bool is_control(TokenId id) const {
    return type(id) == TokenType::kControl || type(id) == TokenType::kUnknown;
  }
  [[nodiscard]] bool ends_generation(TokenId id) const { return ends_[static_cast<size_t>(id)]; }
  /// Bytes that a token stands for (a control token's own text).
  [[nodiscard]] std::string_view bytes(TokenId id) const { return (*bytes_)[id]; }

  /// Tokens that merges make (all but special and byte tokens) by their bytes.
  [[nodiscard]] const PieceMap& pieces() const { return *pieces_; }
  /// User-defined tokens: always read in text.
  [[nodiscard]] const SpecialTokens& user_defined() const { return user_defined_; }
  /// User-defined, control and unknown tokens.
  [[nodiscard]] const SpecialTokens& specials() const { return specials_; }
  /// The byte tokens ("<0x41>"), -1 where absent.
  [[nodiscard]] const std::array<TokenId, 256>& byte_tokens() const { return byte_tokens_; }

  [[nodiscard]] TokenId bos() const { return bos_; }
  [[nodiscard]] TokenId eos() const { return eos_; }
  [[nodiscard]] TokenId unknown() const { return unknown_; }

 private:
  Vocabulary() = default;
  Result<Ok> add_tokens(const TokenizerData& data, BytesOf bytes_of);
  Result<Ok> index_pieces(const TokenizerData& data);
  Result<Ok> index_specials(const TokenizerData& data, BytesOf bytes_of);
  Result<Ok> index_byte(const TokenizerData& data, size_t index);
  Result<Ok> set_ids(const TokenizerData& data);

  std::unique_ptr<PieceTexts> bytes_ = std::make_unique<PieceTexts>();
  std::unique_ptr<PieceMap> pieces_;
  std::vector<TokenType> types_;
  std::vector<bool> ends_;
  SpecialTokens user_defined_;
  SpecialTokens specials_;
  std::array<TokenId, 256> byte_tokens_{};
  TokenId bos_ = -1;
  TokenId eos_ = -1;
  TokenId unknown_ = -1;
};

}  // namespace cupel::engine
