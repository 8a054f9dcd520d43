#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/tokenizer/json/json_at.h"
#include "engine/tokenizer/json/model_tokens.h"
#include "engine/tokenizer/json/normalizer.h"
#include "engine/tokenizer/special_tokens.h"

namespace cupel::engine {

/// A token that is found in text as a whole, before words are cut.
struct AddedToken {
  TokenId id = -1;
  std::string content;
  bool single_word = false;  ///< only where no word character stands beside it
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< takes the white space after it along
  bool normalized = true;    ///< looked for in normalised text, itself normalised
  bool special = false;      ///< structure: left out of decoded text
  /// Its text where tokens become text: normalised where it is looked for so. Of AddedTokens.
  std::string_view shown = {};
};

/// Reads one entry of "added_tokens" (with "id") or of "added_tokens_decoder" (id given).
Result<AddedToken> read_added_token(const JsonAt& json, std::optional<int64_t> id);

/// A stretch of text between tokens, or a token (id ≥ 0).
struct AddedSegment {
  size_t begin = 0;
  size_t end = 0;
  TokenId id = -1;
};

/// The added tokens of a tokenizer.json: the leftmost longest match, flags as in `tokenizers`.
/// Immutable, movable.
class AddedTokens {
 public:
  /// Later entries of the same id replace earlier ones. Errors: kCorruptData - an id out of range,
  /// a content under another id than the model has it, or under two ids; kUnsupported - the
  /// normaliser may make gigabytes of them, makes more than 64 MiB, or takes too long.
  static Result<AddedTokens> create(std::vector<AddedToken> tokens,
                                    const ModelTokens& model,
                                    const Normalizer* normalizer);

  struct Options {
    bool special = false;                   ///< find special tokens too
    std::span<const size_t> plain_at = {};  ///< where no special token begins
  };
  /// Cuts raw text at the tokens that are not normalised.
  [[nodiscard]] std::vector<AddedSegment> cut_raw(std::string_view text,
                                                  const Options& options) const;
  /// Cuts normalised text at the others.
  [[nodiscard]] std::vector<AddedSegment> cut_normalized(std::string_view text,
                                                         const Options& options) const;
  [[nodiscard]] bool any_normalized() const { return !normalized_.empty(); }
  /// Whether some special token is looked for in normalised text.
  [[nodiscard]] bool any_normalized_special() const { return normalized_special_; }

  [[nodiscard]] std::span<const AddedToken> tokens() const { return tokens_; }
  /// The token of that id, or nullptr.
  [[nodiscard]] const AddedToken* find(TokenId id) const;
  [[nodiscard]] TokenId find(std::string_view content) const;
  /// Whether that text is a special token's.
  [[nodiscard]] bool is_special(std::string_view content) const {
    return special_.contains(content);
  }
  /// One more than the largest id; 0 without tokens.
  [[nodiscard]] size_t id_end() const { return id_end_; }
  /// Texts of the special tokens, as they stand in raw text.
  [[nodiscard]] const SpecialTokens& special_texts() const { return special_texts_; }

 private:
  AddedTokens() = default;
  Result<Ok> add(AddedToken token, const ModelTokens& model);
  Result<Ok> index(const Normalizer* normalizer);
  [[nodiscard]] std::vector<AddedSegment> cut(std::string_view text,
                                              const SpecialTokens& tokens,
                                              const Options& options) const;

  std::vector<AddedToken> tokens_;
  std::vector<std::unique_ptr<const std::string>> texts_;  // what the searches look for
  std::unordered_map<TokenId, size_t> by_id_;
  std::unordered_map<std::string, TokenId> by_content_;
  std::unordered_set<std::string_view> special_;
  SpecialTokens raw_;
  SpecialTokens normalized_;
  SpecialTokens special_texts_;
  bool normalized_special_ = false;
  size_t id_end_ = 0;
};

}  // namespace cupel::engine
