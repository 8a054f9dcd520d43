#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tokenizer.h"
#include "engine/tokenizer/json/added_tokens.h"
#include "engine/tokenizer/json/frame.h"
#include "engine/tokenizer/json/model_tokens.h"
#include "engine/tokenizer/json/normalizer.h"
#include "engine/tokenizer/json/token_decoder.h"
#include "engine/tokenizer/json/word_model.h"
#include "engine/tokenizer/json/word_split.h"
#include "engine/tokenizer/piece_map.h"

namespace cupel::engine {

/// The checked parts of a tokenizer.json.
struct JsonTokenizerParts {
  std::unique_ptr<ModelTokens> tokens;
  std::unique_ptr<Normalizer> normalizer;  // nullptr: text stays as it is
  std::optional<AddedTokens> added;
  WordSplits splits;
  std::unique_ptr<WordModel> model;  // reads `tokens`
  std::unique_ptr<TokenDecoder> decoder;
  TokenFrame frame;
  TokenId bos = -1;
  TokenId eos = -1;
  std::vector<bool> ends;  // by id; one more than the largest id
};

/// Text ↔ ids as a tokenizer.json describes it: added tokens are cut out of the text, the rest is
/// normalised, cut again at tokens that are normalised themselves, split into words, and the model
/// turns words into ids.
class JsonTokenizer final : public Tokenizer {
 public:
  /// Errors: kUnsupported - a pattern of the decoder takes too long on the tokens.
  static Result<std::unique_ptr<Tokenizer>> create(JsonTokenizerParts parts);

  [[nodiscard]] std::vector<TokenId> encode(std::string_view text,
                                            const EncodeOptions& options) const override;
  [[nodiscard]] std::string token_bytes(TokenId id, bool render_special) const override;
  void append_token_bytes(TokenId id, std::string& out) const override;
  [[nodiscard]] std::string decode(std::span<const TokenId> ids,
                                   bool render_special) const override;
  [[nodiscard]] std::vector<size_t> control_places(std::string_view text) const override;
  [[nodiscard]] bool drops_space_after(TokenId previous) const override;
  [[nodiscard]] size_t vocabulary_size() const override { return parts_.ends.size(); }
  [[nodiscard]] TokenId bos() const override { return parts_.bos; }
  [[nodiscard]] TokenId eos() const override { return parts_.eos; }
  [[nodiscard]] bool ends_generation(TokenId id) const override {
    return contains(id) && parts_.ends[static_cast<size_t>(id)];
  }
  [[nodiscard]] bool is_control(TokenId id) const override {
    return contains(id) && control_[static_cast<size_t>(id)];
  }
  [[nodiscard]] TokenId find(std::string_view piece) const override;

 private:
  explicit JsonTokenizer(JsonTokenizerParts parts);
  [[nodiscard]] bool contains(TokenId id) const {
    return id >= 0 && static_cast<size_t>(id) < vocabulary_size();
  }
  /// Text of a token as the file has it.
  [[nodiscard]] std::string_view raw_text(TokenId id) const;
  Result<Ok> index_bytes();

  void encode_between(std::string_view text,
                      bool at_start,
                      bool special,
                      std::vector<TokenId>& ids) const;
  void encode_slice(std::string_view text,
                    bool at_start,
                    bool special,
                    std::vector<TokenId>& ids) const;
  void encode_valid(std::string_view text,
                    bool at_start,
                    bool special,
                    std::vector<TokenId>& ids) const;
  void encode_normalized(std::string_view text,
                         size_t at_start,
                         bool special,
                         std::vector<TokenId>& ids) const;
  void encode_words(std::string_view text, size_t at_start, std::vector<TokenId>& ids) const;

  JsonTokenizerParts parts_;
  std::vector<bool> control_;
  PieceTexts bytes_;  // what each token stands for in the middle of a text
  std::unique_ptr<PieceMap> by_bytes_;
};

}  // namespace cupel::engine
