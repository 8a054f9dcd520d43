#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tokenizer.h"
#include "engine/tokenizer/vocabulary.h"

namespace cupel::engine {

/// What every tokenizer over a Vocabulary shares: special tokens, BOS and EOS, decoding. The kinds
/// differ in how they encode the text between special tokens.
class VocabularyTokenizer : public Tokenizer {
 public:
  [[nodiscard]] std::vector<TokenId> encode(std::string_view text,
                                            const EncodeOptions& options) const final;
  [[nodiscard]] std::string token_bytes(TokenId id, bool render_special) const final;
  void append_token_bytes(TokenId id, std::string& out) const final;
  [[nodiscard]] std::string decode(std::span<const TokenId> ids, bool render_special) const final;
  [[nodiscard]] bool drops_space_after(TokenId previous) const final;
  [[nodiscard]] size_t vocabulary_size() const final { return vocabulary_->size(); }
  [[nodiscard]] TokenId bos() const final { return vocabulary_->bos(); }
  [[nodiscard]] TokenId eos() const final { return vocabulary_->eos(); }
  [[nodiscard]] bool ends_generation(TokenId id) const final;
  [[nodiscard]] bool is_control(TokenId id) const final;
  [[nodiscard]] TokenId find(std::string_view piece) const final;
  [[nodiscard]] std::vector<size_t> control_places(std::string_view text) const final;

 protected:
  struct Settings {
    bool add_bos = false;
    bool add_eos = false;
    bool add_space_prefix = false;  ///< a blank before text at the start and after special tokens
  };
  VocabularyTokenizer(std::unique_ptr<Vocabulary> vocabulary, const Settings& settings)
      : vocabulary_(std::move(vocabulary)), settings_(settings) {}

  /// Appends the ids of text without special tokens, < 2 GiB and not empty. `prefix`: a blank
  /// belongs before it.
  virtual void encode_text(std::string_view text, bool prefix, std::vector<TokenId>& ids) const = 0;

  [[nodiscard]] const Vocabulary& vocabulary() const { return *vocabulary_; }

  /// BOS and EOS as the file asks for them, else by default. Errors: kCorruptData - asked for, but
  /// the file names no such token.
  static Result<Settings> make_settings(const TokenizerData& data, const Settings& defaults);

 private:
  void encode_between(std::string_view text, std::vector<TokenId>& ids) const;

  std::unique_ptr<Vocabulary> vocabulary_;
  Settings settings_;
};

}  // namespace cupel::engine
