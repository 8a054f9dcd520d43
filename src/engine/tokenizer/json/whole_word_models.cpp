#include <algorithm>

#include "base/text.h"
#include "engine/tokenizer/json/piece_trie.h"
#include "engine/tokenizer/json/word_model.h"

namespace cupel::engine {
namespace {

size_t count_chars(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

class WordPiece final : public WordModel {
 public:
  WordPiece(const ModelTokens& tokens, TokenId unknown, std::string_view prefix, size_t max_chars)
      : unknown_(unknown), max_chars_(max_chars) {
    std::vector<PieceTrie::Entry> first;
    std::vector<PieceTrie::Entry> later;
    for (size_t i = 0; i < tokens.size(); ++i) {
      const auto id = static_cast<TokenId>(i);
      const std::string_view text = tokens.text(id);
      first.push_back({text, id});
      if (text.starts_with(prefix)) {
        later.push_back({text.substr(prefix.size()), id});
      }
    }
    first_ = PieceTrie(std::move(first));
    later_ = PieceTrie(std::move(later));
  }

  void encode(std::span<const std::string_view> words, std::vector<TokenId>& ids) const override {
    for (const std::string_view word : words) {
      const size_t before = ids.size();
      if (count_chars(word) > max_chars_ || !append_pieces(word, ids)) {
        ids.resize(before);
        ids.push_back(unknown_);
      }
    }
  }

 private:
  bool append_pieces(std::string_view word, std::vector<TokenId>& ids) const {
    for (size_t at = 0; at < word.size();) {
      size_t longest = 0;
      TokenId best = -1;
      (at == 0 ? first_ : later_).prefixes_of(word.substr(at), [&](size_t size, TokenId id) {
        longest = size;
        best = id;
      });
      if (best < 0) {
        return false;
      }
      ids.push_back(best);
      at += longest;
    }
    return true;
  }

  TokenId unknown_;
  size_t max_chars_;
  PieceTrie first_;
  PieceTrie later_;  // without their prefix
};

class WordLevel final : public WordModel {
 public:
  WordLevel(const ModelTokens& tokens, TokenId unknown) : tokens_(&tokens), unknown_(unknown) {}

  void encode(std::span<const std::string_view> words, std::vector<TokenId>& ids) const override {
    for (const std::string_view word : words) {
      const TokenId id = tokens_->find(word);
      ids.push_back(id >= 0 ? id : unknown_);
    }
  }

 private:
  const ModelTokens* tokens_;
  TokenId unknown_;
};

Result<TokenId> unknown_token(const JsonAt& json,
                              const ModelTokens& tokens,
                              std::string_view fallback) {
  CUPEL_TRY(const std::string text, json.text_or("unk_token", fallback));
  const TokenId id = tokens.find(text);
  if (id < 0) {
    return corrupt_data("{}.unk_token is \"{}\", which is no token; words without a token need one",
                        json.path(), printable(text));
  }
  return id;
}

}  // namespace

Result<std::string> model_type(const JsonAt& json) {
  if (json.find("type")) {
    return json.text("type");
  }
  const auto vocab = json.find("vocab");
  const bool list = vocab && vocab->value().is_array();
  return std::string(list                                    ? "Unigram"
                     : json.find("merges")                   ? "BPE"
                     : json.find("max_input_chars_per_word") ? "WordPiece"
                                                             : "WordLevel");
}

Result<std::unique_ptr<WordModel>> make_word_piece(const JsonAt& json, const ModelTokens& tokens) {
  CUPEL_TRY(const TokenId unknown, unknown_token(json, tokens, "[UNK]"));
  CUPEL_TRY(const std::string prefix, json.text_or("continuing_subword_prefix", "##"));
  CUPEL_TRY(const int64_t most, json.integer_or("max_input_chars_per_word", 100));
  if (most < 0) {
    return corrupt_data("{}.max_input_chars_per_word is {}; expected at least 0", json.path(),
                        most);
  }
  return std::unique_ptr<WordModel>(
      std::make_unique<WordPiece>(tokens, unknown, prefix, static_cast<size_t>(most)));
}

Result<std::unique_ptr<WordModel>> make_word_level(const JsonAt& json, const ModelTokens& tokens) {
  CUPEL_TRY(const TokenId unknown, unknown_token(json, tokens, "<unk>"));
  return std::unique_ptr<WordModel>(std::make_unique<WordLevel>(tokens, unknown));
}

}  // namespace cupel::engine
